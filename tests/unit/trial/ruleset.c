/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/ruleset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char script[] = "add rule inet vigil b first of b\n"
		       "add rule inet vigil a first of a\n"
		       "add rule inet vigil b second of b\n"
		       "add rule inet vigil b.c first of b.c\n";

static void begin(struct ruleset *ruleset)
{
	const struct image image = { .rules = script,
				     .rules_bytes = sizeof(script) - 1 };

	assert_int_equal(ruleset_begin(&image, ruleset), 0);
}

static void finds_rules_by_the_order_of_their_chain(void **state)
{
	struct ruleset ruleset = { 0 };

	(void)state;
	begin(&ruleset);
	assert_int_equal(ruleset_name(&ruleset, "b.c", 9), 0);
	assert_int_equal(ruleset_name(&ruleset, "b", 30), 0);
	assert_int_equal(ruleset_name(&ruleset, "a", 4), 0);
	assert_int_equal(ruleset_end(&ruleset), -EPROTO);
	assert_int_equal(ruleset_name(&ruleset, "b", 7), 0);
	assert_int_equal(ruleset_end(&ruleset), 0);
	assert_string_equal(ruleset_find(&ruleset, 30)->text, "first of b");
	assert_string_equal(ruleset_find(&ruleset, 7)->text, "second of b");
	assert_string_equal(ruleset_find(&ruleset, 9)->chain, "b.c");
	assert_null(ruleset_find(&ruleset, 5));
	ruleset_done(&ruleset);
	assert_null(ruleset_find(&ruleset, 30));
}

static void a_rule_that_the_image_lacks_is_an_error(void **state)
{
	struct ruleset ruleset = { 0 };

	(void)state;
	begin(&ruleset);
	assert_int_equal(ruleset_name(&ruleset, "zz", 1), -EPROTO);
	assert_int_equal(ruleset_name(&ruleset, "aa", 1), -EPROTO);
	assert_int_equal(ruleset_name(&ruleset, "a", 1), 0);
	assert_int_equal(ruleset_name(&ruleset, "a", 2), -EPROTO);
	ruleset_done(&ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_rules_by_the_order_of_their_chain),
		cmocka_unit_test(a_rule_that_the_image_lacks_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
