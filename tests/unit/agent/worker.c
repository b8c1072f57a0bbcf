/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { JOBS = 1000 };

struct numbered {
	struct job job;
	int number;
	bool ran;
	pthread_t ran_in;
};

static int done_so_far;
static bool in_order, elsewhere;

static void run(struct job *job)
{
	struct numbered *numbered = (struct numbered *)job;

	numbered->ran = true;
	numbered->ran_in = pthread_self();
}

static void done(struct job *job)
{
	struct numbered *numbered = (struct numbered *)job;

	in_order &= numbered->number == done_so_far;
	elsewhere &= numbered->ran && !pthread_equal(numbered->ran_in, pthread_self());
	done_so_far++;
	free(numbered);
}

static void add(struct worker *worker, int number)
{
	struct numbered *numbered = calloc(1, sizeof(*numbered));

	assert_non_null(numbered);
	numbered->job = (struct job){ .run = run, .done = done };
	numbered->number = number;
	worker_add(worker, &numbered->job);
}

static void runs_jobs_elsewhere_and_in_their_order(void **state)
{
	struct worker *worker = NULL;
	sd_event *event = NULL;

	(void)state;
	done_so_far = 0;
	in_order = elsewhere = true;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(worker_new(event, &worker), 0);
	assert_true(worker_idle(worker));
	for (int i = 0; i < JOBS; i++)
		add(worker, i);
	assert_false(worker_idle(worker));
	while (!worker_idle(worker))
		assert_true(sd_event_run(event, 1000000) >= 0);
	assert_int_equal(done_so_far, JOBS);
	assert_true(in_order);
	assert_true(elsewhere);
	worker_free(worker);
	sd_event_unref(event);
}

static void releases_what_it_did_not_come_to(void **state)
{
	struct worker *worker = NULL;
	sd_event *event = NULL;

	(void)state;
	done_so_far = 0;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(worker_new(event, &worker), 0);
	for (int i = 0; i < JOBS; i++)
		add(worker, i);
	worker_free(worker);
	assert_int_equal(done_so_far, JOBS);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_jobs_elsewhere_and_in_their_order),
		cmocka_unit_test(releases_what_it_did_not_come_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
