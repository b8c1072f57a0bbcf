/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

enum { OPTION_INDENT = 23, USAGE_WIDTH = 80 };

static void indent_line(size_t indent, struct buffer *out)
{
	buffer_printf(out, "%*s", (int)indent, "");
}

void help_wrap(const char *text, size_t indent, size_t width, struct buffer *out)
{
	size_t at = indent;

	while (*text) {
		size_t word = strcspn(text, " \n");

		if (at > indent && at + 1 + word > width) {
			buffer_text(out, "\n");
			indent_line(indent, out);
			at = indent;
		}
		if (at > indent) {
			buffer_text(out, " ");
			at++;
		}
		buffer_add(out, text, word);
		at += word;
		text += word;
		if (strncmp(text, "\n\n", 2) == 0) {
			buffer_text(out, "\n\n");
			indent_line(indent, out);
			at = indent;
		}
		text += strspn(text, " \n");
	}
	buffer_text(out, "\n");
}

void help_synopsis(const struct command *command, struct buffer *out)
{
	buffer_printf(out, "vigil %s [OPTION]...", command->name);
	if (command->former)
		buffer_printf(out, " [[%s] %s]", command->former, command->operand);
	else if (command->operand)
		buffer_printf(out, " [%s]", command->operand);
}

void help_exit_status(const struct command *command, struct buffer *out)
{
	buffer_text(out, "0 on success");
	if (command->fails)
		buffer_printf(out, ", 1 when %s", command->fails);
	buffer_text(out, ", 2 when the command line is wrong");
}

void help_usage(struct buffer *out)
{
	buffer_text(out, "Usage: vigil COMMAND [OPTION]...\n\n"
			 "A firewall that keeps its word: one policy says who may talk "
			 "to whom, the\nkernel enforces it, and a database remembers "
			 "what happened.\n\nCommands:\n");
	for (size_t i = 0; i < command_count; i++) {
		buffer_printf(out, "  %-9s ", commands[i].name);
		help_wrap(commands[i].summary, 12, USAGE_WIDTH, out);
	}
	buffer_text(out,
		    "\nExamples:\n"
		    "  vigil check policy.yml       try a policy, without privilege\n"
		    "  vigil apply                  make the host enforce its policy\n"
		    "  vigil flows --since 1h       what was seen in the last hour\n"
		    "  vigil flows --denied --top src\n"
		    "                               who was turned away most\n\n"
		    "'vigil help COMMAND' tells about one of them, vigil-policy(5) "
		    "about the policy.\n");
}

static void add_option(const struct option_spec *spec, size_t width, struct buffer *out)
{
	struct buffer name = BUFFER_NULL;

	if (spec->letter)
		buffer_printf(&name, "  -%c, --%s", spec->letter, spec->name);
	else
		buffer_printf(&name, "      --%s", spec->name);
	if (spec->value)
		buffer_printf(&name, " %s", spec->value);
	buffer_printf(out, "%-*s", OPTION_INDENT, name.data ? name.data : "");
	if (name.size_bytes >= OPTION_INDENT) {
		buffer_text(out, "\n");
		indent_line(OPTION_INDENT, out);
	}
	help_wrap(spec->help, OPTION_INDENT, width, out);
	buffer_done(&name);
}

static void add_exit_status(const struct command *command, size_t width,
			    struct buffer *out)
{
	struct buffer text = BUFFER_NULL;

	help_exit_status(command, &text);
	buffer_text(out, "\nExit status: ");
	help_wrap(text.data ? text.data : "", 13, width, out);
	buffer_done(&text);
}

void help_command(const struct command *command, size_t width, struct buffer *out)
{
	buffer_text(out, "Usage: ");
	help_synopsis(command, out);
	buffer_text(out, "\n\n");
	help_wrap(command->details, 0, width, out);
	buffer_text(out, "\nOptions:\n");
	for (int i = 0; i < OPTION_COUNT; i++)
		if (command_takes(command, (enum option_id)i))
			add_option(&option_specs[i], width, out);
	if (command->examples[0].line)
		buffer_text(out, "\nExamples:\n");
	for (size_t i = 0; i < EXAMPLES_MAX && command->examples[i].line; i++) {
		buffer_printf(out, "  %s\n      ", command->examples[i].line);
		help_wrap(command->examples[i].meaning, 6, width, out);
	}
	add_exit_status(command, width, out);
}
