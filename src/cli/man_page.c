/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/man_page.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/help.h"
#include "cli/units.h"
#include "policy/services.h"

/* Plain text, with what scdoc would take for markup escaped. */
static void add_plain(const char *text, struct buffer *out)
{
	for (; *text; text++) {
		if (strchr("\\*_#[]|+<>-", *text))
			buffer_text(out, "\\");
		buffer_add(out, text, 1);
	}
}

/* The table's phrases stand in the middle of a line elsewhere. */
static void add_sentence(const char *text, struct buffer *out)
{
	char first[2] = { (char)toupper((unsigned char)text[0]), '\0' };

	add_plain(first, out);
	add_plain(text + 1, out);
	buffer_text(out, ".\n");
}

static void add_option(const struct option_spec *spec, struct buffer *out)
{
	if (spec->letter)
		buffer_printf(out, "*\\-%c*, ", spec->letter);
	buffer_text(out, "*\\-\\-");
	add_plain(spec->name, out);
	buffer_text(out, "*");
	if (spec->value)
		buffer_printf(out, " _%s_", spec->value);
	buffer_text(out, "\n\t");
	add_sentence(spec->help, out);
	for (size_t i = 0; spec->choices && spec->choices[i]; i++)
		buffer_printf(out, "%s*%s*", i ? ", " : "\tOne of ", spec->choices[i]);
	buffer_text(out, spec->choices ? ".\n\n" : "\n");
}

static void add_examples(const struct command *command, struct buffer *out)
{
	if (!command->examples[0].line)
		return;
	buffer_text(out, "# EXAMPLES\n\n");
	for (size_t i = 0; i < EXAMPLES_MAX && command->examples[i].line; i++) {
		buffer_text(out, "*");
		add_plain(command->examples[i].line, out);
		buffer_text(out, "*\n\t");
		add_sentence(command->examples[i].meaning, out);
		buffer_text(out, "\n");
	}
}

static void add_part(const char *part, struct buffer *out)
{
	if (!part)
		return;
	buffer_text(out, part);
	buffer_text(out, "\n");
}

static void add_operands(const struct command *command, struct buffer *out)
{
	if (command->former)
		buffer_printf(out, " [[_%s_] _%s_]", command->former, command->operand);
	else if (command->operand)
		buffer_printf(out, " [_%s_]", command->operand);
}

void man_page_command(const struct command *command, const char *part,
		      struct buffer *out)
{
	struct buffer text = BUFFER_NULL;

	buffer_printf(out, "vigil-%s(1)\n\n# NAME\n\nvigil-%s - ", command->name,
		      command->name);
	add_plain(command->summary, out);
	buffer_printf(out, "\n\n# SYNOPSIS\n\n*vigil %s* [_OPTION_]...", command->name);
	add_operands(command, out);
	buffer_text(out, "\n\n# DESCRIPTION\n\n");
	add_plain(command->details, out);
	buffer_text(out, "\n\n# OPTIONS\n\n");
	for (int i = 0; i < OPTION_COUNT; i++)
		if (command_takes(command, (enum option_id)i))
			add_option(&option_specs[i], out);
	add_part(part, out);
	add_examples(command, out);
	buffer_text(out, "# EXIT STATUS\n\n");
	help_exit_status(command, &text);
	add_plain(text.data ? text.data : "", out);
	buffer_text(out, ".\n\n# SEE ALSO\n\n*vigil*(1), *vigil-policy*(5), "
			 "*vigil-agent*(8)\n");
	if (text.error)
		out->error = text.error;
	buffer_done(&text);
}

void man_page_program(const char *part, struct buffer *out)
{
	buffer_text(out,
		    "vigil(1)\n\n# NAME\n\nvigil - a firewall that keeps its word\n\n"
		    "# SYNOPSIS\n\n*vigil* _COMMAND_ [_OPTION_]...\n\n"
		    "# DESCRIPTION\n\n"
		    "One policy says who may talk to whom, the kernel enforces it, and "
		    "a database remembers what happened. *vigil* is what a person "
		    "types; *vigil-agent*(8) keeps the kernel at what the policy says "
		    "and records what it lets through and turns away; "
		    "*vigil-helper*(8) is the one small program that may change the "
		    "kernel's rules.\n\n"
		    "# COMMANDS\n\n");
	for (size_t i = 0; i < command_count; i++) {
		buffer_printf(out, "*%s*", commands[i].name);
		add_operands(&commands[i], out);
		buffer_text(out, "\n\t");
		add_plain(commands[i].summary, out);
		buffer_printf(out, ": *vigil-%s*(1).\n\n", commands[i].name);
	}
	add_part(part, out);
	buffer_text(out, "# SEE ALSO\n\n*vigil-policy*(5), *vigil-agent*(8), "
			 "*vigil-helper*(8)");
	for (size_t i = 0; i < command_count; i++) {
		buffer_text(out, ", *vigil-");
		buffer_printf(out, "%s*(1)", commands[i].name);
	}
	buffer_text(out, "\n");
}

static void add_service(const struct builtin_service *service, struct buffer *out)
{
	char name[UNITS_TEXT_MAX];

	buffer_text(out, "*");
	add_plain(service->name, out);
	buffer_text(out, "*");
	for (size_t i = 0; i < SERVICE_PARTS_MAX && service->parts[i].protocol; i++) {
		struct port_range range = service->parts[i].range;

		buffer_printf(out, "%s %s", i ? "," : "",
			      units_protocol(service->parts[i].protocol, name));
		if (range.first)
			buffer_printf(out, " %u", range.first);
		if (range.last != range.first)
			buffer_printf(out, "\\-%u", range.last);
	}
}

void man_page_services(struct buffer *out)
{
	const struct builtin_service *service;

	buffer_text(out, "\n# BUILT-IN SERVICES\n\n"
			 "With their protocols and ports, or ICMP types:\n\n");
	for (size_t i = 0; (service = builtin_service_at(i)); i++) {
		buffer_text(out, i ? ";\n" : "");
		add_service(service, out);
	}
	buffer_text(out, ".\n");
}
