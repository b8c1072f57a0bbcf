/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { KEYS = 5000, STEPS = 200000 };

static const struct siphash_key hash_key = { 1, 2 };

static bool is_marked(const struct live_entry *entry, void *context)
{
	bool *present = context;

	if (entry->key % 3)
		return false;
	present[entry->key] = false;
	return true;
}

/* Against the simplest table there is: an array with a place for each key. */
static void agrees_with_an_array(void **state)
{
	static bool present[KEYS];
	struct live live;
	unsigned int seed = (unsigned int)time(NULL);
	size_t count = 0;

	(void)state;
	print_message("seed %u\n", seed);
	assert_int_equal(live_init(&live, KEYS, hash_key), 0);
	for (int step = 0; step < STEPS; step++) {
		uint64_t key = 1 + (uint64_t)rand_r(&seed) % (KEYS - 1);
		struct live_entry *entry = live_find(&live, key);
		bool created;

		assert_int_equal(entry != NULL, present[key]);
		if (entry && rand_r(&seed) % 2) {
			live_remove(&live, entry);
			present[key] = false;
		} else {
			entry = live_get(&live, key, &created);
			assert_non_null(entry);
			assert_int_equal(created, !present[key]);
			assert_int_equal(entry->key, key);
			present[key] = true;
		}
		if (step % 20000 == 0)
			live_sweep(&live, is_marked, present);
	}
	for (uint64_t key = 1; key < KEYS; key++) {
		assert_int_equal(live_find(&live, key) != NULL, present[key]);
		count += present[key];
	}
	assert_int_equal(live.count, count);
	live_done(&live);
}

static bool is_any(const struct live_entry *entry, void *context)
{
	(void)entry;
	(void)context;
	return true;
}

static void gives_memory_back(void **state)
{
	struct live live;
	bool created;
	size_t small;

	(void)state;
	assert_int_equal(live_init(&live, 100000, hash_key), 0);
	small = live.capacity;
	for (uint64_t key = 1; key <= 100000; key++)
		assert_non_null(live_get(&live, key, &created));
	assert_null(live_get(&live, 100001, &created));
	for (int i = 0; i < 20; i++)
		live_sweep(&live, is_any, NULL);
	assert_int_equal(live.count, 0);
	assert_int_equal(live.capacity, small);
	live_done(&live);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(gives_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
