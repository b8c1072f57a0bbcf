/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that were added, removed, changed or moved. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagram/editing.h"
#include "diagram/words.h"

enum { ITEMS_SHOWN = 6 };

static void write_where(struct buffer *out, const struct policy *policy,
			const struct endpoint *end)
{
	if (end->host)
		buffer_text(out, "host");
	else if (end->any_zone)
		buffer_text(out, "any");
	else
		write_zones(out, policy, end->zones, end->zone_count);
}

static int write_who(struct buffer *out, const struct policy *policy,
		     const struct endpoint *end)
{
	bool more = !address_set_empty(&end->addresses);
	int error = 0;

	if (!end->restricted)
		buffer_text(out, "any");
	if (more)
		error = write_addresses(out, policy, &end->addresses);
	for (size_t i = 0; i < end->feed_count; i++) {
		buffer_printf(out, more ? ", feed %s" : "feed %s",
			      policy->feeds[end->feeds[i]].name);
		more = true;
	}
	return error;
}

static int write_end(struct buffer *out, const struct policy *policy,
		     const struct endpoint *end)
{
	int error;

	if (!end->restricted || !end->any_zone)
		write_where(out, policy, end);
	if (!end->restricted)
		return 0;
	buffer_text(out, end->any_zone ? "" : " (");
	error = write_who(out, policy, end);
	buffer_text(out, end->any_zone ? "" : ")");
	return error;
}

static int write_traffic(struct buffer *out, const struct traffic_list *traffic)
{
	struct arena arena = ARENA_INIT(0);
	struct words words;
	int error = words_traffic(traffic, &arena, &words);

	if (!error)
		words_write(&words, "all", ITEMS_SHOWN, out);
	arena_done(&arena);
	return error;
}

static void write_scope(struct buffer *out, enum limit_scope scope)
{
	buffer_text(out, scope == LIMIT_PER_SOURCE ? " per source" : " per rule");
}

void revision_limit(const struct rule *rule, struct buffer *out)
{
	const struct limit *limit = &rule->limit;
	const char *unit = limit->period_s == 1      ? "second"
			   : limit->period_s == 60   ? "minute"
			   : limit->period_s == 3600 ? "hour"
						     : "day";

	if (limit->scope != LIMIT_NONE) {
		buffer_printf(out, "%u/%s, burst %u,", limit->count, unit,
			      limit->burst);
		write_scope(out, limit->scope);
	}
	if (limit->scope != LIMIT_NONE && rule->connections.scope != LIMIT_NONE)
		buffer_text(out, ", ");
	if (rule->connections.scope != LIMIT_NONE) {
		buffer_printf(out, "%u connections", rule->connections.max);
		write_scope(out, rule->connections.scope);
	}
}

static void write_time(struct buffer *out, const struct schedule *schedule)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed",
					     "thu", "fri", "sat" };
	const char *glue = "";

	if (!schedule->set)
		return;
	for (uint32_t day = 0; day < 7; day++) {
		if (!(schedule->days >> day & 1))
			continue;
		buffer_printf(out, "%s%s", glue, names[day]);
		glue = ",";
	}
	buffer_printf(out, " %02u:%02u-%02u:%02u", schedule->from_s / 3600,
		      schedule->from_s / 60 % 60, schedule->to_s / 3600,
		      schedule->to_s / 60 % 60);
}

int revision_rule(const struct policy *policy, const struct rule *rule,
		  struct buffer *out)
{
	bool limited = rule->limit.scope != LIMIT_NONE ||
		       rule->connections.scope != LIMIT_NONE;
	int error;

	buffer_printf(out, "%s ", verdict_name(rule->verdict));
	error = write_traffic(out, &rule->traffic);
	buffer_text(out, " from ");
	if (!error)
		error = write_end(out, policy, &rule->from);
	buffer_text(out, " to ");
	if (!error)
		error = write_end(out, policy, &rule->to);
	if (limited) {
		buffer_text(out, ", limit ");
		revision_limit(rule, out);
	}
	if (rule->schedule.set) {
		buffer_text(out, ", at ");
		write_time(out, &rule->schedule);
	}
	return error ? error : out->error;
}

/* The same rule in both policies. */
struct pair {
	const struct policy *policies[2];
	const struct rule *rules[2];
};

enum end_part { END_ZONES, END_ADDRESSES };

static void compare_end(struct editing *editing, struct edit *edit,
			const struct pair *pair, bool from, enum end_part part)
{
	auto_buffer struct buffer before = BUFFER_NULL, after = BUFFER_NULL;
	const struct endpoint *ends[2];
	char what[24];
	int error = 0;

	for (size_t i = 0; i < 2; i++)
		ends[i] = from ? &pair->rules[i]->from : &pair->rules[i]->to;
	snprintf(what, sizeof(what), part == END_ZONES ? "%s" : "%s addresses",
		 from ? "from" : "to");
	if (part == END_ZONES) {
		write_where(&before, pair->policies[0], ends[0]);
		write_where(&after, pair->policies[1], ends[1]);
	} else {
		error = write_who(&before, pair->policies[0], ends[0]);
		if (!error)
			error = write_who(&after, pair->policies[1], ends[1]);
	}
	if (error)
		editing->error = error;
	editing_texts(editing, edit, what, &before, &after);
	strncat(what, ": ", sizeof(what) - strlen(what) - 1);
	/* Two long lists may look the same as far as they are shown. */
	if (part == END_ADDRESSES && ends[0]->restricted && ends[1]->restricted)
		editing_sets(editing, edit, what, &ends[0]->addresses,
			     &ends[1]->addresses);
}

static void compare_texts(struct editing *editing, struct edit *edit, const char *what,
			  const struct pair *pair,
			  void (*write)(const struct rule *, struct buffer *))
{
	auto_buffer struct buffer before = BUFFER_NULL, after = BUFFER_NULL;

	write(pair->rules[0], &before);
	write(pair->rules[1], &after);
	editing_texts(editing, edit, what, &before, &after);
}

static void put_verdict(const struct rule *rule, struct buffer *out)
{
	buffer_text(out, verdict_name(rule->verdict));
}

static void put_traffic(const struct rule *rule, struct buffer *out)
{
	if (write_traffic(out, &rule->traffic) < 0)
		out->error = -ENOMEM;
}

static void put_time(const struct rule *rule, struct buffer *out)
{
	write_time(out, &rule->schedule);
}

static void put_log(const struct rule *rule, struct buffer *out)
{
	buffer_text(out, rule->log ? "yes" : "no");
}

static void put_comment(const struct rule *rule, struct buffer *out)
{
	buffer_text(out, rule->comment ? rule->comment : "");
}

static void compare_rules(struct editing *editing, const struct pair *pair)
{
	struct edit *edit =
		editing_add(editing, EDIT_CHANGED, "rule", pair->rules[1]->id,
			    pair->rules[1]->position.line);

	compare_texts(editing, edit, "verdict", pair, put_verdict);
	for (int from = 1; from >= 0; from--) {
		compare_end(editing, edit, pair, from, END_ZONES);
		compare_end(editing, edit, pair, from, END_ADDRESSES);
	}
	compare_texts(editing, edit, "traffic", pair, put_traffic);
	compare_texts(editing, edit, "limit", pair, revision_limit);
	compare_texts(editing, edit, "time", pair, put_time);
	compare_texts(editing, edit, "log", pair, put_log);
	compare_texts(editing, edit, "comment", pair, put_comment);
	editing_drop(editing, edit);
}

/* Rules by id, to find one in the other policy. */
struct index {
	const struct rule **list;
	size_t count;
};

static int compare_ids(const void *left, const void *right)
{
	const struct rule *const *a = left;
	const struct rule *const *b = right;

	return strcmp((*a)->id, (*b)->id);
}

static struct index make_index(const struct policy *policy)
{
	struct index index = { calloc(policy->rule_count + 1, sizeof(*index.list)), 0 };

	for (size_t i = 0; index.list && i < policy->rule_count; i++)
		index.list[index.count++] = &policy->rules[i];
	if (index.count)
		qsort(index.list, index.count, sizeof(*index.list), compare_ids);
	return index;
}

static const struct rule *find(const struct index *index, const struct rule *rule)
{
	const struct rule **found = index->count
					    ? bsearch(&rule, index->list, index->count,
						      sizeof(*index->list), compare_ids)
					    : NULL;

	return found ? *found : NULL;
}

static void tell_presence(struct editing *editing, enum edit_kind kind,
			  const struct policy *policy, const struct rule *rule)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	struct edit *edit =
		editing_add(editing, kind, "rule", rule->id, rule->position.line);

	if (revision_rule(policy, rule, &text) < 0)
		editing->error = -ENOMEM;
	else
		editing_detail(editing, edit, "%s", text.data);
}

/*
 * Of the rules that both have, a longest part that is in the same order; the others
 * were moved. @places: where each stands in the old policy, in the order of the new
 * one. Patience sorting.
 */
static int find_settled(const size_t *places, size_t count, bool *settled)
{
	auto_free size_t *tops = calloc(count + 1, sizeof(*tops));
	auto_free size_t *before = calloc(count + 1, sizeof(*before));
	size_t piles = 0;

	if (!tops || !before)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t low = 0, high = piles;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (places[tops[middle]] < places[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? tops[low - 1] : SIZE_MAX;
		tops[low] = i;
		piles += low == piles;
	}
	for (size_t i = piles ? tops[piles - 1] : SIZE_MAX; i != SIZE_MAX;
	     i = before[i])
		settled[i] = true;
	return 0;
}

static void tell_moves(struct editing *editing, const struct index *old)
{
	const struct policy *before = editing->inputs[0].policy;
	const struct policy *after = editing->inputs[1].policy;
	auto_free size_t *places = calloc(after->rule_count + 1, sizeof(*places));
	auto_free const struct rule **rules =
		calloc(after->rule_count + 1, sizeof(*rules));
	auto_free bool *settled = calloc(after->rule_count + 1, sizeof(*settled));
	size_t count = 0;

	for (size_t i = 0; places && rules && i < after->rule_count; i++) {
		const struct rule *same = find(old, &after->rules[i]);

		if (!same)
			continue;
		rules[count] = &after->rules[i];
		places[count++] = (size_t)(same - before->rules);
	}
	if (!places || !rules || !settled || find_settled(places, count, settled) < 0) {
		editing->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = rules[i];
		struct edit *edit;

		if (settled[i])
			continue;
		edit = editing_add(editing, EDIT_MOVED, "rule", rule->id,
				   rule->position.line);
		if (rule == after->rules)
			editing_detail(editing, edit, "now the first");
		else
			editing_detail(editing, edit, "now behind %s", rule[-1].id);
	}
}

void find_rule_edits(struct editing *editing)
{
	const struct policy *before = editing->inputs[0].policy;
	const struct policy *after = editing->inputs[1].policy;
	struct index old = make_index(before), new = make_index(after);

	if (!old.list || !new.list)
		editing->error = -ENOMEM;
	for (size_t i = 0; !editing->error && i < after->rule_count; i++)
		if (!find(&old, &after->rules[i]))
			tell_presence(editing, EDIT_ADDED, after, &after->rules[i]);
	for (size_t i = 0; !editing->error && i < before->rule_count; i++)
		if (!find(&new, &before->rules[i]))
			tell_presence(editing, EDIT_REMOVED, before, &before->rules[i]);
	for (size_t i = 0; !editing->error && i < after->rule_count; i++) {
		const struct rule *same = find(&old, &after->rules[i]);

		if (same)
			compare_rules(editing,
				      &(struct pair){ { before, after },
						      { same, &after->rules[i] } });
	}
	if (!editing->error)
		tell_moves(editing, &old);
	free(old.list);
	free(new.list);
}
