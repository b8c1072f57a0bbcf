/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table itself: whoever adds to it learns here what was forgotten. */
#include "cli/command.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man_page.h"

static void every_command_says_what_it_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		size_t length = strlen(command->summary);

		assert_non_null(command->run);
		assert_true(length > 0 && command->summary[length - 1] != '.');
		assert_true(strlen(command->details) > 0);
		assert_true(command_takes(command, OPTION_HELP));
		assert_ptr_equal(command_find(command->name), command);
		assert_true(!command->operand || command->operand_kind != VALUE_NONE);
	}
}

/* Whether a person could mean either by the same word. */
static bool clash(enum option_id a, enum option_id b)
{
	for (size_t i = 0; i < command_count; i++)
		if (command_takes(&commands[i], a) && command_takes(&commands[i], b))
			return true;
	return false;
}

static void every_option_is_documented_once_and_used(void **state)
{
	(void)state;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = &option_specs[i];
		bool used = false;

		assert_non_null(spec->name);
		assert_true(strlen(spec->help) > 0);
		assert_true((spec->value != NULL) == (spec->kind != VALUE_NONE));
		for (int k = 0; k < i; k++) {
			assert_true(!clash((enum option_id)k, (enum option_id)i) ||
				    strcmp(option_specs[k].name, spec->name) != 0);
			assert_true(!spec->letter ||
				    option_specs[k].letter != spec->letter);
		}
		for (size_t k = 0; k < command_count; k++)
			used = used || command_takes(&commands[k], (enum option_id)i);
		assert_true(used);
	}
}

static void examples_call_their_own_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < command_count; i++)
		for (size_t k = 0; k < EXAMPLES_MAX && commands[i].examples[k].line;
		     k++) {
			assert_non_null(
				strstr(commands[i].examples[k].line, commands[i].name));
			assert_non_null(commands[i].examples[k].meaning);
		}
}

static void help_fits_the_width(void **state)
{
	struct buffer out = BUFFER_NULL;

	(void)state;
	help_usage(&out);
	for (size_t i = 0; i < command_count; i++)
		help_command(&commands[i], 80, &out);
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > 80)
			fail_msg("too wide: %s", line);
	buffer_done(&out);
}

/* All that is generated names every command and every option it takes. */
static void generated_texts_leave_nothing_out(void **state)
{
	struct buffer bash = BUFFER_NULL, zsh = BUFFER_NULL, fish = BUFFER_NULL;

	(void)state;
	completion_bash(&bash);
	completion_zsh(&zsh);
	completion_fish(&fish);
	for (size_t i = 0; i < command_count; i++) {
		struct buffer page = BUFFER_NULL;

		assert_non_null(strstr(bash.data, commands[i].name));
		assert_non_null(strstr(zsh.data, commands[i].name));
		assert_non_null(strstr(fish.data, commands[i].name));
		man_page_command(&commands[i], "# PART\n", &page);
		assert_non_null(strstr(page.data, "# PART\n"));
		for (int k = 0; k < OPTION_COUNT; k++)
			if (command_takes(&commands[i], (enum option_id)k) &&
			    !strchr(option_specs[k].name, '-'))
				assert_non_null(
					strstr(page.data, option_specs[k].name));
		buffer_done(&page);
	}
	buffer_done(&bash);
	buffer_done(&zsh);
	buffer_done(&fish);
}

static void wraps_at_blanks_and_keeps_paragraphs(void **state)
{
	struct buffer out = BUFFER_NULL;

	(void)state;
	help_wrap("one two three\n\nfour", 2, 10, &out);
	assert_string_equal(out.data, "one two\n  three\n\n  four\n");
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_says_what_it_does),
		cmocka_unit_test(every_option_is_documented_once_and_used),
		cmocka_unit_test(examples_call_their_own_command),
		cmocka_unit_test(help_fits_the_width),
		cmocka_unit_test(generated_texts_leave_nothing_out),
		cmocka_unit_test(wraps_at_blanks_and_keeps_paragraphs),
	};

	return cmocka_run_group_tests_name("cli/commands", tests, NULL, NULL);
}
