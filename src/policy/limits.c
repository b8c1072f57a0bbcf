/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/limits.h"

#include <stdio.h>
#include <string.h>

#include "policy/quote.h"
#include "policy/scalar.h"

enum {
	BURST_LEAST = 5, /* unless asked for less */
	/* The kernel multiplies a day in nanoseconds with it in 64 bits
	 * (net/netfilter/nft_limit.c). */
	BURST_MAX = 65535,
	CONNECTIONS_MAX = 1000000,
	ALL_DAYS = 0x7f,
	DAY_S = 86400,
};

static bool check_verdict(struct reader *reader, const struct node *node,
			  const char *what, const struct rule *rule)
{
	if (rule->verdict == VERDICT_ALLOW)
		return true;
	faults_add(reader->faults, node->position,
		   "%s goes with allow, and this rule has %s", what,
		   verdict_name(rule->verdict));
	return false;
}

static enum limit_scope read_scope(struct reader *reader, const struct node *map)
{
	static const char *const words[] = { "source", "rule", NULL };
	const struct node *node = node_find(map, "per");

	if (node && reader_choice(reader, node, "per", words) == 1)
		return LIMIT_PER_RULE;
	return LIMIT_PER_SOURCE;
}

static uint32_t default_burst(uint32_t rate)
{
	if (rate < BURST_LEAST)
		return BURST_LEAST;
	return rate < BURST_MAX ? rate : BURST_MAX;
}

void read_limit(struct reader *reader, const struct node *node, struct rule *rule)
{
	static const char *const keys[] = { "rate", "burst", "per", NULL };
	struct limit *limit = &rule->limit;
	const struct node *value;

	if (!check_verdict(reader, node, "limit", rule) ||
	    !reader_map_like(reader, node, "limit",
			     filled_in("{ rate: ", node->text, "5/minute", " }")))
		return;
	reader_keys(reader, node, "limit", keys);
	value = node_find(node, "rate");
	if (!value)
		faults_add(reader->faults, node->position,
			   "limit needs a rate such as 5/minute");
	else if (scalar_rate(reader, value, &limit->count, &limit->period_s))
		limit->burst = default_burst(limit->count);
	value = node_find(node, "burst");
	if (value)
		scalar_number(reader, value, "burst", 1, BURST_MAX, &limit->burst);
	limit->scope = read_scope(reader, node);
}

void read_connection_limit(struct reader *reader, const struct node *node,
			   struct rule *rule)
{
	static const char *const keys[] = { "max", "per", NULL };
	const struct node *value;

	if (!check_verdict(reader, node, "connections", rule) ||
	    !reader_map_like(reader, node, "connections",
			     filled_in("{ max: ", node->text, "20", " }")))
		return;
	reader_keys(reader, node, "connections", keys);
	value = node_find(node, "max");
	if (value)
		scalar_number(reader, value, "max", 1, CONNECTIONS_MAX,
			      &rule->connections.max);
	else
		faults_add(reader->faults, node->position,
			   "connections needs max: the number of connections");
	rule->connections.scope = read_scope(reader, node);
}

static void read_days(struct reader *reader, const struct node *node,
		      struct schedule *ret)
{
	static const char *const words[] = { "sun", "mon", "tue", "wed",
					     "thu", "fri", "sat", NULL };
	struct node *const *items;
	size_t count = reader_items(&node, &items);

	ret->days = 0;
	if (count == 0)
		faults_add(reader->faults, node->position,
			   "this list of days is empty: leave it out to mean every "
			   "day");
	for (size_t i = 0; i < count; i++) {
		int day = reader_choice(reader, items[i], "a day", words);

		if (day < 0)
			continue;
		if (ret->days & 1 << day)
			faults_add(reader->faults, items[i]->position,
				   "%s stands twice in this list",
				   quote(items[i]->text).text);
		ret->days = (uint8_t)(ret->days | 1 << day);
	}
}

/* "08:00-18:00" as the map that it should be. */
static struct quoted shown_times(const struct node *node)
{
	struct quoted shown = { "{ from: \"08:00\", to: \"18:00\" }" };
	const char *text = node->kind == NODE_SCALAR ? node->text : "";

	if (strlen(text) == 11 && text[5] == '-')
		snprintf(shown.text, sizeof(shown.text),
			 "{ from: \"%.5s\", to: \"%.5s\" }", text, text + 6);
	return shown;
}

void read_schedule(struct reader *reader, const struct node *node, struct schedule *ret)
{
	static const char *const keys[] = { "days", "from", "to", NULL };
	const struct node *value;

	if (!reader_map_like(reader, node, "time", shown_times(node)))
		return;
	reader_keys(reader, node, "time", keys);
	*ret = (struct schedule){ .set = true, .days = ALL_DAYS, .to_s = DAY_S };
	if (node->count == 0)
		faults_add(reader->faults, node->position,
			   "time needs days, from or to");
	value = node_find(node, "days");
	if (value)
		read_days(reader, value, ret);
	value = node_find(node, "from");
	if (value && scalar_clock(reader, value, "from", &ret->from_s) &&
	    ret->from_s == DAY_S)
		faults_add(reader->faults, value->position,
			   "from 24:00 never comes: write 00:00");
	value = node_find(node, "to");
	if (value)
		scalar_clock(reader, value, "to", &ret->to_s);
}
