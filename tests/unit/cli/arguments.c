/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct arguments parsed;
static char problem[PROBLEM_MAX];

/* Parse the words up to NULL, the program's name left out. */
#define PARSE(...)                                                                     \
	parse((const char *const[]){ "vigil", __VA_ARGS__ __VA_OPT__(, ) NULL })

static int parse(const char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	return arguments_parse(count, (char *const *)words, &parsed, problem);
}

static void options_stand_before_and_after_the_command(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-p", "a.yml", "check", "--no-kernel"), 0);
	assert_string_equal(parsed.command->name, "check");
	assert_string_equal(arguments_policy(&parsed), "a.yml");
	assert_true(arguments_has(&parsed, OPTION_NO_KERNEL));
	assert_false(arguments_has(&parsed, OPTION_JSON));
	assert_int_equal(PARSE("check", "--policy=b.yml"), 0);
	assert_string_equal(arguments_policy(&parsed), "b.yml");
	assert_int_equal(PARSE("check", "-pb.yml"), 0);
	assert_string_equal(arguments_policy(&parsed), "b.yml");
	assert_int_equal(PARSE("check", "c.yml", "--json"), 0);
	assert_string_equal(arguments_policy(&parsed), "c.yml");
	assert_int_equal(PARSE("check"), 0);
	assert_string_equal(arguments_policy(&parsed), POLICY_PATH);
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("check", "--", "--json"), 0);
	assert_string_equal(parsed.operand, "--json");
	assert_int_equal(PARSE("check", "-"), 0);
	assert_string_equal(parsed.operand, "-");
}

static void a_state_is_a_directory_or_one_of_a_connection(void **state)
{
	(void)state;
	assert_int_equal(PARSE("explain", "a packet", "--state", "new", "-p", "a.yml"),
			 0);
	assert_string_equal(parsed.values[OPTION_FLOW_STATE], "new");
	assert_null(parsed.values[OPTION_STATE]);
	assert_string_equal(arguments_policy(&parsed), "a.yml");
	assert_string_equal(parsed.operand, "a packet");
	assert_int_equal(PARSE("--state=related", "explain"), 0);
	assert_string_equal(parsed.values[OPTION_FLOW_STATE], "related");
	assert_int_equal(PARSE("status", "--state", "new"), 0);
	assert_string_equal(parsed.values[OPTION_STATE], "new");
	assert_int_not_equal(PARSE("explain", "--state", "/var/lib/vigil"), 0);
}

#define REFUSES(sentence, ...)                                                         \
	do {                                                                           \
		assert_int_not_equal(PARSE(__VA_ARGS__), 0);                           \
		assert_string_equal(problem, sentence);                                \
	} while (0)

static void says_what_is_wrong_and_what_was_likely_meant(void **state)
{
	(void)state;
	REFUSES("unknown command 'chekc', did you mean 'check'?", "chekc");
	REFUSES("unknown command 'xyzzy'", "xyzzy");
	REFUSES("unknown option '--sinse', did you mean '--since'?", "flows",
		"--sinse=1h");
	REFUSES("unknown option '-x'", "check", "-x");
	REFUSES("unknown option '-V', did you mean '--version'?", "-V");
	REFUSES("unknown value of --color 'foo'; it takes auto, always, never",
		"status", "--color", "foo");
	REFUSES("unknown value of --top 'rul', did you mean 'rule'?", "flows", "--top",
		"rul");
	REFUSES("vigil status does not take --since", "--since", "1h", "status");
	REFUSES("vigil status does not take 'x'", "status", "x");
	REFUSES("vigil check does not take 'b.yml'", "check", "a.yml", "b.yml");
	REFUSES("--json takes no value", "check", "--json=yes");
	REFUSES("--since needs a value: --since TIME", "flows", "--since");
	REFUSES("--since is given twice", "flows", "--since", "1h", "--since=2h");
	REFUSES("the policy is given twice: 'a.yml' and --policy", "check", "a.yml",
		"-p", "b.yml");
}

static void does_not_take_beginnings_of_options(void **state)
{
	(void)state;
	REFUSES("unknown option '--den'", "flows", "--den");
}

static void help_wins_over_what_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(PARSE("flows", "--nonsense", "-h"), 0);
	assert_true(arguments_has(&parsed, OPTION_HELP));
	assert_string_equal(parsed.command->name, "flows");
	assert_int_equal(PARSE("--version"), 0);
	assert_string_equal(parsed.command->name, "version");
}

static void nothing_is_no_command(void **state)
{
	(void)state;
	assert_int_equal(PARSE(), 0);
	assert_null(parsed.command);
}

static void directories_are_those_given_or_the_defaults(void **state)
{
	char *path;

	(void)state;
	assert_int_equal(PARSE("flows", "--state", "/x"), 0);
	path = arguments_state_path(&parsed, "flows.db");
	assert_string_equal(path, "/x/flows.db");
	free(path);
	path = arguments_run_path(&parsed, "agent.sock");
	assert_string_equal(path, RUN_DIRECTORY "/agent.sock");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_before_and_after_the_command),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_state_is_a_directory_or_one_of_a_connection),
		cmocka_unit_test(says_what_is_wrong_and_what_was_likely_meant),
		cmocka_unit_test(does_not_take_beginnings_of_options),
		cmocka_unit_test(help_wins_over_what_is_wrong),
		cmocka_unit_test(nothing_is_no_command),
		cmocka_unit_test(directories_are_those_given_or_the_defaults),
	};

	return cmocka_run_group_tests_name("cli/arguments", tests, NULL, NULL);
}
