/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Minutes go by as fast as the test likes: it brings its own clock. */
#include "agent/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "tests/unit/store/sample.h"

static int64_t wall_us, monotonic_s;

int64_t clock_s(void)
{
	return monotonic_s;
}

int64_t clock_ms(void)
{
	return monotonic_s * 1000;
}

int64_t clock_wall_us(void)
{
	return wall_us;
}

struct world {
	sd_event *event;
	struct aggregate *rows;
	struct naming *names;
	struct recorder *recorder;
	sqlite3 *other; /* another process, as far as SQLite can tell */
};

static void set_time(int64_t minute, int64_t us)
{
	wall_us = (START + minute * MINUTE_S) * 1000000 + us;
	monotonic_s = START + minute * MINUTE_S + us / 1000000;
}

static void start(struct world *world)
{
	*world = (struct world){ .rows = new_rows(), .names = naming_new() };
	assert_non_null(world->names);
	assert_true(sd_event_new(&world->event) >= 0);
	set_time(0, 1000000);
	assert_int_equal(recorder_new(world->event, database, world->rows, world->names,
				      &world->recorder),
			 0);
	recorder_start(world->recorder);
	assert_int_equal(sqlite3_open(database, &world->other), SQLITE_OK);
}

static void stop(struct world *world)
{
	sqlite3_close(world->other);
	recorder_free(world->recorder);
	naming_free(world->names);
	aggregate_free(world->rows);
	sd_event_unref(world->event);
}

static void lock(struct world *world)
{
	assert_int_equal(
		sqlite3_exec(world->other, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
		SQLITE_OK);
}

static void unlock(struct world *world)
{
	assert_int_equal(sqlite3_exec(world->other, "ROLLBACK", NULL, NULL, NULL),
			 SQLITE_OK);
}

static int64_t ask_of(struct world *world, const char *what, int64_t minute)
{
	char sql[128];
	int64_t value = -1;

	snprintf(sql, sizeof(sql), "SELECT %s WHERE minute = %lld", what,
		 (long long)(START + minute * MINUTE_S));
	sql_number(world->other, sql, &value);
	return value;
}

static int64_t is_complete(struct world *world, int64_t minute)
{
	return ask_of(world, "max(complete) FROM minutes", minute);
}

static void a_minute_that_was_seen_whole_is_complete(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	put_connection(world.rows, 1, 1, 80, 1);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	set_time(1, 0);
	put_connection(world.rows, 1, 2, 80, 1);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	set_time(2, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	assert_int_equal(is_complete(&world, 0), 0);
	assert_int_equal(is_complete(&world, 1), 1);
	stop(&world);
}

static void a_minute_with_rows_of_another_is_not_complete(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	set_time(1, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	put_connection(world.rows, 1, 1, 80, 1);
	lock(&world);
	set_time(2, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), -EAGAIN);
	unlock(&world);
	set_time(2, 5000000);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	set_time(3, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	put_connection(world.rows, 1, 2, 80, 1);
	set_time(4, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	assert_int_equal(ask_of(&world, "count(*) FROM minutes", 1), 0);
	assert_int_equal(ask_of(&world, "count(*) FROM flows", 2), 1);
	assert_int_equal(is_complete(&world, 2), 0);
	assert_int_equal(is_complete(&world, 3), 1);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_folder(a_minute_that_was_seen_whole_is_complete),
		test_with_folder(a_minute_with_rows_of_another_is_not_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
