/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

/* 2025-03-30 12:34:56 in Berlin, the day on which its clocks went from 2 to 3. */
#define NOW 1743330896LL

static int64_t parse(const char *text)
{
	int64_t time = -1;

	return when_parse(text, NOW, &time) == 0 ? time : -1;
}

static void durations_are_so_long_ago(void **state)
{
	(void)state;
	assert_int_equal(parse("90s"), NOW - 90);
	assert_int_equal(parse("30m"), NOW - 1800);
	assert_int_equal(parse("1h30m"), NOW - 5400);
	assert_int_equal(parse("7d"), NOW - 7 * 86400);
	assert_int_equal(parse("2w"), NOW - 14 * 86400);
	assert_int_equal(parse("now"), NOW);
	/* Older than 1970 is simply everything. */
	assert_int_equal(parse("99999d"), 0);
}

static void days_begin_at_local_midnight(void **state)
{
	(void)state;
	assert_int_equal(parse("today"), 1743289200);
	/* A day of 23 hours lies behind, not one of 24. */
	assert_int_equal(parse("yesterday"), 1743289200 - 86400);
	assert_int_equal(parse("2025-03-31"), 1743289200 + 23 * 3600);
}

static void dates_and_clock_times_are_local_unless_they_end_in_z(void **state)
{
	(void)state;
	assert_int_equal(parse("12:34:56"), NOW);
	assert_int_equal(parse("12:34"), NOW - 56);
	assert_int_equal(parse("2025-03-30 12:34:56"), NOW);
	assert_int_equal(parse("2025-03-30T12:34:56"), NOW);
	assert_int_equal(parse("2025-03-30T10:34:56Z"), NOW);
	assert_int_equal(parse("@1700000000"), 1700000000);
	assert_int_equal(parse("1970-01-01T00:00:00Z"), 0);
}

static void refuses_what_is_no_time(void **state)
{
	static const char *const wrong[] = {
		"",
		"1",
		"h",
		"1x",
		"5m5m",
		"1m1h",
		"-1h",
		"1.5h",
		"tomorrow",
		"24:00",
		"12:60",
		"12:",
		"2025-13-01",
		"2025-02-30",
		"2025-02-00",
		"2025-01",
		"25-01-01",
		"@",
		"@-1",
		"@99999999999999",
		"2025-01-31 ",
		"2025-01-31 1430",
		"12:00x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse(wrong[i]) != -1)
			fail_msg("'%s' was taken for a time", wrong[i]);
}

static void a_time_names_its_day_only_where_it_must(void **state)
{
	char out[WHEN_TEXT_MAX];

	(void)state;
	assert_string_equal(when_format(NOW, NOW, out), "12:34");
	assert_string_equal(when_format(1743289200, NOW, out), "00:00");
	assert_string_equal(when_format(1743289199, NOW, out), "Mar 29 23:59");
	assert_string_equal(when_format(1700000000, NOW, out), "2023-11-14 23:13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_so_long_ago),
		cmocka_unit_test(days_begin_at_local_midnight),
		cmocka_unit_test(dates_and_clock_times_are_local_unless_they_end_in_z),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(a_time_names_its_day_only_where_it_must),
	};

	/* By rule, so that the test does not need the time zone files. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests_name("cli/when", tests, NULL, NULL);
}
