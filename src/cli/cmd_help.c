/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil help */
#include <stdio.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "cli/help.h"
#include "cli/terminal.h"

enum { WIDTH_DEFAULT = 80, WIDTH_READABLE = 100 };

static int unknown_command(const char *name)
{
	const char *names[32];
	char problem[PROBLEM_MAX];
	size_t count = 0;
	const char *near;

	for (size_t i = 0; i < command_count && count < 31; i++)
		names[count++] = commands[i].name;
	names[count] = NULL;
	near = nearest_word(name, names);
	snprintf(problem, sizeof(problem), "there is no command '%s'%s%s%s", name,
		 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return terminal_misuse(NULL, problem);
}

int cmd_help(const struct arguments *arguments)
{
	const struct command *command = NULL;
	struct buffer out = BUFFER_NULL;
	size_t width = terminal_width();
	int code;

	/* Long lines are hard to read, however wide the terminal. */
	if (width == 0 || width > WIDTH_READABLE)
		width = width ? WIDTH_READABLE : WIDTH_DEFAULT;
	if (arguments_has(arguments, OPTION_HELP)) {
		command = arguments->command;
	} else if (arguments->operand) {
		command = command_find(arguments->operand);
		if (!command)
			return unknown_command(arguments->operand);
	}
	if (command)
		help_command(command, width, &out);
	else
		help_usage(&out);
	code = terminal_write(&out);
	buffer_done(&out);
	return code;
}
