/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the agent. */
#pragma once

#include <jansson.h>

#include "cli/arguments.h"

enum { ASK_ERROR_MAX = 64 };

struct reply {
	json_t *parameters;        /* also of an error; NULL when none came */
	char error[ASK_ERROR_MAX]; /* short name of the agent's error, or "" */
	char problem[512];         /* a sentence when there is no good answer */
};

#define REPLY_NULL                                                                     \
	{                                                                              \
		0                                                                      \
	}

/**
 * ask_agent() - One call and its answer
 * @method:     of io.vigil.Agent, without the interface
 * @parameters: taken over; NULL for none
 * @ret:        always set; release with reply_done()
 *
 * Return: 0; -EREMOTEIO when the agent answered with an error; or -errno when it can't
 * be reached. @ret->problem is set in both.
 */
int ask_agent(const struct arguments *arguments, const char *method, json_t *parameters,
	      struct reply *ret);

/** ask_connect() - For a longer conversation. Return: a descriptor, or -errno with a
 *  sentence in @problem. */
int ask_connect(const struct arguments *arguments, char *problem, size_t problem_bytes);

/** ask_explain() - The sentence for an error of the agent. */
void ask_explain(const char *error, json_t *parameters, char *problem,
		 size_t problem_bytes);

void reply_done(struct reply *reply);

#define auto_reply __attribute__((cleanup(reply_done)))

/** ask_policy_name() - A policy's path for people: text that came from standard input
 * has the path of a directory only so that feeds are found. Return: @path or its end.
 */
const char *ask_policy_name(const char *path);

/** ask_whose_denial() - What to add to a sentence of the agent's, since the person who
 *  asks may well be allowed to read the file. */
const char *ask_whose_denial(const char *text);

#define STANDARD_INPUT "(standard input)"

/** ask_text(), ask_number(), ask_known() - A member of an object; "" or 0 where it is
 *  missing or of another type; whether it is a number. */
const char *ask_text(json_t *object, const char *name);
int64_t ask_number(json_t *object, const char *name);
bool ask_known(json_t *object, const char *name);
