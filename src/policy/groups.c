/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/groups.h"

#include <stdio.h>
#include <string.h>

#include "policy/addresses.h"
#include "policy/feeds.h"
#include "policy/quote.h"

/* "a" -> "b" -> "a", cut in the middle when it is long. */
static void note_circle(struct reader *reader, uint32_t index)
{
	const struct group *group = &reader->groups[index];
	size_t from = reader->open_count;
	char path[160];
	size_t used = 0;

	while (from > 0 && reader->open_groups[from - 1] != index)
		from--;
	from = from > 0 ? from - 1 : 0;
	path[0] = '\0';
	for (size_t i = from; i < reader->open_count && used < sizeof(path); i++) {
		const char *name = reader->groups[reader->open_groups[i]].name;

		used += (size_t)snprintf(path + used, sizeof(path) - used, "%s -> ",
					 name);
	}
	faults_add(reader->faults, group->position,
		   "groups hold each other in a circle: %s%s", path,
		   used < sizeof(path) ? group->name : "...");
}

static void read_group(struct reader *reader, uint32_t index)
{
	struct group *group = &reader->groups[index];
	struct selection selection = { .addresses = ADDRESS_SET_NULL };
	char what[128];

	snprintf(what, sizeof(what), "group %s", quote(group->name).text);
	group->state = GROUP_OPEN;
	reader->open_groups[reader->open_count++] = index;
	read_addresses(reader, group->node, ADMIT_ADDRESSES | ADMIT_GROUPS, what,
		       &selection);
	reader->open_count--;
	group->state = GROUP_READ;
	group->addresses = selection.addresses;
}

const struct address_set *group_addresses(struct reader *reader, uint32_t index)
{
	struct group *group = &reader->groups[index];

	if (group->state == GROUP_OPEN) {
		note_circle(reader, index);
		return NULL;
	}
	if (group->state == GROUP_UNREAD && reader->open_count == GROUP_DEPTH_MAX) {
		faults_add(reader->faults, group->position,
			   "groups are nested more than %d deep here", GROUP_DEPTH_MAX);
		group->state = GROUP_READ;
	}
	if (group->state == GROUP_UNREAD)
		read_group(reader, index);
	return &group->addresses;
}

static void add_group(struct reader *reader, const struct node *key,
		      const struct node *value)
{
	struct address_range range;
	struct group *group = &reader->groups[reader->group_count];

	if (range_parse(key->text, &range) != RANGE_NOT_ADDRESS) {
		faults_add(reader->faults, key->position,
			   "group %s has the form of an address: give it another name",
			   quote(key->text).text);
		return;
	}
	if (!reader_new_name(reader, key, "group"))
		return;
	*group = (struct group){ .name = key->text,
				 .position = key->position,
				 .node = value };
	reader_name(reader, &reader->lists,
		    &(struct name){ .text = key->text,
				    .position = key->position,
				    .kind = NAME_GROUP,
				    .index = (uint32_t)reader->group_count });
	reader->group_count++;
}

static void add_groups(struct reader *reader, const struct node *node)
{
	reader->groups = reader_scratch(reader, node->count * sizeof(*reader->groups));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		add_group(reader, node->items[2 * i], node->items[2 * i + 1]);
}

static void check_twice(struct reader *reader)
{
	const struct name *items = reader->lists.items;

	for (size_t i = 1; i < reader->lists.count; i++)
		if (strcmp(items[i].text, items[i - 1].text) == 0 &&
		    items[i].kind != items[i - 1].kind)
			faults_add(reader->faults, items[i].position,
				   "%s names a group and a feed: give one of them "
				   "another name",
				   quote(items[i].text).text);
}

void read_groups_and_feeds(struct reader *reader, const struct node *groups,
			   const struct node *feeds)
{
	bool with_feeds = feeds && reader_section(reader, feeds, "feeds");

	if (groups && reader_section(reader, groups, "groups"))
		add_groups(reader, groups);
	if (with_feeds)
		feeds_name(reader, feeds);
	if (names_sort(&reader->lists, &reader->scratch) < 0)
		reader->no_memory = true;
	check_twice(reader);
	for (size_t i = 0; i < reader->group_count && !reader_stopped(reader); i++)
		group_addresses(reader, (uint32_t)i);
	if (with_feeds)
		feeds_read(reader, feeds);
}

void groups_keep(struct reader *reader)
{
	struct policy *policy = reader->policy;

	policy->groups =
		reader_alloc(reader, reader->group_count * sizeof(*policy->groups));
	for (size_t i = 0; i < reader->group_count && !reader_stopped(reader); i++) {
		struct group *group = &reader->groups[i];

		policy->groups[i] = (struct address_group){
			.name = reader_copy(reader, group->name),
			.position = group->position,
			.addresses = group->addresses,
		};
		group->addresses = (struct address_set)ADDRESS_SET_NULL;
		policy->group_count++;
	}
}

void groups_done(struct reader *reader)
{
	for (size_t i = 0; i < reader->group_count; i++)
		address_set_done(&reader->groups[i].addresses);
}
