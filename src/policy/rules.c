/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules: - { id, from, to, allow|drop|reject, ... } */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/endpoint.h"
#include "policy/ids.h"
#include "policy/limits.h"
#include "policy/quote.h"
#include "policy/reader.h"
#include "policy/scalar.h"
#include "policy/traffic.h"

enum { COMMENT_BYTES_MAX = 200 };

static const char *const keys[] = { "id",   "from",   "to",      "allow",
				    "drop", "reject", "limit",   "connections",
				    "log",  "time",   "comment", NULL };

/* In the order of enum verdict. */
static const char *const verbs[] = { "allow", "drop", "reject" };

/* The value of the one verb, or NULL with a fault. */
static const struct node *find_verb(struct reader *reader, const struct node *map,
				    bool complain, enum verdict *ret)
{
	const struct node *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		const struct node *value = node_find(map, verbs[i]);

		if (found && value) {
			faults_add(reader->faults, map->position,
				   "a rule has one verb: this one has both %s and %s",
				   verbs[*ret], verbs[i]);
			return NULL;
		}
		if (!value)
			continue;
		found = value;
		*ret = (enum verdict)i;
	}
	if (!found && complain)
		faults_add(reader->faults, map->position,
			   "a rule needs a verb: allow, drop or reject");
	return found;
}

static const char *read_comment(struct reader *reader, const struct node *node)
{
	const char *text = reader_text(reader, node, "a comment");
	size_t left = text ? strlen(text) : 0;

	if (!text)
		return NULL;
	if (left > COMMENT_BYTES_MAX) {
		faults_add(reader->faults, node->position,
			   "a comment has at most %d bytes", COMMENT_BYTES_MAX);
		return NULL;
	}
	for (const char *here = text; left > 0;) {
		uint32_t character;
		size_t size = text_decode(here, left, &character);

		if (!text_printable(character)) {
			faults_add(reader->faults, node->position,
				   "a comment is one line without control characters");
			return NULL;
		}
		here += size;
		left -= size;
	}
	return reader_copy(reader, text);
}

static void need_end(struct reader *reader, const struct node *map, const char *what,
		     bool complain, struct endpoint *ret)
{
	const struct node *node = node_find(map, what);

	if (node)
		read_endpoint(reader, node, what, ret);
	else if (complain)
		faults_add(reader->faults, map->position,
			   "a rule needs \"%s\": a zone, host or any", what);
}

/* What both ends have in common; FAMILIES_BOTH when that is none and noted. */
static unsigned int common_families(struct reader *reader, const struct node *map,
				    const struct rule *rule)
{
	unsigned int from = endpoint_families(&rule->from);
	unsigned int to = endpoint_families(&rule->to);

	if (rule->from.host && rule->to.host)
		faults_add(reader->faults, rule->to.position,
			   "from host to host is loopback, which always passes");
	if (from && to && !(from & to))
		faults_add(reader->faults, map->position,
			   "the ends of this rule cannot meet: from is %s alone and to "
			   "is %s alone",
			   from == FAMILIES_IPV4 ? "IPv4" : "IPv6",
			   to == FAMILIES_IPV4 ? "IPv4" : "IPv6");
	return from & to ? from & to : FAMILIES_BOTH;
}

/* @complain: about what is missing; a key that is not known was likely meant for it. */
static void read_match(struct reader *reader, const struct node *map, bool complain,
		       struct rule *rule)
{
	unsigned int families;
	const struct node *traffic;

	need_end(reader, map, "from", complain, &rule->from);
	need_end(reader, map, "to", complain, &rule->to);
	families = common_families(reader, map, rule);
	traffic = find_verb(reader, map, complain, &rule->verdict);
	if (traffic)
		read_traffic(reader, traffic, families, &rule->traffic);
}

static void read_options(struct reader *reader, const struct node *map,
			 struct rule *rule)
{
	const struct node *limit = node_find(map, "limit");
	const struct node *connections = node_find(map, "connections");
	const struct node *log = node_find(map, "log");
	const struct node *time = node_find(map, "time");
	const struct node *comment = node_find(map, "comment");

	if (limit)
		read_limit(reader, limit, rule);
	if (connections)
		read_connection_limit(reader, connections, rule);
	if (log)
		scalar_bool(reader, log, "log", &rule->log);
	if (time)
		read_schedule(reader, time, &rule->schedule);
	if (comment)
		rule->comment = read_comment(reader, comment);
}

static void read_rule(struct reader *reader, const struct node *map, struct rule *rule)
{
	const struct node *id;
	bool all_known;

	rule->position = map->position;
	if (!reader_map(reader, map, "a rule"))
		return;
	all_known = reader_keys(reader, map, "a rule", keys);
	id = node_find(map, "id");
	if (id) {
		rule->position = id->position;
		rule->id = read_id(reader, id);
	} else if (all_known) {
		faults_add(reader->faults, map->position,
			   "a rule needs an id: write id: NAME");
	}
	read_match(reader, map, all_known, rule);
	read_options(reader, map, rule);
}

void read_rules(struct reader *reader, const struct node *node)
{
	struct policy *policy = reader->policy;

	if (!reader_list(reader, node, "rules"))
		return;
	if (node->count > POLICY_RULES_MAX) {
		faults_add(reader->faults, node->position,
			   "%zu rules are too many: at most %d", node->count,
			   POLICY_RULES_MAX);
		return;
	}
	policy->rules = reader_alloc(reader, node->count * sizeof(*policy->rules));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		read_rule(reader, node->items[i], &policy->rules[policy->rule_count++]);
}
