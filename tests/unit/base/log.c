/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* What log_line() writes to stderr. */
static void capture(const char *message, char *out, size_t out_bytes)
{
	int saved = dup(STDERR_FILENO);
	int ends[2];
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_line(LOG_WARNING, "%s", message);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(ends[1]);
	close(saved);
	got = read(ends[0], out, out_bytes - 1);
	close(ends[0]);
	assert_true(got >= 0);
	out[got] = '\0';
}

static void writes_one_line_with_its_priority(void **state)
{
	char out[2048];

	(void)state;
	capture("all is well", out, sizeof(out));
	assert_string_equal(out, "<4>all is well\n");
}

static void one_call_is_one_line_whatever_it_holds(void **state)
{
	char out[2048];

	(void)state;
	capture("a\n<0>forged\033[0m", out, sizeof(out));
	assert_string_equal(out, "<4>a?<0>forged?[0m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_one_line_with_its_priority),
		cmocka_unit_test(one_call_is_one_line_whatever_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
