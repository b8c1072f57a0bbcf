/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/completion.h"

#include <string.h>

#include "base/buffer.h"
#include "cli/command.h"

#define LICENCE                                                                        \
	"# SPDX-License-Identifier: GPL-2.0-or-later\n"                                \
	"# Generated from vigil's table of commands.\n"

static void add_command_names(struct buffer *out)
{
	for (size_t i = 0; i < command_count; i++)
		buffer_printf(out, "%s%s", i ? " " : "", commands[i].name);
}

static void add_words(const char *const *words, struct buffer *out)
{
	for (size_t i = 0; words[i]; i++)
		buffer_printf(out, "%s%s", i ? " " : "", words[i]);
}

/* --- bash ------------------------------------------------------------------------ */

/* What `compgen` offers in the place of a value; "" for nothing. */
static void add_bash_value(enum value_kind kind, const char *const *choices,
			   struct buffer *out)
{
	if (choices) {
		buffer_text(out, "-W '");
		add_words(choices, out);
		buffer_text(out, "'");
	} else if (kind == VALUE_FILE) {
		buffer_text(out, "-f");
	} else if (kind == VALUE_DIRECTORY) {
		buffer_text(out, "-d");
	} else if (kind == VALUE_COMMAND) {
		buffer_text(out, "-W '");
		add_command_names(out);
		buffer_text(out, "'");
	} else {
		buffer_text(out, "-W ''");
	}
}

static void add_bash_values(struct buffer *out)
{
	buffer_text(out, "\tcase $previous in\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = &option_specs[i];

		if (!spec->value)
			continue;
		buffer_text(out, "\t");
		if (spec->letter)
			buffer_printf(out, "-%c | ", spec->letter);
		buffer_printf(out, "--%s) offer=(", spec->name);
		add_bash_value(spec->kind, spec->choices, out);
		buffer_text(out, ") ;;\n");
	}
	buffer_text(out, "\tesac\n");
}

static void add_bash_command(const struct command *command, struct buffer *out)
{
	buffer_printf(out, "\t%s)\n\t\toptions='", command->name);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (command_takes(command, (enum option_id)i))
			buffer_printf(out, "--%s ", option_specs[i].name);
	buffer_text(out, "'\n\t\toperand=(");
	add_bash_value(command->operand ? command->operand_kind : VALUE_NONE, NULL,
		       out);
	buffer_text(out, ")\n\t\t;;\n");
}

void completion_bash(struct buffer *out)
{
	buffer_text(out,
		    LICENCE "_vigil() {\n"
			    "\tlocal current previous command='' options='--help' i\n"
			    "\tlocal -a offer=() operand=()\n"
			    "\tCOMPREPLY=()\n"
			    "\tcurrent=${COMP_WORDS[COMP_CWORD]}\n"
			    "\tprevious=${COMP_WORDS[COMP_CWORD-1]}\n"
			    "\t# bash takes the \"=\" of --option=value for a word.\n"
			    "\tif [[ $current == = ]]; then\n"
			    "\t\tcurrent=''\n"
			    "\telif [[ $previous == = ]]; then\n"
			    "\t\tprevious=${COMP_WORDS[COMP_CWORD-2]}\n"
			    "\tfi\n"
			    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			    "\t\tcase ${COMP_WORDS[i]} in\n"
			    "\t\t");
	for (size_t i = 0; i < command_count; i++)
		buffer_printf(out, "%s%s", i ? " | " : "", commands[i].name);
	buffer_text(out, ")\n\t\t\tcommand=${COMP_WORDS[i]}\n\t\t\tbreak\n\t\t\t;;\n"
			 "\t\tesac\n\tdone\n"
			 "\tcase $command in\n"
			 "\t'') operand=(-W '");
	add_command_names(out);
	buffer_text(out, "') ;;\n");
	for (size_t i = 0; i < command_count; i++)
		add_bash_command(&commands[i], out);
	buffer_text(out, "\tesac\n");
	add_bash_values(out);
	buffer_text(out, "\tif ((${#offer[@]} == 0)); then\n"
			 "\t\toffer=(\"${operand[@]}\")\n"
			 "\t\t[[ $current == -* ]] && offer=(-W \"$options\")\n"
			 "\tfi\n"
			 "\tmapfile -t COMPREPLY < <(compgen \"${offer[@]}\" -- "
			 "\"$current\")\n"
			 "\t[[ ${offer[0]} == -[fd] ]] && compopt -o filenames 2>"
			 "/dev/null\n"
			 "\treturn 0\n"
			 "}\n"
			 "complete -F _vigil vigil\n");
}

/* --- zsh ------------------------------------------------------------------------- */

/* Text inside single quotes, with what _arguments takes for its own escaped. */
static void add_zsh_text(const char *text, struct buffer *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			buffer_text(out, "'\\'");
		else if (strchr("[]:\\", *text))
			buffer_text(out, "\\");
		buffer_add(out, text, 1);
	}
}

static void add_zsh_value(enum value_kind kind, const char *const *choices,
			  struct buffer *out)
{
	if (choices) {
		buffer_text(out, "(");
		add_words(choices, out);
		buffer_text(out, ")");
	} else if (kind == VALUE_FILE) {
		buffer_text(out, "_files");
	} else if (kind == VALUE_DIRECTORY) {
		buffer_text(out, "_files -/");
	} else if (kind == VALUE_COMMAND) {
		buffer_text(out, "(");
		add_command_names(out);
		buffer_text(out, ")");
	} else {
		buffer_text(out, " ");
	}
}

static void add_zsh_option(const struct option_spec *spec, const char *dashes,
			   const char *name, struct buffer *out)
{
	buffer_printf(out, " \\\n\t\t\t'%s%s%s[", dashes, name,
		      spec->value && dashes[1] ? "=" : "");
	add_zsh_text(spec->help, out);
	buffer_text(out, "]");
	if (spec->value) {
		buffer_printf(out, ":%s:", spec->value);
		add_zsh_value(spec->kind, spec->choices, out);
	}
	buffer_text(out, "'");
}

static void add_zsh_command(const struct command *command, struct buffer *out)
{
	buffer_printf(out, "\t%s)\n\t\t_arguments -s", command->name);
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = &option_specs[i];
		char letter[2] = { spec->letter, '\0' };

		if (!command_takes(command, (enum option_id)i))
			continue;
		if (spec->letter)
			add_zsh_option(spec, "-", letter, out);
		add_zsh_option(spec, "--", spec->name, out);
	}
	for (int i = 1; command->operand && i <= (command->former ? 2 : 1); i++) {
		buffer_printf(out, " \\\n\t\t\t'%d:%s:", i, command->operand);
		add_zsh_value(command->operand_kind, NULL, out);
		buffer_text(out, "'");
	}
	buffer_text(out, "\n\t\t;;\n");
}

void completion_zsh(struct buffer *out)
{
	/* "#compdef" has to be the first line. */
	buffer_text(out, "#compdef vigil\n" LICENCE "_vigil() {\n"
			 "\tlocal -a commands=(\n");
	for (size_t i = 0; i < command_count; i++) {
		buffer_printf(out, "\t\t'%s:", commands[i].name);
		add_zsh_text(commands[i].summary, out);
		buffer_text(out, "'\n");
	}
	buffer_text(out, "\t)\n"
			 "\tif ((CURRENT == 2)); then\n"
			 "\t\t_describe command commands\n"
			 "\t\treturn\n"
			 "\tfi\n"
			 "\tshift words\n"
			 "\t((CURRENT--))\n"
			 "\tcase $words[1] in\n");
	for (size_t i = 0; i < command_count; i++)
		add_zsh_command(&commands[i], out);
	buffer_text(out, "\tesac\n}\n_vigil \"$@\"\n");
}

/* --- fish ------------------------------------------------------------------------ */

static void add_fish_text(const char *text, struct buffer *out)
{
	buffer_text(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buffer_text(out, "\\");
		buffer_add(out, text, 1);
	}
	buffer_text(out, "'");
}

static void add_fish_value(enum value_kind kind, const char *const *choices,
			   struct buffer *out)
{
	if (choices) {
		buffer_text(out, " -x -a '");
		add_words(choices, out);
		buffer_text(out, "'");
	} else if (kind == VALUE_DIRECTORY) {
		buffer_text(out, " -x -a '(__fish_complete_directories)'");
	} else if (kind == VALUE_COMMAND) {
		buffer_text(out, " -x -a '");
		add_command_names(out);
		buffer_text(out, "'");
	} else {
		buffer_text(out, kind == VALUE_FILE ? " -r -F" : " -x");
	}
}

static void add_fish_command(const struct command *command, struct buffer *out)
{
	buffer_printf(out, "complete -c vigil -n __fish_use_subcommand -a %s -d ",
		      command->name);
	add_fish_text(command->summary, out);
	buffer_text(out, "\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = &option_specs[i];

		if (!command_takes(command, (enum option_id)i))
			continue;
		buffer_printf(out,
			      "complete -c vigil -n '__fish_seen_subcommand_from %s' "
			      "-l %s",
			      command->name, spec->name);
		if (spec->letter)
			buffer_printf(out, " -s %c", spec->letter);
		if (spec->value)
			add_fish_value(spec->kind, spec->choices, out);
		buffer_text(out, " -d ");
		add_fish_text(spec->help, out);
		buffer_text(out, "\n");
	}
	if (!command->operand)
		return;
	buffer_printf(out, "complete -c vigil -n '__fish_seen_subcommand_from %s'",
		      command->name);
	if (command->operand_kind == VALUE_FILE)
		buffer_text(out, " -F");
	else
		add_fish_value(command->operand_kind, NULL, out);
	buffer_text(out, "\n");
}

void completion_fish(struct buffer *out)
{
	buffer_text(out, LICENCE "complete -c vigil -f\n");
	for (size_t i = 0; i < command_count; i++)
		add_fish_command(&commands[i], out);
}
