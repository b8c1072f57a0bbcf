/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"

static struct position at(uint32_t line, uint32_t column)
{
	return (struct position){ line, column };
}

static void a_sentence_never_holds_control_characters(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	faults_add(&faults, at(1, 1), "a%sb", "\033[31m\n\x7f\xc2\x9b\xe2\x80\xae");
	assert_string_equal(faults.list[0].text, "a?[31m????b");
}

static void a_long_sentence_is_cut_between_characters(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	char text[600] = "";

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(text, "ü");
	faults_add(&faults, at(1, 1), "x%s", text);
	assert_int_equal(strlen(faults.list[0].text), sizeof(faults.list[0].text) - 1);
	assert_memory_equal(faults.list[0].text + strlen(faults.list[0].text) - 2, "ü",
			    2);
}

static void sorts_by_place_and_then_errors_first(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	faults_warn(&faults, at(2, 1), "d");
	assert_int_equal(faults_add(&faults, at(2, 1), "c"), -EINVAL);
	faults_add(&faults, at(10, 1), "e");
	faults_add(&faults, at(1, 9), "b");
	faults_add(&faults, at(0, 0), "a");
	faults_sort(&faults);
	assert_int_equal(faults.count, 5);
	assert_int_equal(faults.errors, 4);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(faults.list[i].text[0], "abcde"[i]);
	assert_true(faults.list[3].warning);
}

static void keeps_a_bounded_number(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	for (uint32_t i = 0; i < FAULTS_MAX + 7; i++)
		assert_int_equal(faults_add(&faults, at(i + 1, 1), "x"), -EINVAL);
	assert_int_equal(faults.count, FAULTS_MAX);
	assert_int_equal(faults.errors, FAULTS_MAX);
	assert_int_equal(faults.left_out, 7);
}

static void warnings_never_hide_an_error(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	for (uint32_t i = 0; i < FAULTS_MAX + 3; i++)
		faults_warn(&faults, at(i + 1, 1), "warning");
	assert_int_equal(faults.errors, 0);
	faults_add(&faults, at(1, 1), "error");
	assert_int_equal(faults.errors, 1);
	assert_int_equal(faults.count, FAULTS_MAX);
	assert_int_equal(faults.left_out, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_never_holds_control_characters),
		cmocka_unit_test(a_long_sentence_is_cut_between_characters),
		cmocka_unit_test(sorts_by_place_and_then_errors_first),
		cmocka_unit_test(keeps_a_bounded_number),
		cmocka_unit_test(warnings_never_hide_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
