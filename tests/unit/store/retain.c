/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "sample.h"

static int retain(struct store *store, int64_t now, uint32_t keep_s, uint64_t max_bytes)
{
	int result;

	do
		result = store_retain(store, now, keep_s, max_bytes);
	while (result > 0);
	return result;
}

static void put_minutes(struct store *store, int64_t from, int count, uint32_t sources)
{
	struct aggregate *rows = new_rows();

	for (int i = 0; i < count; i++) {
		for (uint32_t source = 1; source <= sources; source++)
			put_connection(rows, 1, source, 22, 1);
		put_denied(rows, 3, 1, 53);
		assert_int_equal(write_rows(store, rows, from + i * 60, true, 0), 0);
	}
	aggregate_free(rows);
}

static void removes_what_is_too_old(void **state)
{
	struct store *store = open_store();

	(void)state;
	put_minutes(store, START, 30, 3);
	assert_int_equal(retain(store, START + 1800, 600, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 10);
	assert_int_equal(ask("SELECT min(minute) FROM flows"), START + 1200);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 40);
	store_close(store);
}

static void turns_minutes_into_hours_and_hours_into_days(void **state)
{
	struct store *store = open_store();
	int64_t now = START + 10 * DAY;

	(void)state;
	put_minutes(store, START, 180, 3);
	put_minutes(store, START + 8 * DAY, 120, 3);
	put_minutes(store, now - 7200, 120, 3);
	assert_int_equal(retain(store, now, 30 * DAY, 0), 0);
	assert_int_equal(ask("SELECT count(DISTINCT minute) FROM flows"), 1 + 2 + 120);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 4 * (1 + 2 + 120));
	assert_int_equal(ask("SELECT sum(flows) FROM flows"), 3 * 420);
	assert_int_equal(ask("SELECT sum(bytes_in) FROM flows"), 3 * 420 * 1000);
	assert_int_equal(ask("SELECT sum(packets_out) FROM flows WHERE denied"), 420);
	assert_int_equal(ask("SELECT count(*) FROM minutes WHERE span = 86400"), 1);
	assert_int_equal(ask("SELECT count(*) FROM minutes WHERE span = 3600"), 2);
	assert_int_equal(ask("SELECT count(*) FROM minutes WHERE span = 60"), 120);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 420);
	store_close(store);
}

static void makes_an_hour_of_which_the_first_minute_is_missing(void **state)
{
	struct store *store = open_store();

	(void)state;
	put_minutes(store, START + 300, 5, 3);
	assert_int_equal(retain(store, START + 3 * DAY, 30 * DAY, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 4);
	assert_int_equal(ask("SELECT max(minute) FROM flows"), START);
	assert_int_equal(ask("SELECT sum(flows) FROM flows"), 15);
	assert_int_equal(ask("SELECT span FROM minutes WHERE NOT complete"), 3600);
	store_close(store);
}

static void takes_late_rows_of_an_hour_that_is_made(void **state)
{
	struct store *store = open_store();

	(void)state;
	put_minutes(store, START, 60, 3);
	assert_int_equal(retain(store, START + 3 * DAY, 30 * DAY, 0), 0);
	put_minutes(store, START + 120, 1, 3);
	assert_int_equal(retain(store, START + 3 * DAY, 30 * DAY, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 4);
	assert_int_equal(ask("SELECT sum(flows) FROM flows"), 183);
	store_close(store);
}

static void removes_a_day_as_a_whole(void **state)
{
	struct store *store = open_store();

	(void)state;
	put_minutes(store, START, 120, 3);
	assert_int_equal(retain(store, START + 8 * DAY, 30 * DAY, 0), 0);
	assert_int_equal(retain(store, START + 8 * DAY, 7 * DAY + 1, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 120);
	assert_int_equal(retain(store, START + 8 * DAY, 7 * DAY, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 0);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 0);
	store_close(store);
}

/* More rows than one step takes, of one decider and of several. */
static void moves_large_minutes_in_steps(void **state)
{
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	(void)state;
	for (int minute = 0; minute < 3; minute++) {
		for (uint32_t i = 0; i < 5000; i++)
			put_connection(rows, 1 + i % 2, i, 22, 1);
		assert_int_equal(write_rows(store, rows, START + minute * 60, true, 0),
				 0);
	}
	assert_int_equal(retain(store, START + 3 * DAY, 30 * DAY, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 5000);
	assert_int_equal(ask("SELECT sum(flows) FROM flows"), 15000);
	assert_int_equal(retain(store, START + 3 * DAY, DAY, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 0);
	aggregate_free(rows);
	store_close(store);
}

static uint64_t size_of_file(const char *suffix)
{
	struct stat file;
	char path[256];

	snprintf(path, sizeof(path), "%s%s", database, suffix);
	return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static void stays_within_its_size_and_gives_pages_back(void **state)
{
	const uint64_t max_bytes = 4 << 20;
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	(void)state;
	for (uint32_t minute = 0; minute < 60; minute++) {
		for (uint32_t i = 0; i < 3000; i++)
			put_connection(rows, 1, minute << 16 | i, 22, 1);
		assert_int_equal(write_rows(store, rows, START + minute * 60, true, 0),
				 0);
		assert_int_equal(
			retain(store, START + minute * 60, 30 * DAY, max_bytes), 0);
		assert_in_range(size_of_file("") + size_of_file("-wal"), 0,
				max_bytes + (max_bytes / 4));
	}
	assert_int_equal(ask("SELECT max(minute) FROM flows"), START + 59 * 60);
	assert_true(ask("SELECT min(minute) FROM flows") > START);
	assert_true(ask("SELECT count(*) FROM flows") > 20000);
	assert_int_equal(retain(store, START + DAY, 60, max_bytes), 0);
	store_close(store);
	assert_in_range(size_of_file(""), 0, max_bytes / 2);
	aggregate_free(rows);
}

static void refuses_what_would_be_too_large_and_makes_room(void **state)
{
	struct store *store = open_store();
	struct aggregate *rows = new_rows();
	int result = 0;

	(void)state;
	put_minutes(store, START, 60, 500);
	assert_int_equal(retain(store, START + 3600, 30 * DAY, 8 << 20), 0);
	for (uint32_t i = 0; i < 200000; i++)
		put_connection(rows, 1, 1 << 24 | i, 22, 1);
	assert_int_equal(write_rows(store, rows, START + 3600, true, 0), -EAGAIN);
	assert_int_equal(store_state(store), STORE_FULL);
	assert_non_null(strstr(store_why(store), "max_size"));
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 60);
	assert_int_equal(retain(store, START + 3600, 30 * DAY, 8 << 20), 0);
	result = write_rows(store, rows, START + 3600, true, 0);
	if (result < 0)
		assert_int_equal(retain(store, START + 3600, 30 * DAY, 64 << 20), 0);
	assert_int_equal(result ? write_rows(store, rows, START + 3600, true, 0) : 0,
			 0);
	assert_int_equal(store_state(store), STORE_READY);
	aggregate_free(rows);
	store_close(store);
}

static void takes_an_absurdly_small_size(void **state)
{
	struct store *store = open_store();

	(void)state;
	put_minutes(store, START, 60, 50);
	assert_int_equal(retain(store, START + 3600, 30 * DAY, 1), 0);
	put_minutes(store, START + 3600, 1, 3);
	assert_int_equal(store_state(store), STORE_READY);
	store_close(store);
}

static void waits_for_whoever_has_locked_it(void **state)
{
	struct store *store = open_store();
	sqlite3 *other;

	(void)state;
	put_minutes(store, START, 5, 3);
	sqlite3_open(database, &other);
	sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	assert_int_equal(store_retain(store, START + DAY, 60, 0), -EAGAIN);
	assert_int_equal(store_state(store), STORE_BUSY);
	sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(retain(store, START + DAY, 60, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 0);
	store_close(store);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_folder(removes_what_is_too_old),
		test_with_folder(turns_minutes_into_hours_and_hours_into_days),
		test_with_folder(makes_an_hour_of_which_the_first_minute_is_missing),
		test_with_folder(takes_late_rows_of_an_hour_that_is_made),
		test_with_folder(removes_a_day_as_a_whole),
		test_with_folder(moves_large_minutes_in_steps),
		test_with_folder(stays_within_its_size_and_gives_pages_back),
		test_with_folder(refuses_what_would_be_too_large_and_makes_room),
		test_with_folder(takes_an_absurdly_small_size),
		test_with_folder(waits_for_whoever_has_locked_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
