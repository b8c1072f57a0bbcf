/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct row_key key_of(uint32_t number)
{
	return (struct row_key){ .number = number, .family = FAMILY_IPV6 };
}

static void keeps_each_row_apart(void **state)
{
	struct rows rows;
	struct row_key key;

	(void)state;
	assert_int_equal(rows_init(&rows, 10000, (struct siphash_key){ 3, 4 }), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		key = key_of(i);
		assert_null(rows_find(&rows, &key));
		rows_get(&rows, &key)->flows = i;
	}
	key = key_of(10000);
	assert_null(rows_get(&rows, &key));
	for (uint32_t i = 0; i < 10000; i++) {
		key = key_of(i);
		assert_int_equal(rows_find(&rows, &key)->flows, i);
	}
	rows_done(&rows);
}

static void becomes_small_when_idle_and_not_before(void **state)
{
	struct rows rows;
	struct row_key key;
	size_t small, large;

	(void)state;
	assert_int_equal(rows_init(&rows, 10000, (struct siphash_key){ 3, 4 }), 0);
	small = rows.capacity;
	for (uint32_t i = 0; i < 10000; i++) {
		key = key_of(i);
		rows_get(&rows, &key);
	}
	large = rows.capacity;
	rows_clear(&rows);
	rows_clear(&rows);
	assert_int_equal(rows.capacity, large);
	for (int i = 0; i < 30; i++)
		rows_clear(&rows);
	assert_int_equal(rows.capacity, small);
	key = key_of(1);
	assert_null(rows_find(&rows, &key));
	rows_done(&rows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_each_row_apart),
		cmocka_unit_test(becomes_small_when_idle_and_not_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
