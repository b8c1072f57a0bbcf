/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#define parse(...)                                                                     \
	parse_words((const char *[]){ "vigil-agent", __VA_ARGS__, NULL }, &options)

static int parse_words(const char **words, struct options *ret)
{
	int count = 0;

	while (words[count])
		count++;
	optind = 0;
	/* getopt(3) changes the order of the words, and none of them. */
	return options_parse(count, (char **)words, ret);
}

static void has_places_of_its_own(void **state)
{
	const char *words[] = { "vigil-agent", NULL };
	struct options options;

	(void)state;
	assert_int_equal(parse_words(words, &options), 0);
	assert_string_equal(options.policy, "/etc/vigil/policy.yml");
	assert_string_equal(options.state, "/var/lib/vigil");
	assert_string_equal(options.run, "/run/vigil");
}

static void takes_other_places(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("-p", "a", "--state=b", "--run", "c"), 0);
	assert_string_equal(options.policy, "a");
	assert_string_equal(options.state, "b");
	assert_string_equal(options.run, "c");
}

static void refuses_what_it_does_not_know(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse("--nonsense"), -EINVAL);
	assert_int_equal(parse("--state"), -EINVAL);
	assert_int_equal(parse("policy.yml"), -EINVAL);
}

static void answers_for_itself(void **state)
{
	struct options options;
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);
	int help, version;

	(void)state;
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	help = parse("--help");
	version = parse("--version");
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	assert_int_equal(help, 1);
	assert_int_equal(version, 1);
	close(out);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_places_of_its_own),
		cmocka_unit_test(takes_other_places),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(answers_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
