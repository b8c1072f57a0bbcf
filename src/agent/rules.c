/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each rule has done: counters from the kernel, flows from the database. Both are
 * read in the worker; the answer is put together in the loop. */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tally.h"
#include "agent/varlink.h"
#include "base/cleanup.h"

struct question {
	struct job job;
	struct agent *agent;
	struct call *call;
	const char *database; /* borrowed */
	struct tally tally;
};

/* One line of the answer. */
struct line {
	const char *id;
	const char *comment;
	uint32_t line;
	size_t order;
	enum verdict verdict;
	bool directions[3];
};

struct lines {
	struct line *list;
	size_t count;
};

static void run(struct job *job)
{
	struct question *question = (struct question *)job;
	struct link *link = &question->agent->connection.link;
	int helper = link_use(link);

	if (helper >= 0)
		link_check(link, tally_counters(&question->tally, helper));
	tally_flows(&question->tally, question->database);
}

static int compare_ids(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* In the order in which a packet meets them. */
static int rank(const struct line *line)
{
	if (strcmp(line->id, "ban") == 0)
		return 0;
	if (strncmp(line->id, "builtin.", strlen("builtin.")) == 0)
		return 1;
	return line->line > 0 ? 2 : 3;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Several deciders share an id: the same rule between other zones. */
static void merge(struct lines *lines)
{
	size_t kept = 0;

	qsort(lines->list, lines->count, sizeof(*lines->list), compare_ids);
	for (size_t i = 0; i < lines->count; i++) {
		struct line *last = kept ? &lines->list[kept - 1] : NULL;

		if (!last || strcmp(last->id, lines->list[i].id) != 0) {
			lines->list[kept++] = lines->list[i];
			continue;
		}
		for (size_t d = 0; d < 3; d++)
			last->directions[d] |= lines->list[i].directions[d];
		if (lines->list[i].comment)
			last->comment = lines->list[i].comment;
		if (lines->list[i].line)
			last->line = lines->list[i].line;
	}
	lines->count = kept;
	qsort(lines->list, lines->count, sizeof(*lines->list), compare_lines);
}

static void collect_deciders(const struct image *image, struct lines *lines)
{
	for (size_t i = 0; i < image->decider_count; i++) {
		const struct image_decider *decider = &image->deciders[i];
		struct line *line = &lines->list[lines->count];

		*line = (struct line){ .id = decider->id,
				       .line = decider->line,
				       .order = lines->count++,
				       .verdict = decider->verdict };
		line->directions[decider->direction] = true;
	}
}

static void collect_rules(const struct policy *policy, struct lines *lines)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		lines->list[lines->count] = (struct line){ .id = rule->id,
							   .comment = rule->comment,
							   .line = rule->position.line,
							   .order = lines->count,
							   .verdict = rule->verdict };
		lines->count++;
	}
}

/* What is built in and never told of in marks or logs has a counter alone. */
static void collect_counters(const struct image *image, struct lines *lines)
{
	for (size_t i = 0; i < image->counters.count; i++) {
		const char *id = image->counters.items[i].name + strlen(COUNTER_PREFIX);

		if (strncmp(id, "builtin.", strlen("builtin.")) != 0)
			continue;
		lines->list[lines->count] = (struct line){ .id = id,
							   .order = lines->count,
							   .verdict = VERDICT_ALLOW };
		lines->count++;
	}
}

static int collect(const struct candidate *committed, struct lines *ret)
{
	const struct image *image = committed->image;
	const struct policy *policy = committed->policy;
	size_t most = image->decider_count + policy->rule_count + image->counters.count;

	*ret = (struct lines){ .list = calloc(most + 1, sizeof(*ret->list)) };
	if (!ret->list)
		return -ENOMEM;
	collect_deciders(image, ret);
	collect_rules(policy, ret);
	collect_counters(image, ret);
	merge(ret);
	return 0;
}

static json_t *number(bool known, uint64_t value)
{
	return known ? json_integer((json_int_t)value) : json_null();
}

static json_t *directions_of(const struct line *line)
{
	json_t *list = json_array();

	for (unsigned int d = 0; d < 3; d++)
		if (line->directions[d])
			json_array_append_new(list, json_string(direction_name(d)));
	return list;
}

static json_t *describe(const struct line *line, const struct tally *tally)
{
	struct tally_counter own = tally_counter(tally, line->id, "");
	struct tally_counter over = tally_counter(tally, line->id, ".over");
	struct tally_flow flow = tally_flow(tally, line->id);
	bool flows = tally->flows_known;

	return json_pack(
		"{s:s, s:I, s:s, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		line->id, "line", (json_int_t)line->line, "verdict",
		verdict_name(line->verdict), "directions", directions_of(line),
		"comment", line->comment, "packets", number(own.known, own.packets),
		"bytes", number(own.known, own.bytes), "over_packets",
		number(over.known, over.packets), "over_bytes",
		number(over.known, over.bytes), "flows", number(flows, flow.flows),
		"last", number(flow.last_minute > 0, (uint64_t)flow.last_minute));
}

static void answer(struct question *question)
{
	const struct candidate *committed = question->agent->force.committed;
	struct lines lines = { 0 };
	json_t *rules;

	if (!committed) {
		call_error(question->call, VARLINK_INTERFACE ".NoPolicy", NULL);
		return;
	}
	if (collect(committed, &lines) < 0) {
		call_error(question->call, VARLINK_INTERFACE ".Busy", NULL);
		return;
	}
	rules = json_array();
	for (size_t i = 0; i < lines.count; i++)
		json_array_append_new(rules,
				      describe(&lines.list[i], &question->tally));
	free(lines.list);
	call_reply(question->call, json_pack("{s:o}", "rules", rules));
}

static void done(struct job *job)
{
	auto_free struct question *question = (struct question *)job;
	struct agent *agent = question->agent;

	if (question->call->client)
		answer(question);
	else
		call_end(question->call);
	tally_done(&question->tally);
	agent->rules_waiting--;
	connection_check(agent);
}

void rules_get(struct call *call, void *context)
{
	struct agent *agent = context;
	struct question *question = NULL;

	if (agent->rules_waiting < RULES_WAITING_MAX)
		question = calloc(1, sizeof(*question));
	if (!question) {
		call_error(call, VARLINK_INTERFACE ".Busy", NULL);
		return;
	}
	question->job = (struct job){ .run = run, .done = done };
	question->agent = agent;
	question->call = call;
	question->database = agent->paths.database;
	agent->rules_waiting++;
	worker_add(agent->worker, &question->job);
}
