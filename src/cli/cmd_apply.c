/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil apply */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/draft.h"
#include "cli/report.h"
#include "cli/terminal.h"

/* The name under which the agent knows the text: whole, since feeds are looked for
 * beside it and the agent stands elsewhere. */
static char *whole_path(const char *path)
{
	auto_free char *directory = NULL;
	char *whole;

	if (strcmp(path, "-") != 0)
		return realpath(path, NULL);
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&whole, "%s/" STANDARD_INPUT, directory) < 0)
		return NULL;
	return whole;
}

/* The text can't be sent as it is; then it is no policy either, and the reader says
 * where.
 */
static int explain_bytes(struct draft *draft)
{
	auto_policy struct policy *policy = NULL;
	int error =
		policy_read(draft->text, draft->text_bytes, &policy, &draft->faults);

	if (!error)
		return faults_add(&draft->faults, (struct position){ 0 },
				  "the file's path is not UTF-8");
	return error;
}

static int send_text(const struct arguments *arguments, struct draft *draft,
		     struct reply *reply)
{
	auto_free char *name = whole_path(draft->path);
	json_t *parameters = NULL;

	if (!name)
		return -errno;
	/* JSON as the agent reads it has no place for NUL or for what is not UTF-8. */
	if (!memchr(draft->text, '\0', draft->text_bytes))
		parameters = json_pack("{s:s, s:s%}", "name", name, "policy",
				       draft->text, draft->text_bytes);
	if (!parameters)
		return explain_bytes(draft);
	return ask_agent(arguments, "Apply", parameters, reply);
}

/* The agent's faults as our own, so that they look the same. */
static void take_faults(json_t *list, struct faults *faults)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		struct position position = {
			.line = (uint32_t)ask_number(item, "line"),
			.column = (uint32_t)ask_number(item, "column"),
		};
		const char *text = ask_text(item, "text");

		if (strcmp(ask_text(item, "severity"), "warning") == 0)
			faults_warn(faults, position, "%s%s", text,
				    ask_whose_denial(text));
		else
			faults_add(faults, position, "%s%s", text,
				   ask_whose_denial(text));
	}
}

/* Where the agent read its own file, the lines at fault are shown too if that is where
 * policies are. We may be root and the agent is not, so no other name that it gives is
 * ever opened. */
static void find_source(json_t *list, struct draft *draft)
{
	const char *file = ask_text(json_array_get(list, 0), "file");

	if (draft->path)
		return;
	draft->path = file[0] ? file : POLICY_PATH;
	if (strcmp(draft->path, POLICY_PATH) == 0 &&
	    file_read(POLICY_PATH, POLICY_BYTES_MAX, &draft->text, &draft->text_bytes) <
		    0)
		draft->text = NULL;
}

static int answer_json(const struct reply *reply)
{
	json_t *answer =
		json_pack("{s:b, s:s*, s:s*}", "ok", !reply->problem[0], "error",
			  reply->error[0] ? reply->error : NULL, "problem",
			  reply->problem[0] ? reply->problem : NULL);
	int code;

	if (answer && reply->parameters)
		json_object_update_missing(answer, reply->parameters);
	code = report_json(answer);
	return reply->problem[0] ? EXIT_FAILED : code;
}

static void describe(json_t *parameters, struct buffer *out)
{
	json_t *policy = json_object_get(parameters, "policy");
	json_t *change = json_object_get(parameters, "change");
	long long added = ask_number(change, "elements_added");
	long long deleted = ask_number(change, "elements_deleted");
	long long rule_count = ask_number(policy, "rules");
	char path[PATH_MAX];
	bool rules = json_is_true(json_object_get(change, "rules_changed"));

	text_copy_printable(path, sizeof(path),
			    ask_policy_name(ask_text(policy, "path")));
	buffer_printf(out, "In force: %s, %lld rule%s", path, rule_count,
		      rule_count == 1 ? "" : "s");
	if (!rules && !added && !deleted)
		buffer_text(out, "; nothing had to change");
	else if (!rules)
		buffer_text(out, "; the rules did not change");
	if (added || deleted)
		buffer_printf(out, "; %lld ranges added, %lld removed", added, deleted);
	buffer_text(out, ".\n");
}

/* What was sent is gone when the agent reads its own file, unless it is that. */
static void describe_end(const struct arguments *arguments, json_t *policy,
			 struct buffer *out)
{
	auto_reply struct reply status;
	const char *own = POLICY_PATH;
	char safe[PATH_MAX];

	ask_agent(arguments, "GetStatus", NULL, &status);
	if (ask_text(status.parameters, "configured")[0])
		own = ask_text(status.parameters, "configured");
	if (strcmp(own, ask_text(policy, "path")) == 0)
		return;
	text_copy_printable(safe, sizeof(safe), own);
	buffer_printf(
		out,
		"That holds until the agent reads %s again: by 'vigil apply', by a "
		"reload, or when it starts.\n",
		safe);
}

static int answer_text(const struct arguments *arguments, const struct reply *reply,
		       struct draft *draft)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	json_t *policy = json_object_get(reply->parameters, "policy");
	json_t *list = json_object_get(reply->problem[0] ? reply->parameters : policy,
				       reply->problem[0] ? "faults" : "warnings");

	find_source(list, draft);
	take_faults(list, &draft->faults);
	draft_show_faults(draft, arguments);
	if (reply->problem[0])
		return terminal_error("%s; what was in force still is", reply->problem);
	describe(reply->parameters, &out);
	describe_end(arguments, policy, &out);
	return terminal_write(&out);
}

/* What is wrong was seen before the agent was asked. */
static int answer_unsent(const struct arguments *arguments, const struct draft *draft)
{
	if (!arguments_has(arguments, OPTION_JSON))
		return draft_show_faults(draft, arguments);
	report_json(json_pack("{s:b, s:s, s:o}", "ok", false, "problem",
			      "the policy has errors", "faults",
			      draft_json_faults(draft)));
	return EXIT_FAILED;
}

static int run(const struct arguments *arguments, struct draft *draft,
	       struct reply *reply)
{
	bool from_file = arguments->operand || arguments_has(arguments, OPTION_POLICY);
	int error = from_file ? draft_read_text(arguments, draft) : 0;

	if (!error) {
		terminal_progress("the agent reads, compiles and applies it");
		error = from_file ? send_text(arguments, draft, reply)
				  : ask_agent(arguments, "Reload", NULL, reply);
		terminal_progress(NULL);
	}
	if (draft->faults.errors)
		return answer_unsent(arguments, draft);
	if (error && !reply->problem[0])
		snprintf(reply->problem, sizeof(reply->problem), "%s",
			 strerror(-error));
	return arguments_has(arguments, OPTION_JSON)
		       ? answer_json(reply)
		       : answer_text(arguments, reply, draft);
}

int cmd_apply(const struct arguments *arguments)
{
	struct draft draft = DRAFT_NULL;
	struct reply reply = REPLY_NULL;
	int code = run(arguments, &draft, &reply);

	draft_done(&draft);
	reply_done(&reply);
	return code;
}
