/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer that is killed at any time leaves a database that is whole: every minute is
 * there with all its rows or not at all, and nothing that was acknowledged is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "sample.h"

enum { ROUNDS = 120, ROWS = 200, FIRST = START };

/* Write minutes for ever, and roll up and remove in between. */
static void write_on(volatile int64_t *acknowledged)
{
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	for (;;) {
		int64_t minute = *acknowledged + 60;

		for (uint32_t i = 0; i < ROWS; i++)
			put_connection(rows, 1 + i % 4, i, 22, 1);
		if (write_rows(store, rows, minute, true, 0) < 0)
			_exit(1);
		*acknowledged = minute;
		if (minute % 600 == 0 &&
		    store_retain(store, minute + DAY, 7 * DAY, 0) < 0)
			_exit(1);
	}
}

static void expect_whole(int64_t acknowledged)
{
	int64_t minutes, written = (acknowledged - FIRST) / 60 + 1;

	assert_int_equal(ask("SELECT count(*) FROM pragma_integrity_check"
			     " WHERE integrity_check = 'ok'"),
			 1);
	minutes = ask("SELECT count(*) FROM minutes");
	/* The last one may be in the database and not yet acknowledged. */
	assert_in_range(minutes, written, written + 1);
	assert_int_equal(ask("SELECT count(*) FROM flows") % ROWS, 0);
	assert_int_equal(ask("SELECT total(flows) FROM flows"), minutes * ROWS);
	assert_int_equal(ask("SELECT total(bytes_in) FROM flows"),
			 minutes * ROWS * 1000);
	assert_int_equal(ask("SELECT total(flows) FROM deciders"), minutes * ROWS);
}

static void survives_being_killed_at_any_time(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);
	int64_t *acknowledged =
		mmap(NULL, sizeof(*acknowledged), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(acknowledged, MAP_FAILED);
	print_message("seed %u\n", seed);
	store_close(open_store());
	*acknowledged = FIRST - 60;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			write_on(acknowledged);
		usleep((useconds_t)rand_r(&seed) % 20000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		expect_whole(*acknowledged);
		*acknowledged =
			ask("SELECT ifnull(max(minute), 0) FROM minutes") ?: FIRST - 60;
	}
	print_message("%lld minutes in %d lives\n",
		      (long long)(*acknowledged - FIRST) / 60 + 1, ROUNDS);
	munmap(acknowledged, sizeof(*acknowledged));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_folder(survives_being_killed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
