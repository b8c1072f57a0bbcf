/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdalign.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void gives_aligned_zeroed_memory(void **state)
{
	struct arena arena = ARENA_INIT(0);

	(void)state;
	for (size_t size = 0; size < 5000; size += 37) {
		unsigned char *memory = arena_alloc(&arena, size);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, size);
	}
	arena_done(&arena);
}

static void refuses_beyond_its_limit(void **state)
{
	struct arena arena = ARENA_INIT(100000);

	(void)state;
	assert_non_null(arena_alloc(&arena, 60000));
	assert_null(arena_alloc(&arena, 60000));
	assert_non_null(arena_alloc(&arena, 30000));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 8));
	arena_done(&arena);
	assert_non_null(arena_alloc(&arena, 60000));
	arena_done(&arena);
}

static void grows_an_array_without_losing_items(void **state)
{
	struct arena arena = ARENA_INIT(0);
	uint32_t *items = NULL;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t *place = arena_grow(&arena, &items, i, sizeof(*items));

		assert_non_null(place);
		assert_ptr_equal(place, items + i);
		assert_int_equal(*place, 0);
		*place = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	assert_null(arena_grow(&arena, &items, (size_t)1 << 62, sizeof(*items)));
	arena_done(&arena);
}

static void copies_text_with_its_end(void **state)
{
	struct arena arena = ARENA_INIT(0);

	(void)state;
	assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(&arena, NULL, 0), "");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_aligned_zeroed_memory),
		cmocka_unit_test(refuses_beyond_its_limit),
		cmocka_unit_test(grows_an_array_without_losing_items),
		cmocka_unit_test(copies_text_with_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
