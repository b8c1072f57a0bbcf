/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers for programs, and the way to the agent. */
#pragma once

#include <jansson.h>

#include "cli/arguments.h"

struct buffer;

/** report_add() - Write JSON behind @out in ASCII without control characters, since it
 *  may go to a terminal; NULL makes it an error of @out. @flags are Jansson's. */
void report_add(const json_t *answer, size_t flags, struct buffer *out);

/**
 * report_json() - Print an answer
 * @answer: taken over; NULL means that there was no memory for it
 *
 * Return: EXIT_DONE or EXIT_FAILED.
 */
int report_json(json_t *answer);

/** report_failure() - Say on standard error why there is no answer; with --json also as
 *  an object, {"error": PROBLEM}. Return: EXIT_FAILED. */
int report_failure(const struct arguments *arguments, const char *problem);
