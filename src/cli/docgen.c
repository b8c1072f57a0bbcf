/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes what comes from the table of commands while Vigil is built; not installed.
 *
 *     vigil-docgen commands               their names, one a line
 *     vigil-docgen man NAME [PART]        the page of a command, or of "vigil"
 *     vigil-docgen services               the last section of vigil-policy(5)
 *     vigil-docgen bash|zsh|fish          completions
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/man_page.h"
#include "cli/terminal.h"

enum { PART_BYTES_MAX = 1024 * 1024 };

static int write_man(const char *name, const char *part_path, struct buffer *out)
{
	const struct command *command = command_find(name);
	auto_free char *part = NULL;
	size_t size_bytes;

	if (!command && strcmp(name, "vigil") != 0)
		return terminal_error("there is no command '%s'", name);
	if (part_path && file_read(part_path, PART_BYTES_MAX, &part, &size_bytes) < 0)
		return terminal_error("can't read %s", part_path);
	if (command)
		man_page_command(command, part, out);
	else
		man_page_program(part, out);
	return EXIT_DONE;
}

static int run(int argc, char **argv, struct buffer *out)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "man") == 0 && (argc == 3 || argc == 4))
		return write_man(argv[2], argc == 4 ? argv[3] : NULL, out);
	if (argc != 2)
		return EXIT_MISUSED;
	if (strcmp(what, "bash") == 0)
		completion_bash(out);
	else if (strcmp(what, "zsh") == 0)
		completion_zsh(out);
	else if (strcmp(what, "fish") == 0)
		completion_fish(out);
	else if (strcmp(what, "services") == 0)
		man_page_services(out);
	else if (strcmp(what, "commands") == 0)
		for (size_t i = 0; i < command_count; i++)
			buffer_printf(out, "%s\n", commands[i].name);
	else
		return EXIT_MISUSED;
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct buffer out = BUFFER_NULL;
	int code = run(argc, argv, &out);

	if (code == EXIT_MISUSED)
		fputs("Usage: vigil-docgen commands | man NAME [PART] | services | "
		      "bash "
		      "| zsh | fish\n",
		      stderr);
	if (code == EXIT_DONE)
		code = terminal_write(&out);
	buffer_done(&out);
	return code;
}
