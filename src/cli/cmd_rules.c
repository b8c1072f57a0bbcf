/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil rules */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "cli/when.h"
#include "store/store.h"

static const struct column columns[] = {
	{ .title = "RULE", .give = 6, .minimum = 12 },
	{ .title = "ACTION", .give = 4 },
	{ .title = "DIRECTION", .give = 1 },
	{ .title = "PACKETS", .right = true },
	{ .title = "BYTES", .right = true, .give = 5 },
	{ .title = "FLOWS", .right = true, .give = 3 },
	{ .title = "OVER LIMIT", .right = true, .give = 2 },
	{ .title = "LAST MATCH" },
};

/* Without the agent there are no counters. */
static const struct column remembered_columns[] = {
	{ .title = "RULE", .give = 1, .minimum = 12 },
	{ .title = "FLOWS", .right = true },
	{ .title = "LAST MATCH" },
};

/* A rule that did something is one that let through, refused, or only limited. */
static bool unused(json_t *rule)
{
	return ask_number(rule, "packets") == 0 &&
	       ask_number(rule, "over_packets") == 0 && ask_number(rule, "flows") == 0;
}

/* Built in and not in any policy, so nobody could remove it. */
static bool built_in(json_t *rule)
{
	return strncmp(ask_text(rule, "id"), "builtin.", 8) == 0;
}

static bool is_default(json_t *rule)
{
	return strncmp(ask_text(rule, "id"), "default.", 8) == 0;
}

static json_t *keep_unused(json_t *rules)
{
	json_t *kept = json_array(), *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		if (unused(rule) && !built_in(rule) &&
		    json_array_append(kept, rule) < 0)
			break;
	}
	return kept;
}

static void add_count(struct table *table, json_t *rule, const char *name)
{
	char text[UNITS_TEXT_MAX];

	table_cell(table, STYLE_PLAIN,
		   ask_known(rule, name)
			   ? units_count((uint64_t)ask_number(rule, name), text)
			   : "-");
}

static void add_directions(struct table *table, json_t *rule)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	json_t *direction;
	size_t i;

	json_array_foreach(json_object_get(rule, "directions"), i, direction) {
		buffer_printf(&text, "%s%s", i ? "," : "",
			      json_is_string(direction) ? json_string_value(direction)
							: "?");
	}
	table_cell(table, STYLE_PLAIN, text.data ? text.data : "-");
}

static enum cell_style verdict_style(const char *verdict)
{
	return strcmp(verdict, "allow") == 0 ? STYLE_GOOD : STYLE_BAD;
}

static void add_rule(struct table *table, json_t *rule, int64_t now)
{
	char text[WHEN_TEXT_MAX], bytes[UNITS_TEXT_MAX];
	const char *verdict = ask_text(rule, "verdict");

	table_cell(table, built_in(rule) ? STYLE_FAINT : STYLE_PLAIN,
		   ask_text(rule, "id"));
	table_cell(table, verdict_style(verdict), verdict[0] ? verdict : "-");
	add_directions(table, rule);
	add_count(table, rule, "packets");
	table_cell(table, STYLE_PLAIN,
		   ask_known(rule, "bytes")
			   ? units_bytes((uint64_t)ask_number(rule, "bytes"), bytes)
			   : "-");
	add_count(table, rule, "flows");
	add_count(table, rule, "over_packets");
	table_cell(table, STYLE_PLAIN,
		   ask_known(rule, "last")
			   ? when_format(ask_number(rule, "last"), now, text)
			   : "-");
}

static int print_table(struct table *table, const struct arguments *arguments,
		       const char *none)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	if (table_render(table, terminal_width(),
			 terminal_color(arguments, STDOUT_FILENO), &out) < 0)
		return terminal_no_memory();
	if (out.size_bytes == 0)
		buffer_text(&out, none);
	return terminal_write(&out);
}

static int show(json_t *rules, const struct arguments *arguments)
{
	auto_table struct table *table = table_new(columns, ARRAY_SIZE(columns));
	json_t *rule;
	size_t i;

	if (!table)
		return terminal_no_memory();
	json_array_foreach(rules, i, rule) {
		if (!is_default(rule))
			add_rule(table, rule, time(NULL));
	}
	/* In the order in which packets meet them. */
	json_array_foreach(rules, i, rule) {
		if (is_default(rule))
			add_rule(table, rule, time(NULL));
	}
	return print_table(table, arguments,
			   arguments_has(arguments, OPTION_UNUSED)
				   ? "Every rule has matched.\n"
				   : "There are no rules.\n");
}

/* --- without the agent ----------------------------------------------------------- */

static int on_remembered(const struct store_rule *rule, void *context)
{
	json_t *item = json_pack("{s:s, s:I, s:I}", "id", rule->id, "flows",
				 (json_int_t)rule->flows, "last",
				 (json_int_t)rule->last_minute);

	return json_array_append_new(context, item) < 0 ? -ENOMEM : 0;
}

static int show_remembered(json_t *rules, const struct arguments *arguments)
{
	auto_table struct table *table =
		table_new(remembered_columns, ARRAY_SIZE(remembered_columns));
	json_t *rule;
	size_t i;

	if (!table)
		return terminal_no_memory();
	json_array_foreach(rules, i, rule) {
		char text[WHEN_TEXT_MAX];

		table_cell(table, STYLE_PLAIN, ask_text(rule, "id"));
		add_count(table, rule, "flows");
		table_cell(table, STYLE_PLAIN,
			   when_format(ask_number(rule, "last"), time(NULL), text));
	}
	return print_table(table, arguments, "The database remembers no flows.\n");
}

/* What never matched is in no database, so only the agent can name it. */
static int answer_remembered(const struct arguments *arguments, const char *problem)
{
	auto_free char *path = arguments_state_path(arguments, DATABASE_NAME);
	json_t *rules = json_array();
	char why[256] = "";
	int error;

	terminal_error("%s", problem);
	if (arguments_has(arguments, OPTION_UNUSED)) {
		json_decref(rules);
		return report_failure(
			arguments, "which rules never matched is not known without it");
	}
	error = path && rules ? store_rules(path, on_remembered, rules, why) : -ENOMEM;
	if (error)
		report_failure(arguments, why[0] ? why : strerror(-error));
	else if (arguments_has(arguments, OPTION_JSON))
		report_json(
			json_pack("{s:s, s:O}", "source", "database", "rules", rules));
	else
		show_remembered(rules, arguments);
	json_decref(rules);
	return EXIT_FAILED;
}

int cmd_rules(const struct arguments *arguments)
{
	auto_reply struct reply reply;
	json_t *rules;
	int code;

	if (ask_agent(arguments, "GetRules", NULL, &reply) < 0)
		return answer_remembered(arguments, reply.problem);
	rules = json_object_get(reply.parameters, "rules");
	rules = arguments_has(arguments, OPTION_UNUSED) ? keep_unused(rules)
							: json_incref(rules);
	if (!rules)
		return terminal_no_memory();
	if (arguments_has(arguments, OPTION_JSON))
		code = report_json(
			json_pack("{s:s, s:O}", "source", "agent", "rules", rules));
	else
		code = show(rules, arguments);
	json_decref(rules);
	return code;
}
