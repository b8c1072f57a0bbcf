/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil flows */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/flow_follow.h"
#include "cli/flow_query.h"
#include "cli/flow_view.h"
#include "cli/report.h"
#include "cli/terminal.h"

enum { FLUSH_BYTES = 256 * 1024 };

/* An answer under way. */
struct answer {
	const struct store_query *query;
	int64_t now;
	size_t rows;
	bool incomplete;
	bool rule_known;     /* the one asked for decided something once */
	bool failed;         /* the output could not be written */
	struct table *table; /* for people: laid out when all rows are there */
	struct buffer out;   /* for programs: written in pieces */
};

static int on_table_row(const struct store_row *row, void *context)
{
	struct answer *answer = context;

	answer->rows++;
	answer->incomplete = answer->incomplete || !row->complete;
	flow_view_add(answer->table, answer->query->group, row, answer->now);
	return 0;
}

static int flush(struct answer *answer)
{
	int code = terminal_write(&answer->out);

	buffer_clear(&answer->out);
	answer->failed = code != EXIT_DONE;
	return code;
}

/* A line a row, so that a long answer is never in memory as a whole. */
static int on_json_row(const struct store_row *row, void *context)
{
	struct answer *answer = context;
	json_t *object = flow_view_json(answer->query->group, row);

	buffer_text(&answer->out, answer->rows++ ? ",\n  " : "\n  ");
	report_add(object, 0, &answer->out);
	json_decref(object);
	if (answer->out.size_bytes < FLUSH_BYTES && !answer->out.error)
		return 0;
	return flush(answer) != EXIT_DONE;
}

/* Flows may be printed already, so what is wrong stands behind them. */
static int fail_json(struct answer *answer, const char *why)
{
	char safe[256];
	json_t *text;

	text_copy_printable(safe, sizeof(safe), why);
	text = json_string(safe);
	buffer_text(&answer->out, ", \"error\": ");
	report_add(text, JSON_ENCODE_ANY, &answer->out);
	buffer_text(&answer->out, "}\n");
	json_decref(text);
	flush(answer);
	return terminal_error("%s", safe);
}

static int answer_json(const char *path, struct answer *answer)
{
	char why[256] = "";
	int error;

	buffer_text(&answer->out, "{\"flows\": [");
	error = store_query(path, answer->query, on_json_row, answer, why);
	if (answer->failed)
		return EXIT_FAILED;
	buffer_text(&answer->out, answer->rows ? "\n]" : "]");
	if (error)
		return fail_json(answer, why[0] ? why : strerror(-error));
	buffer_text(&answer->out, "}\n");
	return flush(answer);
}

static int on_rule(const struct store_rule *rule, void *context)
{
	struct answer *answer = context;

	answer->rule_known =
		answer->rule_known || strcmp(rule->id, answer->query->rule) == 0;
	return 0;
}

/* A rule that never decided anything, or a name that was mistyped. */
static void note_unknown_rule(const char *path, struct answer *answer,
			      struct buffer *out)
{
	char why[256], name[128];

	if (!answer->query->rule || store_rules(path, on_rule, answer, why) < 0 ||
	    answer->rule_known)
		return;
	text_copy_printable(name, sizeof(name), answer->query->rule);
	buffer_printf(out, "No rule of the name '%s' is in the records.\n", name);
}

static void add_notes(const char *path, struct answer *answer, struct buffer *out)
{
	if (answer->rows == 0) {
		buffer_text(out, "No flows match.\n");
		note_unknown_rule(path, answer, out);
	}
	if (answer->incomplete)
		buffer_printf(out,
			      "\n%s or events of it were lost: there may have been "
			      "more.\n",
			      answer->query->group == GROUP_NONE
				      ? "* This time is not over,"
				      : "Some of this time is not over,");
	if (answer->query->limit && answer->rows == answer->query->limit)
		buffer_printf(out, "\nThe %s %zu; --limit 0 shows all.\n",
			      answer->query->group == GROUP_NONE ? "newest" : "largest",
			      answer->rows);
}

static int answer_table(const char *path, struct answer *answer,
			const struct arguments *arguments)
{
	auto_table struct table *table = flow_view_table(answer->query->group);
	char why[256] = "";
	int error;

	if (!table)
		return terminal_no_memory();
	answer->table = table;
	terminal_progress("reading the database");
	error = store_query(path, answer->query, on_table_row, answer, why);
	terminal_progress(NULL);
	if (error)
		return terminal_error("%s", why[0] ? why : strerror(-error));
	if (table_render(table, terminal_width(),
			 terminal_color(arguments, STDOUT_FILENO), &answer->out) < 0)
		return terminal_no_memory();
	add_notes(path, answer, &answer->out);
	return terminal_write(&answer->out);
}

int cmd_flows(const struct arguments *arguments)
{
	auto_free char *path = arguments_state_path(arguments, DATABASE_NAME);
	struct store_query query;
	struct answer answer = { .query = &query, .now = time(NULL) };
	char problem[PROBLEM_MAX];
	int code;

	if (!path)
		return terminal_no_memory();
	if (flow_query_parse(arguments, answer.now, &query, problem) < 0)
		return terminal_misuse(arguments->command, problem);
	if (arguments_has(arguments, OPTION_FOLLOW))
		return flow_follow(arguments, &query);
	code = arguments_has(arguments, OPTION_JSON)
		       ? answer_json(path, &answer)
		       : answer_table(path, &answer, arguments);
	buffer_done(&answer.out);
	return code;
}
