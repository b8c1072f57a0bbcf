/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil feeds */
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/units.h"

static const struct column columns[] = {
	{ .title = "FEED", .give = 4, .minimum = 12 },
	{ .title = "ENTRIES", .right = true, .give = 1 },
	{ .title = "RANGES", .right = true },
	{ .title = "READ" },
	{ .title = "BROKEN LINES", .right = true, .give = 2 },
	{ .title = "PROBLEM", .give = 3, .minimum = 20 },
};

static void add_count(struct table *table, enum cell_style style, json_t *feed,
		      const char *name)
{
	char text[UNITS_TEXT_MAX];

	table_cell(table, style, units_count((uint64_t)ask_number(feed, name), text));
}

static void add_feed(struct table *table, json_t *feed)
{
	const char *problem = ask_text(feed, "problem");
	bool broken = ask_number(feed, "bad_lines") > 0;
	char age[UNITS_TEXT_MAX];

	table_cell(table, STYLE_PLAIN, ask_text(feed, "name"));
	add_count(table, STYLE_PLAIN, feed, "entries");
	add_count(table, STYLE_PLAIN, feed, "ranges");
	if (ask_known(feed, "age"))
		table_cell_printf(table, STYLE_PLAIN, "%s ago",
				  units_duration(ask_number(feed, "age"), age));
	else
		table_cell(table, STYLE_BAD, "never");
	add_count(table, broken ? STYLE_BAD : STYLE_PLAIN, feed, "bad_lines");
	table_cell(table, STYLE_BAD, problem[0] ? problem : "-");
}

static bool any_problem(json_t *feeds)
{
	json_t *feed;
	size_t i;

	json_array_foreach(feeds, i, feed) {
		if (ask_text(feed, "problem")[0])
			return true;
	}
	return false;
}

static int show(json_t *feeds, const struct arguments *arguments)
{
	auto_table struct table *table = table_new(columns, ARRAY_SIZE(columns));
	auto_buffer struct buffer out = BUFFER_NULL;
	json_t *feed;
	size_t i;

	if (!table)
		return terminal_no_memory();
	json_array_foreach(feeds, i, feed) {
		add_feed(table, feed);
	}
	if (table_render(table, terminal_width(),
			 terminal_color(arguments, STDOUT_FILENO), &out) < 0)
		return terminal_no_memory();
	if (any_problem(feeds))
		buffer_text(
			&out,
			"\nWhere there is a problem, ENTRIES and BROKEN LINES are of "
			"the file as it is,\nRANGES and READ of the last good one, "
			"which is in force.\n");
	if (out.size_bytes == 0)
		buffer_text(&out, "The policy in force names no feeds.\n");
	return terminal_write(&out);
}

int cmd_feeds(const struct arguments *arguments)
{
	auto_reply struct reply reply;
	json_t *feeds;
	int code;

	if (ask_agent(arguments, "GetStatus", NULL, &reply) < 0)
		return report_failure(arguments, reply.problem);
	feeds = json_object_get(reply.parameters, "feeds");
	if (arguments_has(arguments, OPTION_JSON))
		code = report_json(json_pack("{s:O}", "feeds", feeds));
	else
		code = show(feeds, arguments);
	return code == EXIT_DONE && any_problem(feeds) ? EXIT_FAILED : code;
}
