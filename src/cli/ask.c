/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/varlink.h"
#include "base/cleanup.h"

/* What to do about an agent that is not there: systemd's agent has its own place. */
static const char *how_to_start(const char *path)
{
	bool systemd = access("/run/systemd/system", F_OK) == 0 &&
		       strcmp(path, RUN_DIRECTORY "/" CONTROL_NAME) == 0;

	if (systemd && access(POLICY_PATH, F_OK) < 0 && errno == ENOENT)
		return "there is no policy yet: write " POLICY_PATH
		       ", then 'systemctl start vigil'";
	if (systemd)
		return "'systemctl start vigil' starts it, 'systemctl status vigil' "
		       "says why it ended";
	return "start vigil-agent, see vigil-agent(8)";
}

static void explain_connect(int error, const char *path, char *problem,
			    size_t problem_bytes)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		snprintf(problem, problem_bytes,
			 "the agent is not running: nobody listens at %s; %s", path,
			 how_to_start(path));
		return;
	case -EACCES:
	case -EPERM:
		snprintf(problem, problem_bytes,
			 "this user may not ask the agent at %s; try as root", path);
		return;
	default:
		snprintf(problem, problem_bytes, "the agent can't be reached at %s: %s",
			 path, strerror(-error));
	}
}

int ask_connect(const struct arguments *arguments, char *problem, size_t problem_bytes)
{
	auto_free char *path = arguments_run_path(arguments, CONTROL_NAME);
	int fd = path ? varlink_connect(path) : -ENOMEM;

	if (fd < 0)
		explain_connect(fd, path ? path : "?", problem, problem_bytes);
	return fd;
}

void ask_explain(const char *error, json_t *parameters, char *problem,
		 size_t problem_bytes)
{
	static const struct {
		const char *error, *sentence;
	} known[] = {
		{ "PermissionDenied", "the agent takes that from root alone" },
		{ "NoPolicy", "no policy is in force" },
		{ "Busy", "the agent has too much to do at once; try again" },
		{ "TooLarge", "the agent's answer does not fit into a message" },
		{ "MethodNotFound",
		  "the agent is of another version and can't do that" },
	};
	const char *text = ask_text(parameters, "text");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].error, error) == 0) {
			snprintf(problem, problem_bytes, "%s", known[i].sentence);
			return;
		}
	snprintf(problem, problem_bytes, "%s", text[0] ? text : error);
}

int ask_agent(const struct arguments *arguments, const char *method, json_t *parameters,
	      struct reply *ret)
{
	json_t *sent = parameters ? parameters : json_object();
	auto_fd int fd = -1;
	int error;

	*ret = (struct reply)REPLY_NULL;
	fd = ask_connect(arguments, ret->problem, sizeof(ret->problem));
	error = fd < 0 ? fd
		       : varlink_call(fd, method, sent, &ret->parameters, ret->error);
	json_decref(sent);
	if (fd < 0)
		return error;
	if (error) {
		snprintf(ret->problem, sizeof(ret->problem),
			 "the agent gave no answer: %s", strerror(-error));
		return error;
	}
	if (!ret->error[0])
		return 0;
	ask_explain(ret->error, ret->parameters, ret->problem, sizeof(ret->problem));
	return -EREMOTEIO;
}

void reply_done(struct reply *reply)
{
	json_decref(reply->parameters);
	*reply = (struct reply)REPLY_NULL;
}

const char *ask_whose_denial(const char *text)
{
	const char *denied = strstr(text, strerror(EACCES));

	return denied && !denied[strlen(strerror(EACCES))]
		       ? "; the agent's user may not read it"
		       : "";
}

const char *ask_policy_name(const char *path)
{
	size_t length = strlen(path), end = strlen("/" STANDARD_INPUT);

	if (length >= end && strcmp(path + length - end, "/" STANDARD_INPUT) == 0)
		return path + length - end + 1;
	return path;
}

const char *ask_text(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t ask_number(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool ask_known(json_t *object, const char *name)
{
	return json_is_integer(json_object_get(object, name));
}
