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
	set_time(0, MINUTE_S * 1000000 - 1000);
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

static void put_one(void *context)
{
	put_connection(context, 1, 7, 80, 1);
}

static void what_waits_at_the_end_of_a_minute_belongs_to_it(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	recorder_set_drain(world.recorder, put_one, world.rows);
	set_time(1, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	assert_int_equal(ask_of(&world, "count(*) FROM flows", 0), 1);
	assert_int_equal(ask_of(&world, "count(*) FROM flows", 1), 0);
	stop(&world);
}

static void what_was_missed_makes_its_minute_incomplete(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	for (int64_t minute = 1; minute < 6; minute++) {
		set_time(minute, 0);
		assert_int_equal(recorder_checkpoint(world.recorder), 0);
		put_connection(world.rows, 1, 1, 80, 1);
		if (minute == 2)
			recorder_gap(world.recorder);
		if (minute == 3)
			recorder_stop(world.recorder);
		if (minute == 4)
			recorder_start(world.recorder);
	}
	set_time(6, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	assert_int_equal(is_complete(&world, 1), 1);
	assert_int_equal(is_complete(&world, 2), 0);
	assert_int_equal(is_complete(&world, 3), 0);
	assert_int_equal(is_complete(&world, 4), 0);
	assert_int_equal(is_complete(&world, 5), 1);
	assert_int_equal(ask_of(&world, "max(lost) FROM minutes", 2), 0);
	stop(&world);
}

/* The timer is set for the end of the minute, as the test's clock has it. */
static void tick(struct world *world)
{
	assert_true(sd_event_run(world->event, 10000000) > 0);
}

static void fill(struct world *world, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put_connection(world->rows, 1, i, 80, 1);
}

static void a_database_at_its_limit_is_tidied_at_once(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	recorder_set_bounds(world.recorder, 30 * DAY_S, 512 * 1024);
	set_time(1, MINUTE_S * 1000000 - 1000);
	tick(&world);
	/* Either fits alone, both together do not, in whatever order they come. */
	fill(&world, 5000);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	set_time(3, MINUTE_S * 1000000 - 1000);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	fill(&world, 5900);
	assert_int_equal(recorder_checkpoint(world.recorder), -EAGAIN);
	assert_int_equal(store_state(recorder_store(world.recorder)), STORE_FULL);
	/* In bounded steps. */
	for (int i = 0;
	     i < 10 && store_state(recorder_store(world.recorder)) == STORE_FULL; i++)
		tick(&world);
	assert_int_equal(store_state(recorder_store(world.recorder)), STORE_READY);
	assert_int_equal(aggregate_counts(world.rows).rows, 0);
	stop(&world);
}

static void what_a_corrupt_file_held_is_missing_from_its_minute(void **state)
{
	struct world world;
	FILE *file;

	(void)state;
	start(&world);
	set_time(1, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	put_connection(world.rows, 1, 1, 80, 1);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	unlink(database);
	file = fopen(database, "w");
	assert_non_null(file);
	fputs("no database", file);
	fclose(file);
	put_connection(world.rows, 1, 2, 80, 1);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	assert_true(store_was_set_aside(recorder_store(world.recorder)));
	set_time(2, 0);
	assert_int_equal(recorder_checkpoint(world.recorder), 0);
	sqlite3_close(world.other);
	assert_int_equal(sqlite3_open(database, &world.other), SQLITE_OK);
	assert_int_equal(ask_of(&world, "count(*) FROM flows", 1), 1);
	assert_int_equal(is_complete(&world, 1), 0);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_folder(a_minute_that_was_seen_whole_is_complete),
		test_with_folder(a_minute_with_rows_of_another_is_not_complete),
		test_with_folder(what_waits_at_the_end_of_a_minute_belongs_to_it),
		test_with_folder(what_was_missed_makes_its_minute_incomplete),
		test_with_folder(a_database_at_its_limit_is_tidied_at_once),
		test_with_folder(what_a_corrupt_file_held_is_missing_from_its_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
