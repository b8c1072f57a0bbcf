/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets against bitmaps: addresses that differ in their low byte only, so that a set of
 * either family is one of 256 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/cleanup.h"

enum { UNIVERSE = 256, ROUNDS = 3000 };

/* At the ends of the address space as well, where adding one goes round. */
static const struct base {
	enum family family;
	uint128_t first;
} bases[] = {
	{ FAMILY_IPV4, 0x0a000000 }, { FAMILY_IPV4, 0 },
	{ FAMILY_IPV4, 0xffffff00 }, { FAMILY_IPV6, (uint128_t)0x20010db8 << 96 },
	{ FAMILY_IPV6, 0 },          { FAMILY_IPV6, ~(uint128_t)0xff },
};

static void fill_randomly(const struct base *base, struct address_set *set,
			  bool *bitmap)
{
	int ranges = rand() % 12;

	memset(bitmap, 0, UNIVERSE);
	for (int i = 0; i < ranges; i++) {
		int first = rand() % UNIVERSE;
		int last = first + rand() % (rand() % 2 ? 4 : 60);

		if (last >= UNIVERSE)
			last = UNIVERSE - 1;
		for (int j = first; j <= last; j++)
			bitmap[j] = true;
		assert_int_equal(
			address_set_add(
				set,
				(struct address_range){ base->family,
							base->first + (unsigned)first,
							base->first + (unsigned)last }),
			0);
	}
	address_set_finish(set);
}

static void expect_equal(const struct base *base, const struct address_set *set,
			 const bool *bitmap)
{
	auto_address_set struct address_set built = ADDRESS_SET_NULL;
	size_t runs = 0;

	for (unsigned int i = 0; i < UNIVERSE; i++) {
		uint128_t value = base->first + i;

		assert_int_equal(address_set_contains(
					 set, (struct address){ base->family, value }),
				 bitmap[i]);
		if (bitmap[i])
			address_set_add(&built, (struct address_range){ base->family,
									value, value });
		runs += bitmap[i] && (i == 0 || !bitmap[i - 1]);
	}
	assert_int_equal(set->count4 + set->count6, runs);
	address_set_finish(&built);
	assert_true(address_set_equal(&built, set));
}

static void holds_what_was_added(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		auto_address_set struct address_set set = ADDRESS_SET_NULL;
		const struct base *base = &bases[(size_t)round % ARRAY_SIZE(bases)];
		bool bitmap[UNIVERSE];

		fill_randomly(base, &set, bitmap);
		expect_equal(base, &set, bitmap);
	}
}

static void subtracts_and_meets_as_bitmaps_do(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		auto_address_set struct address_set a = ADDRESS_SET_NULL;
		auto_address_set struct address_set b = ADDRESS_SET_NULL;
		const struct base *base = &bases[(size_t)round % ARRAY_SIZE(bases)];
		bool in_a[UNIVERSE], in_b[UNIVERSE];
		bool meet = false;

		fill_randomly(base, &a, in_a);
		fill_randomly(base, &b, in_b);
		for (int i = 0; i < UNIVERSE; i++)
			meet |= in_a[i] && in_b[i];
		assert_int_equal(address_set_intersects(&a, &b), meet);
		for (int i = 0; i < UNIVERSE; i++)
			in_a[i] &= !in_b[i];
		assert_int_equal(address_set_subtract(&a, &b), 0);
		expect_equal(base, &a, in_a);
	}
}

static void keeps_the_families_apart(void **state)
{
	auto_address_set struct address_set four = ADDRESS_SET_NULL;
	auto_address_set struct address_set six = ADDRESS_SET_NULL;

	(void)state;
	address_set_add(&four, (struct address_range){ FAMILY_IPV4, 1, 5 });
	address_set_add(&six, (struct address_range){ FAMILY_IPV6, 1, 5 });
	address_set_finish(&four);
	address_set_finish(&six);
	assert_false(address_set_intersects(&four, &six));
	assert_false(address_set_equal(&four, &six));
	assert_false(address_set_contains(&four, (struct address){ FAMILY_IPV6, 3 }));
	assert_int_equal(address_set_add_all(&four, &six), 0);
	assert_int_equal(address_set_finish(&four), 0);
	assert_int_equal(address_set_subtract(&four, &six), 0);
	assert_int_equal(four.count6, 0);
	assert_int_equal(four.count4, 1);
}

static void counts_what_it_merges(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;

	(void)state;
	address_set_add(&set, (struct address_range){ FAMILY_IPV4, 10, 20 });
	address_set_add(&set, (struct address_range){ FAMILY_IPV4, 10, 20 });
	address_set_add(&set, (struct address_range){ FAMILY_IPV4, 21, 30 });
	address_set_add(&set, (struct address_range){ FAMILY_IPV4, 32, 40 });
	assert_int_equal(address_set_finish(&set), 2);
	assert_int_equal(set.count4, 2);
	assert_int_equal(set.v4[0].last, 30);
}

static void empty_sets_are_no_special_case(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_address_set struct address_set other = ADDRESS_SET_NULL;

	(void)state;
	assert_int_equal(address_set_finish(&set), 0);
	assert_true(address_set_empty(&set));
	assert_true(address_set_equal(&set, &other));
	assert_false(address_set_intersects(&set, &other));
	assert_int_equal(address_set_subtract(&set, &other), 0);
	assert_int_equal(address_set_add_all(&set, &other), 0);
}

/* The radix sort serves only sets of many ranges. */
static void sorts_many_ranges_as_it_sorts_few(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	enum { MANY = 100000 };

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t value = i * 2654435761u & ~1u;

		address_set_add(&set,
				(struct address_range){ FAMILY_IPV4, value, value });
	}
	address_set_finish(&set);
	for (size_t i = 1; i < set.count4; i++)
		assert_true(set.v4[i].first > set.v4[i - 1].last);
	for (uint32_t i = 0; i < MANY; i += 97)
		assert_true(address_set_contains(
			&set, (struct address){ FAMILY_IPV4, i * 2654435761u & ~1u }));
}

static void finishes_a_million_ranges_quickly(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	struct timespec start, end;
	double seconds;

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t value = i * 2654435761u;

		assert_int_equal(
			address_set_add(&set, (struct address_range){ FAMILY_IPV4,
								      value, value }),
			0);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	address_set_finish(&set);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) +
		  (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	/* Tens of milliseconds; the bound leaves room for sanitizers. */
	assert_true(seconds < 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_added),
		cmocka_unit_test(subtracts_and_meets_as_bitmaps_do),
		cmocka_unit_test(keeps_the_families_apart),
		cmocka_unit_test(counts_what_it_merges),
		cmocka_unit_test(empty_sets_are_no_special_case),
		cmocka_unit_test(sorts_many_ranges_as_it_sorts_few),
		cmocka_unit_test(finishes_a_million_ranges_quickly),
	};
	unsigned int seed = (unsigned int)time(NULL);

	print_message("seed %u\n", seed);
	srand(seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
