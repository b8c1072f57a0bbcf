/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/help.h"
#include "cli/units.h"
#include "cli/when.h"

enum { LABEL_WIDTH = 11, LINE_MAX_BYTES = 2048 };

/* Where the lines go, and how. */
struct view {
	struct buffer *out;
	int64_t now;
	bool color;
};

static void add(const struct view *view, const char *label, const char *style,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One fact, behind its label or, without one, below the fact before. */
static void add(const struct view *view, const char *label, const char *style,
		const char *format, ...)
{
	char text[LINE_MAX_BYTES], safe[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_copy_printable(safe, sizeof(safe), text);
	if (label)
		buffer_printf(view->out, "%s%-*s%s", view->color ? "\033[1m" : "",
			      LABEL_WIDTH, label, view->color ? "\033[0m" : "");
	else
		buffer_printf(view->out, "%*s", LABEL_WIDTH, "");
	buffer_text(view->out, view->color ? style : "");
	help_wrap(safe, LABEL_WIDTH, STATUS_WIDTH, view->out);
	if (view->color && *style)
		buffer_text(view->out, "\033[0m");
}

#define PLAIN ""
#define GOOD "\033[32m"
#define BAD "\033[31m"
#define WARN "\033[33m"

static void add_state(const struct view *view, json_t *status)
{
	const char *state = ask_text(status, "state");
	const char *style = strcmp(state, "running") == 0    ? GOOD
			    : strcmp(state, "starting") == 0 ? WARN
							     : BAD;

	add(view, "State", style, "%s", state);
	if (ask_text(status, "sentence")[0])
		add(view, NULL, PLAIN, "%s", ask_text(status, "sentence"));
}

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

static void add_policy(const struct view *view, json_t *status)
{
	json_t *policy = json_object_get(status, "policy");
	const char *path = ask_text(policy, "path");
	const char *configured = ask_text(status, "configured");
	int64_t loaded = ask_number(policy, "loaded");
	int64_t rules = ask_number(policy, "rules"),
		zones = ask_number(policy, "zones");
	size_t warnings = json_array_size(json_object_get(policy, "warnings"));
	char since[WHEN_TEXT_MAX], age[UNITS_TEXT_MAX];

	if (!json_is_object(policy)) {
		add(view, "Policy", BAD, "none is known to be in force");
		return;
	}
	add(view, "Policy", PLAIN, "%s", ask_policy_name(path));
	if (configured[0] && strcmp(configured, path) != 0)
		add(view, NULL, WARN,
		    "temporary: it holds until the agent reads %s again", configured);
	add(view, NULL, PLAIN, "%lld rule%s, %lld zone%s; in force since %s (%s)",
	    (long long)rules, plural(rules), (long long)zones, plural(zones),
	    when_format(loaded, view->now, since),
	    units_duration(view->now - loaded, age));
	add(view, NULL, PLAIN, "tag %s", ask_text(policy, "tag"));
	if (warnings)
		add(view, NULL, WARN, "%zu warning%s; 'vigil check' shows them",
		    warnings, warnings == 1 ? "" : "s");
}

static void add_failure(const struct view *view, json_t *failure)
{
	size_t faults = json_array_size(json_object_get(failure, "faults"));
	json_t *first = json_array_get(json_object_get(failure, "faults"), 0);
	char when[WHEN_TEXT_MAX], line[40] = "";

	if (!json_is_object(failure))
		return;
	add(view, "Refused", BAD, "%s, at %s: %s",
	    ask_policy_name(ask_text(failure, "path")),
	    when_format(ask_number(failure, "time"), view->now, when),
	    ask_text(failure, "text"));
	/* Line 0 is the file as a whole. */
	if (ask_number(first, "line") > 0)
		snprintf(line, sizeof(line),
			 "line %lld: ", (long long)ask_number(first, "line"));
	if (first)
		add(view, NULL, PLAIN, "%s%s%s%s", line, ask_text(first, "text"),
		    ask_whose_denial(ask_text(first, "text")),
		    faults > 1 ? "; 'vigil check' shows the others" : "");
}

static void add_helper(const struct view *view, json_t *helper)
{
	bool connected = json_is_true(json_object_get(helper, "connected"));
	const char *problem = ask_text(helper, "problem");

	add(view, "Helper", connected ? PLAIN : BAD, "%s%s%s",
	    connected ? "connected" : "not connected", problem[0] ? ": " : "", problem);
}

static void add_kernel(const struct view *view, json_t *kernel)
{
	const char *table = ask_text(kernel, "table");
	bool seen = strcmp(ask_text(kernel, "events"), "unknown") != 0;
	json_t *problem;
	size_t i;

	add(view, "Kernel", strcmp(table, "removed") == 0 ? BAD : PLAIN,
	    "table %s, %s%s, byte counts %s", table,
	    seen ? "connection events " : "no connection events seen yet",
	    seen ? ask_text(kernel, "events") : "", ask_text(kernel, "accounting"));
	json_array_foreach(json_object_get(kernel, "problems"), i, problem) {
		if (json_is_string(problem))
			add(view, NULL, WARN, "%s", json_string_value(problem));
	}
}

static void add_events(const struct view *view, json_t *status)
{
	json_t *events = json_object_get(status, "events");
	json_t *flows = json_object_get(status, "flows");
	int64_t lost = ask_number(events, "lost"),
		dropped = ask_number(events, "dropped");
	char total[UNITS_TEXT_MAX], live[UNITS_TEXT_MAX];

	add(view, "Events", PLAIN, "%s, %lld a second now; %s connection%s live",
	    units_count((uint64_t)ask_number(events, "total"), total),
	    (long long)ask_number(events, "per_second"),
	    units_count((uint64_t)ask_number(flows, "live"), live),
	    plural(ask_number(flows, "live")));
	if (lost)
		add(view, NULL, WARN, "the kernel lost events %lld time%s",
		    (long long)lost, plural(lost));
	if (dropped)
		add(view, NULL, WARN, "%lld left out: there were too many at once",
		    (long long)dropped);
	if (ask_number(events, "malformed"))
		add(view, NULL, WARN, "%lld not understood",
		    (long long)ask_number(events, "malformed"));
}

static void add_store(const struct view *view, json_t *status)
{
	json_t *store = json_object_get(status, "store");
	const char *state = ask_text(store, "state"), *why = ask_text(store, "why");
	int64_t waiting = ask_number(json_object_get(status, "flows"), "waiting_rows");
	char size[UNITS_TEXT_MAX];

	add(view, "Database", strcmp(state, "ready") == 0 ? PLAIN : BAD,
	    "%s, %s, %s%s%s", ask_text(store, "path"),
	    units_bytes((uint64_t)ask_number(store, "size"), size), state,
	    why[0] ? ": " : "", why);
	if (waiting && strcmp(state, "ready") != 0)
		add(view, NULL, WARN, "%lld row%s in memory", (long long)waiting,
		    waiting == 1 ? " waits" : "s wait");
}

static void add_feeds(const struct view *view, json_t *feeds)
{
	json_t *feed;
	size_t i;

	json_array_foreach(feeds, i, feed) {
		const char *problem = ask_text(feed, "problem");
		char age[UNITS_TEXT_MAX], ranges[UNITS_TEXT_MAX];

		add(view, i ? NULL : "Feeds", problem[0] ? WARN : PLAIN,
		    "%s: %s range%s, read %s%s%s%s", ask_text(feed, "name"),
		    units_count((uint64_t)ask_number(feed, "ranges"), ranges),
		    plural(ask_number(feed, "ranges")),
		    ask_known(feed, "age")
			    ? units_duration(ask_number(feed, "age"), age)
			    : "never",
		    ask_known(feed, "age") ? " ago" : "", problem[0] ? "; " : "",
		    problem);
	}
}

void status_view(json_t *status, int64_t now, bool color, struct buffer *out)
{
	const struct view view = { .out = out, .now = now, .color = color };
	json_t *log = json_object_get(status, "log");
	char uptime[UNITS_TEXT_MAX], memory[UNITS_TEXT_MAX];

	add_state(&view, status);
	add_policy(&view, status);
	add_failure(&view, json_object_get(status, "failure"));
	add_feeds(&view, json_object_get(status, "feeds"));
	add_helper(&view, json_object_get(status, "helper"));
	add_kernel(&view, json_object_get(status, "kernel"));
	add_events(&view, status);
	add_store(&view, status);
	if (ask_number(log, "left_out"))
		add(&view, "Log", WARN, "%lld lines written, %lld left out",
		    (long long)ask_number(log, "lines"),
		    (long long)ask_number(log, "left_out"));
	add(&view, "Agent", PLAIN, "version %s, up %s, %s of memory",
	    ask_text(status, "version"),
	    units_duration(ask_number(status, "uptime"), uptime),
	    units_bytes((uint64_t)ask_number(status, "memory"), memory));
}

void status_view_database(const char *path, const struct store_summary *summary,
			  int64_t now, struct buffer *out)
{
	const struct view view = { .out = out, .now = now };
	char first[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX], size[UNITS_TEXT_MAX];

	add(&view, "Database", PLAIN, "%s, %s", path,
	    units_bytes(summary->size_bytes, size));
	if (summary->minutes == 0) {
		add(&view, NULL, PLAIN, "no flows are remembered");
		return;
	}
	add(&view, NULL, PLAIN, "%llu minute%s from %s to %s, %llu row%s",
	    (unsigned long long)summary->minutes, plural((int64_t)summary->minutes),
	    when_format(summary->first_minute, now, first),
	    when_format(summary->last_minute, now, last),
	    (unsigned long long)summary->rows, plural((int64_t)summary->rows));
	if (summary->incomplete_minutes)
		add(&view, NULL, PLAIN,
		    "%llu of them incomplete; events were lost %llu time%s",
		    (unsigned long long)summary->incomplete_minutes,
		    (unsigned long long)summary->lost, plural((int64_t)summary->lost));
}
