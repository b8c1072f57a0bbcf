/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of commands says, as text for a terminal. */
#pragma once

#include <stddef.h>

#include "cli/command.h"

struct buffer;

/** help_usage() - The short usage of the program, with examples. */
void help_usage(struct buffer *out);

/** help_command() - All about one command, at most @width characters wide. */
void help_command(const struct command *command, size_t width, struct buffer *out);

/** help_wrap() - Paragraphs broken at blanks; every line begins with @indent blanks.
 *  The first line is taken to stand at @indent already. */
void help_wrap(const char *text, size_t indent, size_t width, struct buffer *out);

/** help_synopsis() - "vigil NAME [OPTION]... [OPERAND]" without a line feed. */
void help_synopsis(const struct command *command, struct buffer *out);

/** help_exit_status() - "0 on success, 1 when ..., 2 when the command line is wrong".
 */
void help_exit_status(const struct command *command, struct buffer *out);
