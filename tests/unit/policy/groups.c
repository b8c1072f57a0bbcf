/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

static void groups_are_flattened_and_merged(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "groups:\n"
			  "  all: [b, a, 192.0.2.1]\n"
			  "  a: [10.0.0.0/25, 10.0.0.128/25, \"2001:db8::/32\"]\n"
			  "  b: [a, 10.0.1.0-10.0.1.9, \"2001:db8::1\"]\n"
			  "  one: 192.0.2.2\n"
			  "ban: [all, one, 192.0.2.3]\n");

	(void)state;
	expect_addresses(&policy->ban, "10.0.0.0-10.0.1.9 192.0.2.1-192.0.2.3 "
				       "2001:db8::/32 ");
}

static void a_group_may_be_empty(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\ngroups: { none: [] }\nban: [none]\n");

	(void)state;
	assert_true(address_set_empty(&policy->ban));
}

static void a_circle_is_told_with_its_path(void **state)
{
	(void)state;
	expect_refusal("version: 1\ngroups: { a: [b], b: [c], c: [b] }\n",
		       "in a circle: b -> c -> b");
	expect_refusal("version: 1\ngroups: { a: a }\n", "in a circle: a -> a");
}

static void a_long_circle_is_cut(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\ngroups:\n");
	for (int i = 0; i < 40; i++)
		buffer_printf(&text, "  group-number-%d: [group-number-%d]\n", i,
			      (i + 1) % 40);
	expect_refusal(text.data, "in a circle: group-number-0 -> group-number-1");
}

static void nesting_of_groups_is_bounded(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\ngroups:\n");
	for (int i = 0; i < 100000; i++)
		buffer_printf(&text, "  g%d: [g%d]\n", i, i + 1);
	expect_refusal(text.data, "groups are nested more than 64 deep");
}

static void a_name_with_dots_and_digits_is_no_address(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "groups: { 10.net: [10.0.0.0/8], face: [\"::1\"] }\n"
			  "ban: [10.net, face]\n");

	(void)state;
	expect_addresses(&policy->ban, "10.0.0.0/8 ::1 ");
}

static void group_and_address_must_both_hold(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "groups: { a: [10.0.0.0/24, \"2001:db8::/32\"] }\n"
			  "rules:\n"
			  "  - { id: r, to: host, allow: all, from: { group: a, "
			  "address: [10.0.0.64-10.0.3.0, 192.0.2.1] } }\n");

	(void)state;
	expect_addresses(&policy->rules[0].from.addresses, "10.0.0.64-10.0.0.255 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_flattened_and_merged),
		cmocka_unit_test(a_group_may_be_empty),
		cmocka_unit_test(a_circle_is_told_with_its_path),
		cmocka_unit_test(a_long_circle_is_cut),
		cmocka_unit_test(nesting_of_groups_is_bounded),
		cmocka_unit_test(a_name_with_dots_and_digits_is_no_address),
		cmocka_unit_test(group_and_address_must_both_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
