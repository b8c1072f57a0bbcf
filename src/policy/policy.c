/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a policy from its text to the checked model. */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "policy/groups.h"
#include "policy/ids.h"
#include "policy/quote.h"
#include "policy/reader.h"

enum {
	KEEP_DEFAULT_S = 30 * 86400,
	MARK_DEFAULT = (int)0xffff0000,
	BYTE_ORDER_MARK_BYTES = 3,
};

static const char *const keys[] = {
	"version",  "zones",    "groups", "ports",   "feeds",
	"ban",      "defaults", "rules",  "nat",     "flows",
	"services", "users",    "tests",  "protect", NULL,
};

static const struct position whole_file = { 0, 0 };

static void check_version(struct reader *reader, const struct node *root)
{
	const struct node *version = node_find(root, "version");

	if (!version)
		faults_add(
			reader->faults, root->position,
			"the version is missing: begin the file with \"version: 1\"");
	else if (version->kind != NODE_SCALAR || strcmp(version->text, "1") != 0)
		faults_add(reader->faults, version->position, "the version must be 1");
}

static void refuse_later_sections(struct reader *reader, const struct node *root)
{
	static const char *const later[] = { "services", "users", "protect" };

	for (size_t i = 0; i < root->count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(later); j++)
			if (strcmp(root->items[2 * i]->text, later[j]) == 0)
				faults_add(reader->faults, root->items[2 * i]->position,
					   "section \"%s\" is not supported yet",
					   later[j]);
}

static void read_section(struct reader *reader, const struct node *root,
			 const char *name,
			 void (*read)(struct reader *, const struct node *))
{
	const struct node *node = node_find(root, name);

	if (node && !reader_stopped(reader))
		read(reader, node);
}

/* In the order in which names must be known, whatever the order in the file. */
static void read_sections(struct reader *reader, const struct node *root)
{
	reader_keys(reader, root, "a policy", keys);
	check_version(reader, root);
	refuse_later_sections(reader, root);
	read_section(reader, root, "zones", read_zones);
	read_section(reader, root, "ports", read_ports);
	read_groups_and_feeds(reader, node_find(root, "groups"),
			      node_find(root, "feeds"));
	read_section(reader, root, "ban", read_ban);
	read_section(reader, root, "defaults", read_defaults);
	read_section(reader, root, "rules", read_rules);
	read_section(reader, root, "nat", read_nat);
	read_section(reader, root, "flows", read_flows);
	check_ids(reader);
	/* Last, since tests speak of all the rest. */
	read_section(reader, root, "tests", read_tests);
}

static struct policy *new_policy(void)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->arena.limit_bytes = POLICY_MEMORY_MAX;
	policy->default_input = VERDICT_DROP;
	policy->default_forward = VERDICT_DROP;
	policy->default_output = VERDICT_ALLOW;
	policy->flows = (struct flow_settings){
		.keep_s = KEEP_DEFAULT_S,
		.max_size_bytes = 1ull << 30,
		.denied = true,
		.mark_mask = (uint32_t)MARK_DEFAULT,
	};
	return policy;
}

static void read_root(struct reader *reader, const struct node *root)
{
	if (!root || node_is_null(root)) {
		faults_add(reader->faults, whole_file,
			   "the policy is empty: begin it with \"version: 1\"");
		return;
	}
	if (!reader_map(reader, root, "a policy"))
		return;
	read_sections(reader, root);
	if (reader->faults->errors == 0 && !reader_stopped(reader)) {
		check_policy(reader);
		groups_keep(reader);
	}
}

static int read_text(struct reader *reader, const char *text, size_t size_bytes)
{
	struct node *root = NULL;
	int error;

	if (size_bytes > POLICY_BYTES_MAX)
		return faults_add(reader->faults, whole_file,
				  "the file has more than %d MiB: keep long lists in a "
				  "feed",
				  POLICY_BYTES_MAX >> 20);
	if (size_bytes >= BYTE_ORDER_MARK_BYTES &&
	    memcmp(text, "\xef\xbb\xbf", BYTE_ORDER_MARK_BYTES) == 0) {
		text += BYTE_ORDER_MARK_BYTES;
		size_bytes -= BYTE_ORDER_MARK_BYTES;
	}
	error = tree_read(text, size_bytes, &reader->scratch, &root, reader->faults);
	if (error == -ENOMEM && reader->scratch.used_bytes > POLICY_MEMORY_MAX / 2)
		reader->too_large = true;
	else if (error)
		return error;
	else
		read_root(reader, root);
	if (reader->too_large)
		faults_add(reader->faults, whole_file,
			   "the policy needs more than %d MiB of memory: keep long "
			   "lists in a feed",
			   POLICY_MEMORY_MAX >> 20);
	if (reader->no_memory ||
	    (reader->faults->left_out > 0 && !reader->faults->list))
		return -ENOMEM;
	return reader->faults->errors > 0 ? -EINVAL : 0;
}

int policy_read(const char *text, size_t size_bytes, struct policy **ret,
		struct faults *faults)
{
	auto_policy struct policy *policy = new_policy();
	struct reader reader = {
		.policy = policy,
		.faults = faults,
		.scratch = ARENA_INIT(POLICY_MEMORY_MAX),
	};
	int error;

	if (!policy)
		return -ENOMEM;
	error = read_text(&reader, text, size_bytes);
	faults_sort(faults);
	groups_done(&reader);
	arena_done(&reader.scratch);
	if (!error)
		*ret = take(policy);
	return error;
}

int policy_load(const char *path, bool regular, char **ret, size_t *ret_bytes,
		struct faults *faults)
{
	int error = (regular ? file_read_regular : file_read)(path, POLICY_BYTES_MAX,
							      ret, ret_bytes);

	switch (error) {
	case 0:
	case -ENOMEM:
		return error;
	case -EISDIR:
		faults_add(faults, whole_file,
			   "this is a directory, not a policy file");
		break;
	case -ESPIPE:
		faults_add(faults, whole_file, "this is not a regular file");
		break;
	case -EFBIG:
		faults_add(faults, whole_file,
			   "the file has more than %d MiB: keep long lists in a feed",
			   POLICY_BYTES_MAX >> 20);
		break;
	case -ENOENT:
		faults_add(faults, whole_file, "there is no such file");
		break;
	case -EACCES:
	case -EPERM:
		faults_add(faults, whole_file,
			   regular ? "the agent's user may not read this file: make it "
				     "readable for all (chmod a+r), and its folders "
				     "passable (chmod a+x)"
				   : "you may not read this file");
		break;
	default:
		faults_add(faults, whole_file, "the file cannot be read: %s",
			   strerror(-error));
	}
	return -EINVAL;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	address_set_done(&policy->ban);
	for (size_t i = 0; i < policy->group_count; i++)
		address_set_done(&policy->groups[i].addresses);
	for (size_t i = 0; i < policy->feed_count; i++)
		address_set_done(&policy->feeds[i].never);
	for (size_t i = 0; i < policy->rule_count; i++) {
		address_set_done(&policy->rules[i].from.addresses);
		address_set_done(&policy->rules[i].to.addresses);
	}
	arena_done(&policy->arena);
	free(policy);
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "allow", "drop", "reject" };

	return names[verdict];
}

const char *direction_name(enum direction direction)
{
	static const char *const names[] = { "input", "forward", "output" };

	return names[direction];
}
