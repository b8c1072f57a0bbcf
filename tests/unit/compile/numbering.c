/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/numbering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

static struct numbering *numbering;

static int begin(void **state)
{
	(void)state;
	numbering = numbering_new();
	return numbering ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	numbering_free(numbering);
	return 0;
}

static uint32_t assign(const char *id, uint32_t limit)
{
	return numbering_assign(numbering, id, DIRECTION_INPUT, "wan", "", limit);
}

static void gives_the_lowest_free_number(void **state)
{
	(void)state;
	assert_int_equal(assign("a", 100), 1);
	assert_int_equal(assign("b", 100), 2);
	assert_int_equal(assign("a", 100), 1);
}

static void tells_directions_and_zones_apart(void **state)
{
	(void)state;
	assert_int_equal(assign("a", 100), 1);
	assert_int_equal(
		numbering_assign(numbering, "a", DIRECTION_OUTPUT, "wan", "", 100), 2);
	assert_int_equal(
		numbering_assign(numbering, "a", DIRECTION_INPUT, "", "wan", 100), 3);
	assert_int_equal(
		numbering_assign(numbering, "a", DIRECTION_INPUT, "wan", "lan", 100),
		4);
}

static void keeps_numbers_when_the_policy_changes(void **state)
{
	(void)state;
	assign("a", 100);
	assign("b", 100);
	numbering_begin(numbering);
	assert_int_equal(assign("c", 100), 3);
	assert_int_equal(assign("b", 100), 2);
	assert_string_equal(numbering_find(numbering, 1)->id, "a");
}

static void gives_unused_numbers_away_when_all_are_used(void **state)
{
	(void)state;
	assign("a", 3);
	assign("b", 3);
	assign("c", 3);
	numbering_begin(numbering);
	assert_int_equal(assign("b", 3), 2);
	assert_int_equal(assign("d", 3), 1);
	assert_int_equal(assign("e", 3), 3);
	assert_int_equal(assign("f", 3), 0);
	assert_string_equal(numbering_find(numbering, 1)->id, "d");
	/* What lost its number is unknown. */
	numbering_begin(numbering);
	assert_int_equal(assign("a", 3), 1);
}

static void moves_what_no_longer_fits_the_mark(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		char id[2] = { (char)('a' + i), 0 };

		assign(id, 100);
	}
	numbering_begin(numbering);
	assert_int_equal(assign("e", 3), 1);
	assert_null(numbering_find(numbering, 5));
}

static void knows_no_decider_of_other_numbers(void **state)
{
	(void)state;
	assert_null(numbering_find(numbering, 0));
	assert_null(numbering_find(numbering, 1));
	assert_null(numbering_find(numbering, NUMBER_MAX + 1));
}

static void reads_what_it_wrote(void **state)
{
	auto_buffer struct buffer first = BUFFER_NULL, second = BUFFER_NULL;
	struct numbering *copy = numbering_new();

	(void)state;
	assign("ssh", 100);
	numbering_assign(numbering, "builtin.loopback", DIRECTION_OUTPUT, "", "", 100);
	numbering_assign(numbering, "x", DIRECTION_FORWARD, "lan", "wan-2", 100);
	numbering_write(numbering, &first);
	assert_string_equal(first.data, "1 input wan - ssh\n"
					"2 output - - builtin.loopback\n"
					"3 forward lan wan-2 x\n");
	assert_int_equal(numbering_read(copy, first.data, first.size_bytes), 0);
	numbering_write(copy, &second);
	assert_string_equal(first.data, second.data);
	assert_int_equal(numbering_assign(copy, "new", DIRECTION_INPUT, "", "", 9), 4);
	numbering_free(copy);
}

static void adds_nothing_of_a_broken_text(void **state)
{
	static const char *const broken[] = {
		"1 input wan - a\n2 input wan - \n",
		"1 input wan - a\n1 input wan - b\n",
		"1 input wan - a\n2 input wan - a\n",
		"1 input wan - a\n0 input wan - b\n",
		"1 input wan - a\n65536 input wan - b\n",
		"1 input wan - a\n2 inward wan - b\n",
		"1 input wan - a\n2 input Wan - b\n",
		"1 input wan - a\n2 input wan - b c\n",
		"1 input wan - a\n2 input wan - b",
		"1 input wan - a\n\n",
		"1 input wan - a\n-2 input wan - b\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		assert_int_equal(
			numbering_read(numbering, broken[i], strlen(broken[i])),
			-EINVAL);
		assert_null(numbering_find(numbering, 1));
	}
	assert_int_equal(numbering_read(numbering, "1 input a - b\0\n", 15), -EINVAL);
	assert_int_equal(numbering_read(numbering, "", 0), 0);
}

static void holds_every_number(void **state)
{
	char id[16];

	(void)state;
	for (uint32_t i = 1; i <= NUMBER_MAX; i++) {
		snprintf(id, sizeof(id), "r%u", i);
		assert_int_equal(assign(id, NUMBER_MAX), i);
	}
	assert_int_equal(assign("more", NUMBER_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_the_lowest_free_number, begin,
						end),
		cmocka_unit_test_setup_teardown(tells_directions_and_zones_apart, begin,
						end),
		cmocka_unit_test_setup_teardown(keeps_numbers_when_the_policy_changes,
						begin, end),
		cmocka_unit_test_setup_teardown(
			gives_unused_numbers_away_when_all_are_used, begin, end),
		cmocka_unit_test_setup_teardown(moves_what_no_longer_fits_the_mark,
						begin, end),
		cmocka_unit_test_setup_teardown(knows_no_decider_of_other_numbers,
						begin, end),
		cmocka_unit_test_setup_teardown(reads_what_it_wrote, begin, end),
		cmocka_unit_test_setup_teardown(adds_nothing_of_a_broken_text, begin,
						end),
		cmocka_unit_test_setup_teardown(holds_every_number, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
