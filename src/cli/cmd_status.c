/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil status */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
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

int cmd_status(const struct arguments *arguments)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_reply struct reply reply;
	int code;

	if (ask_agent(arguments, "GetStatus", NULL, &reply) < 0)
		return answer_alone(arguments, reply.problem);
	if (arguments_has(arguments, OPTION_JSON)) {
		code = report_json(json_incref(reply.parameters));
	} else {
		status_view(reply.parameters, time(NULL),
			    terminal_color(arguments, STDOUT_FILENO), &out);
		code = terminal_write(&out);
	}
	if (strcmp(ask_text(reply.parameters, "state"), "running") != 0)
		return EXIT_FAILED;
	return code;
}
