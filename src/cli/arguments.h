/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines, read by the table of commands. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/files.h"
#include "cli/command.h"

enum { PROBLEM_MAX = 256 };

/**
 * arguments_parse() - Take a command line apart
 * @arguments: as main() gets them, the program's name first
 * @ret:       on failure as far as it was understood
 * @problem:   on failure: a sentence, with "did you mean" where one is near
 *
 * Options may stand before and after the command and its operand; "--" ends them.
 * "--help" and "--version" anywhere win over what else is wrong.
 *
 * Return: 0 or -EINVAL.
 */
int arguments_parse(int count, char *const *arguments, struct arguments *ret,
		    char problem[static PROBLEM_MAX]);

/** arguments_complain() - Put what is wrong into words. Return: -EINVAL. */
int arguments_complain(char problem[static PROBLEM_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** arguments_has() - Whether an option was given. */
static inline bool arguments_has(const struct arguments *arguments,
				 enum option_id option)
{
	return arguments->values[option] != NULL;
}

/** arguments_policy() - The policy file to work on: operand, option or the default. */
const char *arguments_policy(const struct arguments *arguments);

/** arguments_state_path(), arguments_run_path() - A file of the state or run directory.
 *  Return: a string the caller frees, or NULL without memory. */
char *arguments_state_path(const struct arguments *arguments, const char *name);
char *arguments_run_path(const struct arguments *arguments, const char *name);
