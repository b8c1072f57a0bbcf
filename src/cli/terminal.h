/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where output goes, and what that place can show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/arguments.h"

struct buffer;

/** terminal_color() - Whether to colour what goes to @fd: --color, NO_COLOR
 *  (no-color.org), TERM, and whether it is a terminal. */
bool terminal_color(const struct arguments *arguments, int fd);

/** terminal_width() - Columns of standard output; 0 when it is not a terminal and
 *  COLUMNS does not say. */
size_t terminal_width(void);

/** terminal_write() - Write all of it to standard output. Return: EXIT_DONE, or
 *  EXIT_FAILED when that was not possible (said on standard error). */
int terminal_write(const struct buffer *out);

/** terminal_error() - "vigil: SENTENCE" to standard error. Return: EXIT_FAILED. */
int terminal_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** terminal_no_memory() - The same, for -ENOMEM. Return: EXIT_FAILED. */
int terminal_no_memory(void);

/** terminal_progress() - Say on a terminal's standard error what is going on, until the
 *  next call; NULL removes it. */
void terminal_progress(const char *text);

/** terminal_misuse() - Say what is wrong and which command gives help. Return:
 *  EXIT_MISUSED. */
int terminal_misuse(const struct command *command, const char *problem);
