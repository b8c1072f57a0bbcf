/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How things stand, for people and for programs. */
#include "agent/agent.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "agent/manager.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"

static const char *state_name(const struct agent *agent)
{
	if (agent->force.stands && agent->force.table != TABLE_REMOVED)
		return "running";
	return agent->force.tried ? "failed" : "starting";
}

static const char *knowledge_name(enum knowledge knowledge)
{
	static const char *const names[] = {
		[KNOWN_NOT_YET] = "unknown",
		[KNOWN_ON] = "on",
		[KNOWN_OFF] = "off",
	};

	return names[knowledge];
}

static const char *table_name(enum table_state table)
{
	static const char *const names[] = {
		[TABLE_UNKNOWN] = "unknown",
		[TABLE_PRESENT] = "present",
		[TABLE_REMOVED] = "removed",
	};

	return names[table];
}

void agent_sentence(const struct agent *agent, char *out, size_t out_bytes)
{
	const struct force *force = &agent->force;
	const struct candidate *now = force->committed;

	if (force->table == TABLE_REMOVED)
		snprintf(out, out_bytes,
			 "Nothing is enforced: somebody removed the table");
	else if (force->stands)
		snprintf(out, out_bytes, "%s is enforced, %zu rule%s%s", now->path,
			 now->policy->rule_count,
			 now->policy->rule_count == 1 ? "" : "s",
			 agent->connection.up ? "" : "; no connection to the helper");
	else if (!force->tried)
		snprintf(out, out_bytes, "Starting");
	else if (now)
		snprintf(out, out_bytes,
			 "%s was not enforced: %s. %s as it was before still is",
			 force->failure.path, force->failure.text, now->path);
	else
		snprintf(out, out_bytes, "%s was not enforced: %s. %s",
			 force->failure.path, force->failure.text,
			 force->empty ? "Nothing is"
				      : "What was enforced before stays");
}

/* The first error of a policy that was refused, or "". */
static void first_fault(const struct faults *faults, char *out, size_t out_bytes)
{
	const struct fault *fault = faults->list;
	const struct fault *end = fault + faults->count;

	while (fault < end && fault->warning)
		fault++;
	if (fault == end)
		out[0] = '\0';
	else if (fault->position.line > 0)
		snprintf(out, out_bytes, " (line %u: %s)", fault->position.line,
			 fault->text);
	else
		snprintf(out, out_bytes, " (%s)", fault->text);
}

/* `systemctl status` shows no more than this, so it names a fault as well. */
void agent_tell(struct agent *agent)
{
	char sentence[1024], fault[512], text[1600];

	agent_sentence(agent, sentence, sizeof(sentence));
	first_fault(&agent->force.failure.faults, fault, sizeof(fault));
	snprintf(text, sizeof(text), "%s%s", sentence, fault);
	manager_status(text);
}

/* Resident bytes; the largest there ever was where /proc can't be read. */
static int64_t memory_bytes(void)
{
	auto_file FILE *file = fopen("/proc/self/statm", "re");
	struct rusage usage;
	long pages;

	if (file && fscanf(file, "%*s %ld", &pages) == 1)
		return (int64_t)pages * sysconf(_SC_PAGESIZE);
	return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * 1024 : 0;
}

static json_t *describe_failure(const struct failure *failure)
{
	if (!failure->set)
		return json_null();
	return json_pack("{s:s, s:I, s:s, s:o}", "path", failure->path, "time",
			 (json_int_t)failure->time, "text", failure->text, "faults",
			 answers_faults(&failure->faults, failure->path));
}

static json_t *describe_problems(const struct agent *agent,
				 const struct observer_counts *counts)
{
	enum knowledge accounting = aggregate_counts(agent->watch.aggregate).accounting;
	json_t *list = json_array();

	for (size_t i = 0; i <= SOCKETS_MAX; i++)
		if (agent->watch.problems[i][0])
			json_array_append_new(list,
					      json_string(agent->watch.problems[i]));
	if (agent->force.numbers_problem[0])
		json_array_append_new(list, json_string(agent->force.numbers_problem));
	if (accounting == KNOWN_OFF)
		json_array_append_new(
			list, json_string("bytes of connections are not counted: set "
					  "net.netfilter.nf_conntrack_acct=1"));
	if (counts->events_on == KNOWN_OFF)
		json_array_append_new(
			list, json_string("connections are not told of: set "
					  "net.netfilter.nf_conntrack_events=1"));
	if (agent->force.table == TABLE_REMOVED)
		json_array_append_new(
			list, json_string("somebody removed the table: nothing is "
					  "enforced until a reload"));
	return list;
}

static json_t *describe_kernel(const struct agent *agent,
			       const struct observer_counts *counts)
{
	struct aggregate_counts rows = aggregate_counts(agent->watch.aggregate);

	return json_pack("{s:s, s:s, s:s, s:o}", "accounting",
			 knowledge_name(rows.accounting), "events",
			 knowledge_name(counts->events_on), "table",
			 table_name(agent->force.table), "problems",
			 describe_problems(agent, counts));
}

static json_t *describe_events(const struct agent *agent,
			       const struct observer_counts *counts)
{
	struct aggregate_counts rows = aggregate_counts(agent->watch.aggregate);

	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)counts->events,
		"per_second", (json_int_t)counts->per_second, "lost",
		(json_int_t)counts->lost, "dropped", (json_int_t)rows.dropped, "folded",
		(json_int_t)rows.folded, "malformed", (json_int_t)counts->malformed);
}

static json_t *describe_store(struct agent *agent)
{
	const struct store *store = recorder_store(agent->recorder);
	const char *path = agent->paths.database;

	return json_pack("{s:s, s:s, s:s, s:I}", "state",
			 store_state_name(store_state(store)), "why", store_why(store),
			 "path", path, "size", (json_int_t)store_size_bytes(path));
}

static json_t *describe_feed(const struct candidate *now, size_t i)
{
	const struct feed_report *report = &now->feed_reports[i];
	const struct address_set *set = &now->feeds[i];
	int64_t read_at = now->feed_times[i];
	int64_t age = time(NULL) - read_at;

	return json_pack(
		"{s:s, s:I, s:I, s:o, s:I, s:s}", "name", now->policy->feeds[i].name,
		"entries", (json_int_t)report->entries, "ranges",
		(json_int_t)(set->count4 + set->count6), "age",
		read_at ? json_integer(age > 0 ? age : 0) : json_null(), "bad_lines",
		(json_int_t)report->bad_lines, "problem", report->problem);
}

static json_t *describe_feeds(const struct candidate *now)
{
	json_t *list = json_array();

	for (size_t i = 0; now && i < now->policy->feed_count; i++)
		json_array_append_new(list, describe_feed(now, i));
	return list;
}

void status_answer(struct call *call, struct agent *agent)
{
	struct observer_counts counts = observer_counts(agent->watch.observer);
	struct aggregate_counts rows = aggregate_counts(agent->watch.aggregate);
	const struct connection *connection = &agent->connection;
	char sentence[1024];
	json_t *status;

	agent_sentence(agent, sentence, sizeof(sentence));
	status = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:{s:b, s:s}}", "version", VERSION,
		"state", state_name(agent), "sentence", sentence, "uptime",
		(json_int_t)(clock_s() - agent->started), "memory",
		(json_int_t)memory_bytes(), "policy", answers_policy(agent), "failure",
		describe_failure(&agent->force.failure), "helper", "connected",
		connection->up, "problem", connection->up ? "" : connection->problem);
	json_object_set_new(status, "configured", json_string(agent->options.policy));
	json_object_set_new(status, "kernel", describe_kernel(agent, &counts));
	json_object_set_new(status, "events", describe_events(agent, &counts));
	json_object_set_new(status, "flows",
			    json_pack("{s:I, s:I}", "live", (json_int_t)rows.live,
				      "waiting_rows", (json_int_t)rows.rows));
	json_object_set_new(status, "store", describe_store(agent));
	json_object_set_new(status, "feeds", describe_feeds(agent->force.committed));
	json_object_set_new(status, "log",
			    json_pack("{s:I, s:I}", "lines",
				      (json_int_t)agent->journal.lines, "left_out",
				      (json_int_t)agent->journal.left_out));
	call_reply(call, status);
}

void status_get(struct call *call, void *context)
{
	json_t *wait = json_object_get(call->parameters, "wait");

	if (wait && !json_is_boolean(wait) && !json_is_null(wait))
		call_invalid(call, "wait");
	else if (json_is_true(wait))
		settle_wait(context, call);
	else
		status_answer(call, context);
}
