/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "compile/numbering.h"
#include "compiling.h"

static void numbering_cleanup(struct numbering **numbering)
{
	numbering_free(*numbering);
}

#define auto_numbering auto_call(numbering_cleanup)

static uint32_t assign(struct numbering *numbering, const char *id, uint32_t limit)
{
	return numbering_assign(numbering, id, DIRECTION_INPUT, "wan", "", limit);
}

static void expect_text(const struct numbering *numbering, const char *wanted)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	buffer_text(&out, "");
	numbering_write(numbering, &out);
	assert_string_equal(out.data, wanted);
}

static void a_number_is_of_an_id_a_direction_and_two_zones(void **state)
{
	auto_numbering struct numbering *n = numbering_new();

	(void)state;
	assert_int_equal(numbering_assign(n, "ssh", DIRECTION_INPUT, "wan", "", 99), 1);
	assert_int_equal(numbering_assign(n, "ssh", DIRECTION_INPUT, "lan", "", 99), 2);
	assert_int_equal(numbering_assign(n, "ssh", DIRECTION_INPUT, "", "wan", 99), 3);
	assert_int_equal(numbering_assign(n, "ssh", DIRECTION_OUTPUT, "wan", "", 99),
			 4);
	assert_int_equal(numbering_assign(n, "ntp", DIRECTION_INPUT, "wan", "", 99), 5);
	assert_int_equal(numbering_assign(n, "ssh", DIRECTION_INPUT, "wan", "", 99), 1);
	assert_int_equal(numbering_assign(n, "ntp", DIRECTION_INPUT, "wan", "", 99), 5);
	expect_text(n, "1 input wan - ssh\n2 input lan - ssh\n3 input - wan ssh\n"
		       "4 output wan - ssh\n5 input wan - ntp\n");
}

static void one_that_went_and_came_back_has_its_number_again(void **state)
{
	auto_numbering struct numbering *n = numbering_new();

	(void)state;
	assert_int_equal(assign(n, "a", 99), 1);
	assert_int_equal(assign(n, "b", 99), 2);
	numbering_begin(n);
	assert_int_equal(assign(n, "c", 99), 3);
	assert_int_equal(assign(n, "b", 99), 2);
	assert_string_equal(numbering_find(n, 1)->id, "a");
	numbering_begin(n);
	assert_int_equal(assign(n, "a", 99), 1);
}

static void only_what_is_not_in_use_is_given_away_when_all_are_used(void **state)
{
	auto_numbering struct numbering *n = numbering_new();

	(void)state;
	assert_int_equal(assign(n, "a", 4), 1);
	assert_int_equal(assign(n, "b", 4), 2);
	assert_int_equal(assign(n, "c", 4), 3);
	numbering_begin(n);
	assert_int_equal(assign(n, "b", 4), 2);
	assert_int_equal(assign(n, "d", 4), 4);
	assert_int_equal(assign(n, "e", 4), 1);
	assert_int_equal(assign(n, "f", 4), 3);
	assert_int_equal(assign(n, "g", 4), NUMBER_NONE);
	assert_int_equal(assign(n, "b", 4), 2);
	expect_text(n, "1 input wan - e\n2 input wan - b\n3 input wan - f\n"
		       "4 input wan - d\n");
	/* Who lost a number is as new. */
	numbering_begin(n);
	assert_int_equal(assign(n, "a", 4), 1);
}

static void a_narrower_mark_moves_what_no_longer_fits(void **state)
{
	auto_numbering struct numbering *n = numbering_new();

	(void)state;
	assert_int_equal(assign(n, "a", 4), 1);
	assert_int_equal(assign(n, "b", 4), 2);
	assert_int_equal(assign(n, "c", 4), 3);
	numbering_begin(n);
	assert_int_equal(assign(n, "b", 2), 2);
	assert_int_equal(assign(n, "c", 2), 1);
	assert_int_equal(assign(n, "a", 2), NUMBER_NONE);
	expect_text(n, "1 input wan - c\n2 input wan - b\n");
}

static void a_mark_that_was_narrower_for_a_while_is_filled_again(void **state)
{
	auto_numbering struct numbering *n = numbering_new();
	const char *const before[] = { "a", "b", "c", "d", "e" };
	const char *const after[] = { "f", "g", "h", "i", "j" };

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(assign(n, before[i], 5), i + 1);
	numbering_begin(n);
	assert_int_equal(assign(n, "c", 2), 1);
	assert_int_equal(assign(n, "d", 2), 2);
	numbering_begin(n);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(assign(n, after[i], 5), i + 1);
	expect_text(n, "1 input wan - f\n2 input wan - g\n3 input wan - h\n"
		       "4 input wan - i\n5 input wan - j\n");
}

static void all_numbers_can_be_given(void **state)
{
	auto_numbering struct numbering *n = numbering_new();
	char id[16];

	(void)state;
	for (uint32_t i = NUMBER_FIRST_FREE; i <= NUMBER_MAX; i++) {
		snprintf(id, sizeof(id), "rule-%u", i);
		assert_int_equal(assign(n, id, UINT32_MAX), i);
	}
	assert_int_equal(assign(n, "one-more", UINT32_MAX), NUMBER_NONE);
	assert_int_equal(assign(n, "rule-65535", UINT32_MAX), NUMBER_MAX);
	assert_null(numbering_find(n, NUMBER_NONE));
	assert_null(numbering_find(n, NUMBER_MAX + 1));
	assert_string_equal(numbering_find(n, 4711)->id, "rule-4711");
}

static void what_was_written_is_read_again(void **state)
{
	static const char text[] = "1 input wan - ssh\n7 forward lan wan a.b_c-9\n"
				   "65535 output - - default.output\n";
	auto_numbering struct numbering *n = numbering_new();

	(void)state;
	assert_int_equal(numbering_read(n, text, strlen(text)), 0);
	expect_text(n, text);
	assert_int_equal(assign(n, "ssh", NUMBER_MAX), 1);
	assert_int_equal(assign(n, "new", NUMBER_MAX), 2);
	assert_int_equal(numbering_assign(n, "a.b_c-9", DIRECTION_FORWARD, "lan", "wan",
					  NUMBER_MAX),
			 7);
	assert_int_equal(numbering_read(n, "", 0), 0);
}

static void a_damaged_file_adds_nothing(void **state)
{
	static const char *const damaged[] = {
		"1 input wan - ssh",
		"1 input wan -\n",
		"1 input wan - ssh more\n",
		"1 input wan - ssh \n",
		"1  input wan - ssh\n",
		"0 input wan - ssh\n",
		"01 input wan - ssh\n",
		"65536 input wan - ssh\n",
		"99999999999 input wan - ssh\n",
		"-1 input wan - ssh\n",
		"+1 input wan - ssh\n",
		"1x input wan - ssh\n",
		"x input wan - ssh\n",
		"1 inside wan - ssh\n",
		"1 input WAN - ssh\n",
		"1 input wan  ssh\n",
		"1 input wan - \n",
		"1 input wan - s\tsh\n",
		"\n",
		"2 input wan - x\n1 input wan - ssh\n1 input wan - http\n",
		"1 input wan - ssh\n2 input wan - ssh\n",
		"8 input wan - x\n",     /* the number is taken */
		"9 input wan - there\n", /* the decider has one */
	};
	auto_numbering struct numbering *n = numbering_new();
	static const char there[] = "8 input wan - there\n";

	(void)state;
	assert_int_equal(numbering_read(n, there, strlen(there)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		auto_buffer struct buffer text = BUFFER_NULL;

		buffer_printf(&text, "3 output - - good\n%s", damaged[i]);
		if (numbering_read(n, text.data, text.size_bytes) != -EINVAL)
			fail_msg("read: %s", damaged[i]);
		expect_text(n, there);
	}
	assert_int_equal(numbering_read(n, "1 input wan - a\n\0\n", 18), -EINVAL);
	expect_text(n, there);
	assert_int_equal(assign(n, "good", 99), 1);
}

static void a_name_has_at_most_its_63_characters(void **state)
{
	auto_numbering struct numbering *n = numbering_new();
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "1 input wan - %064d\n", 0);
	assert_int_equal(numbering_read(n, text, strlen(text)), -EINVAL);
	snprintf(text, sizeof(text), "1 input wan - %063d\n", 0);
	assert_int_equal(numbering_read(n, text, strlen(text)), 0);
}

#define HEAD "version: 1\nzones: { wan: t0, lan: t1 }\nrules:\n"
#define RULE(id, port)                                                                 \
	"  - { id: " id ", from: any, to: host, allow: { tcp: " port " } }\n"

static uint32_t number_of(const struct image *image, const char *id)
{
	for (size_t i = 0; i < image->decider_count; i++)
		if (strcmp(image->deciders[i].id, id) == 0)
			return image->deciders[i].number;
	return NUMBER_NONE;
}

static void numbers_stay_when_a_policy_changes(void **state)
{
	static const char *const ids[] = { "a", "b", "default.input", "default.output",
					   "builtin.established" };
	auto_numbering struct numbering *n = numbering_new();
	auto_compiled struct compiled first =
		compile_text(HEAD RULE("a", "1") RULE("b", "2"), NULL, 0, n);
	auto_compiled struct compiled second = compile_text(
		HEAD RULE("0", "3") RULE("b", "5-9") RULE("z", "4") RULE("a", "1"),
		NULL, 0, n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(number_of(first.image, ids[i]),
				 number_of(second.image, ids[i]));
	assert_int_not_equal(number_of(first.image, "a"), NUMBER_NONE);
	assert_int_not_equal(number_of(first.image, "default.input"), NUMBER_NONE);
	assert_true(number_of(second.image, "z") > number_of(second.image, "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_of_an_id_a_direction_and_two_zones),
		cmocka_unit_test(one_that_went_and_came_back_has_its_number_again),
		cmocka_unit_test(
			only_what_is_not_in_use_is_given_away_when_all_are_used),
		cmocka_unit_test(a_narrower_mark_moves_what_no_longer_fits),
		cmocka_unit_test(a_mark_that_was_narrower_for_a_while_is_filled_again),
		cmocka_unit_test(all_numbers_can_be_given),
		cmocka_unit_test(what_was_written_is_read_again),
		cmocka_unit_test(a_damaged_file_adds_nothing),
		cmocka_unit_test(a_name_has_at_most_its_63_characters),
		cmocka_unit_test(numbers_stay_when_a_policy_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
