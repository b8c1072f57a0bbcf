/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil status */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/report.h"
#include "cli/status_view.h"
#include "cli/terminal.h"

static json_t *json_summary(const char *path, const struct store_summary *summary)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "path", path,
			 "size", (json_int_t)summary->size_bytes, "first_minute",
			 (json_int_t)summary->first_minute, "last_minute",
			 (json_int_t)summary->last_minute, "minutes",
			 (json_int_t)summary->minutes, "incomplete_minutes",
			 (json_int_t)summary->incomplete_minutes, "rows",
			 (json_int_t)summary->rows, "lost", (json_int_t)summary->lost);
}

/* What can be known without the agent. */
static int answer_alone(const struct arguments *arguments, const char *problem)
{
	auto_free char *path = arguments_state_path(arguments, DATABASE_NAME);
	auto_buffer struct buffer out = BUFFER_NULL;
	struct store_summary summary = { 0 };
	char why[256] = "";
	int error = path ? store_summarize(path, &summary, why) : -ENOMEM;

	if (arguments_has(arguments, OPTION_JSON)) {
		report_json(
			json_pack("{s:s, s:s, s:o}", "state", "unreachable", "sentence",
				  problem, "database",
				  error ? json_null() : json_summary(path, &summary)));
		return EXIT_FAILED;
	}
	terminal_error("%s", problem);
	if (error)
		return terminal_error("%s", why[0] ? why : strerror(-error));
	status_view_database(path, &summary, time(NULL), &out);
	terminal_write(&out);
	return EXIT_FAILED;
}

static json_t *first_error(json_t *status)
{
	json_t *faults = json_object_get(json_object_get(status, "failure"), "faults");
	json_t *fault;
	size_t i;

	json_array_foreach(faults, i, fault)
		if (strcmp(ask_text(fault, "severity"), "error") == 0)
			return fault;
	return NULL;
}

/* How it ended, and nothing else: it stands in the journal of each reload. */
static int answer_outcome(json_t *status)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	const char *sentence = ask_text(status, "sentence");
	json_t *error = first_error(status);
	char safe[1024];

	if (strcmp(ask_text(status, "state"), "running") == 0) {
		text_copy_printable(safe, sizeof(safe), sentence);
		buffer_printf(&out, "%s\n", safe);
		return terminal_write(&out);
	}
	if (!error)
		return terminal_error("%s", sentence);
	return terminal_error("%s (%s:%lld: %s)", sentence, ask_text(error, "file"),
			      (long long)ask_number(error, "line"),
			      ask_text(error, "text"));
}

int cmd_status(const struct arguments *arguments)
{
	bool wait = arguments_has(arguments, OPTION_WAIT);
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_reply struct reply reply;
	int code;

	if (ask_agent(arguments, "GetStatus",
		      wait ? json_pack("{s:b}", "wait", true) : NULL, &reply) < 0)
		return answer_alone(arguments, reply.problem);
	if (arguments_has(arguments, OPTION_JSON)) {
		code = report_json(json_incref(reply.parameters));
	} else if (wait) {
		code = answer_outcome(reply.parameters);
	} else {
		status_view(reply.parameters, time(NULL),
			    terminal_color(arguments, STDOUT_FILENO), &out);
		code = terminal_write(&out);
	}
	if (strcmp(ask_text(reply.parameters, "state"), "running") != 0)
		return EXIT_FAILED;
	return code;
}
