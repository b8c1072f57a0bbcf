/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/overlap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { SPANS = 400, QUESTIONS = 400 };

static uint32_t random_state = 7;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

static struct span random_span(void)
{
	uint32_t first = random_below(1000);

	return (struct span){ first, first + random_below(random_below(300) + 1) };
}

static bool count_item(uint32_t item, void *context)
{
	(void)item;
	++*(size_t *)context;
	return true;
}

static bool stop_at_third(uint32_t item, void *context)
{
	(void)item;
	return ++*(size_t *)context < 3;
}

static void finds_all_that_overlap(void **state)
{
	struct arena arena = ARENA_INIT(0);
	struct overlap_index index = { 0 };
	struct span spans[SPANS];

	(void)state;
	for (uint32_t i = 0; i < SPANS; i++) {
		spans[i] = random_span();
		assert_int_equal(overlap_add(&index, &arena, spans[i], i), 0);
	}
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		struct span span = random_span();
		size_t found = 0, right = 0;

		for (size_t j = 0; j < SPANS; j++)
			right += span_overlaps(spans[j], span);
		assert_true(overlap_visit(&index, span, count_item, &found));
		assert_int_equal(found, right);
	}
	arena_done(&arena);
}

static void stops_when_told(void **state)
{
	struct arena arena = ARENA_INIT(0);
	struct overlap_index index = { 0 };
	size_t found = 0;

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(overlap_add(&index, &arena, (struct span){ 5, 5 }, i),
				 0);
	assert_false(
		overlap_visit(&index, (struct span){ 0, 9 }, stop_at_third, &found));
	assert_int_equal(found, 3);
	arena_done(&arena);
}

static void finds_nothing_in_nothing(void **state)
{
	struct overlap_index index = { 0 };
	size_t found = 0;

	(void)state;
	assert_true(overlap_visit(&index, (struct span){ 0, 9 }, count_item, &found));
	assert_int_equal(found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_that_overlap),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(finds_nothing_in_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
