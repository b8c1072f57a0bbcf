/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"

static void collects_what_is_added(void **state)
{
	auto_buffer struct buffer buffer = BUFFER_NULL;

	(void)state;
	assert_null(buffer.data);
	buffer_text(&buffer, "a");
	buffer_printf(&buffer, "%d-%s", 12, "b");
	buffer_add(&buffer, "c\0d", 3);
	assert_int_equal(buffer.size_bytes, 8);
	assert_memory_equal(buffer.data, "a12-bc\0d", 9);
	for (int i = 0; i < 100000; i++)
		buffer_printf(&buffer, "%05d", i);
	assert_int_equal(buffer.error, 0);
	assert_int_equal(buffer.size_bytes, 8 + 500000);
	assert_string_equal(buffer.data + buffer.size_bytes - 5, "99999");
}

static void an_addition_too_large_fails_and_sticks(void **state)
{
	auto_buffer struct buffer buffer = BUFFER_NULL;
	char *text = (char *)"untouched";

	(void)state;
	buffer_text(&buffer, "before");
	buffer_add(&buffer, "", SIZE_MAX / 2);
	assert_int_equal(buffer.error, -ENOMEM);
	buffer_text(&buffer, "after");
	assert_string_equal(buffer.data, "before");
	assert_int_equal(buffer_take(&buffer, &text, NULL), -ENOMEM);
	assert_string_equal(text, "untouched");
	assert_null(buffer.data);
}

static void clearing_forgets_contents_and_error(void **state)
{
	auto_buffer struct buffer buffer = BUFFER_NULL;

	(void)state;
	buffer_clear(&buffer);
	buffer_text(&buffer, "a");
	buffer.error = -ENOMEM;
	buffer_clear(&buffer);
	assert_string_equal(buffer.data, "");
	buffer_text(&buffer, "b");
	assert_string_equal(buffer.data, "b");
}

static void taking_from_an_empty_buffer_gives_empty_text(void **state)
{
	struct buffer buffer = BUFFER_NULL;
	auto_free char *text = NULL;
	size_t size_bytes = 1;

	(void)state;
	assert_int_equal(buffer_take(&buffer, &text, &size_bytes), 0);
	assert_string_equal(text, "");
	assert_int_equal(size_bytes, 0);
	assert_null(buffer.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collects_what_is_added),
		cmocka_unit_test(an_addition_too_large_fails_and_sticks),
		cmocka_unit_test(clearing_forgets_contents_and_error),
		cmocka_unit_test(taking_from_an_empty_buffer_gives_empty_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
