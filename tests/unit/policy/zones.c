/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

static void a_zone_is_one_interface_or_a_list(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nzones: { wan: eth0, lan: [eth1, \"br-*\", "
			  "wg0.5@x:y+z] }\n");

	(void)state;
	assert_int_equal(policy->zone_count, 2);
	assert_string_equal(policy->zones[0].name, "wan");
	assert_int_equal(policy->zones[0].interface_count, 1);
	assert_string_equal(policy->zones[0].interfaces[0], "eth0");
	assert_int_equal(policy->zones[1].interface_count, 3);
	assert_string_equal(policy->zones[1].interfaces[1], "br-*");
	assert_int_equal(policy->zones[1].position.line, 2);
}

static void an_exact_name_wins_over_a_wildcard(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nzones: { lan: [\"eth*\"], wan: [eth0] }\n");

	(void)state;
	assert_int_equal(policy->zone_count, 2);
}

static void wildcards_of_one_zone_may_overlap(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nzones: { lan: [\"b*\", \"br-*\"] }\n");

	(void)state;
	assert_int_equal(policy->zones[0].interface_count, 2);
}

static void refuses_wildcards_that_cover_each_other(void **state)
{
	(void)state;
	expect_refusal("version: 1\nzones: { lan: \"b*\", wan: \"br-1*\" }\n",
		       "\"br-1*\" is covered by \"b*\" of zone \"lan\"");
	expect_refusal("version: 1\nzones: { lan: \"br-1*\", wan: \"b*\" }\n",
		       "\"br-1*\" is covered by \"b*\" of zone \"wan\"");
	expect_refusal("version: 1\nzones: { lan: \"b*\", wan: \"b*\" }\n",
		       "\"b*\" is already in zone \"lan\"");
}

static void an_interface_has_at_most_15_characters(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nzones: { lan: [abcdefghijklmno, "
			  "\"bcdefghijklmno*\"] }\n");

	(void)state;
	assert_int_equal(policy->zones[0].interface_count, 2);
	expect_refusal("version: 1\nzones: { lan: abcdefghijklmnop }\n",
		       "has more than 15 characters");
	expect_refusal("version: 1\nzones: { lan: \"abcdefghijklmno*\" }\n",
		       "has more than 15 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_is_one_interface_or_a_list),
		cmocka_unit_test(an_exact_name_wins_over_a_wildcard),
		cmocka_unit_test(wildcards_of_one_zone_may_overlap),
		cmocka_unit_test(refuses_wildcards_that_cover_each_other),
		cmocka_unit_test(an_interface_has_at_most_15_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
