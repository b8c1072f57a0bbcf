/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each minute of a week is asked of the local schedule and of the UTC windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "base/cleanup.h"
#include "compile/schedule.h"

enum { HOUR_S = 3600, DAY_S = 86400, WEEK_S = 7 * DAY_S };

/* As docs/policy.md says it: a window that runs over midnight is of the day on which
 * it begins. */
static bool schedule_applies(const struct schedule *schedule, int64_t local_s)
{
	uint32_t day = (uint32_t)((local_s + WEEK_S) % WEEK_S / DAY_S);
	uint32_t time_s = (uint32_t)((local_s + WEEK_S) % DAY_S);
	bool today = schedule->days >> day & 1;
	bool yesterday = schedule->days >> (day + 6) % 7 & 1;

	if (schedule->from_s < schedule->to_s)
		return today && time_s >= schedule->from_s && time_s < schedule->to_s;
	return (today && time_s >= schedule->from_s) ||
	       (yesterday && time_s < schedule->to_s);
}

static size_t windows_open(const struct window *windows, size_t count, uint32_t utc_s)
{
	size_t open = 0;

	for (size_t i = 0; i < count; i++)
		if (windows[i].days >> utc_s / DAY_S & 1 &&
		    utc_s % DAY_S >= windows[i].from_s &&
		    utc_s % DAY_S < windows[i].to_s)
			open++;
	return open;
}

static void check_form(const struct window *windows, size_t count)
{
	assert_in_range(count, 0, WINDOWS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_in_range(windows[i].days, 1, 127);
		assert_true(windows[i].from_s < windows[i].to_s);
		assert_true(windows[i].to_s <= DAY_S);
		for (size_t j = 0; j < i; j++)
			assert_false(windows[i].from_s == windows[j].from_s &&
				     windows[i].to_s == windows[j].to_s);
	}
}

static void check(struct schedule schedule, int32_t offset_s)
{
	struct window windows[WINDOWS_MAX];
	size_t count = schedule_windows(&schedule, offset_s, windows);

	check_form(windows, count);
	for (uint32_t utc_s = 0; utc_s < WEEK_S; utc_s++) {
		/* The first and the last second of each minute. */
		if (utc_s % 60 == 1)
			utc_s += 58;
		if (windows_open(windows, count, utc_s) !=
		    schedule_applies(&schedule, (int64_t)utc_s + offset_s))
			fail_msg("days %#x from %u to %u, offset %d: UTC second %u",
				 schedule.days, schedule.from_s, schedule.to_s,
				 offset_s, utc_s);
	}
}

static const struct schedule ordinary[] = {
	{ true, 0x7f, 0, DAY_S },
	{ true, 0x01, 0, DAY_S },
	{ true, 0x40, 0, DAY_S },
	{ true, 0x3e, 8 * HOUR_S, 17 * HOUR_S },
	{ true, 0x41, 8 * HOUR_S, 17 * HOUR_S },
	{ true, 0x20, 22 * HOUR_S, 6 * HOUR_S },
	{ true, 0x40, 22 * HOUR_S, 6 * HOUR_S },
	{ true, 0x7f, 22 * HOUR_S, 6 * HOUR_S },
	{ true, 0x7f, 12 * HOUR_S, 12 * HOUR_S },
	{ true, 0x12, 12 * HOUR_S, 12 * HOUR_S },
	{ true, 0x7f, 12 * HOUR_S, 12 * HOUR_S - 60 },
	{ true, 0x55, 0, 60 },
	{ true, 0x55, DAY_S - 60, DAY_S },
	{ true, 0x01, DAY_S - 60, 60 },
	{ true, 0x18, 0, 0 },
	{ true, 0x00, HOUR_S, 2 * HOUR_S },
};

static void hours_are_right_in_every_time_zone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ordinary); i++)
		for (int32_t hours = -12; hours <= 14; hours++)
			check(ordinary[i], hours * HOUR_S);
}

static void half_and_quarter_hours_are_right(void **state)
{
	static const int32_t minutes[] = {
		-570, -210, 210, 270, 330, 345, 390,  525,
		570,  630,  765, 825, -1,  1,   1439, -1439
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ordinary); i++)
		for (size_t j = 0; j < ARRAY_SIZE(minutes); j++)
			check(ordinary[i], minutes[j] * 60);
}

static uint32_t random_below(uint32_t limit)
{
	static uint64_t value = 42;

	value = value * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(value >> 33) % limit;
}

static void any_schedule_is_right_at_any_offset(void **state)
{
	(void)state;
	for (size_t i = 0; i < 500; i++) {
		struct schedule schedule = {
			.set = true,
			.days = (uint8_t)random_below(128),
			.from_s = random_below(1440) * 60,
			.to_s = random_below(1441) * 60,
		};

		check(schedule, ((int32_t)random_below(2879) - 1439) * 60);
	}
}

static void days_with_the_same_hours_share_a_window(void **state)
{
	struct schedule office = { true, 0x3e, 8 * HOUR_S, 17 * HOUR_S };
	struct schedule always = { true, 0x7f, 0, DAY_S };
	struct window windows[WINDOWS_MAX];

	(void)state;
	assert_int_equal(schedule_windows(&office, HOUR_S, windows), 1);
	assert_int_equal(windows[0].days, 0x3e);
	assert_int_equal(windows[0].from_s, 7 * HOUR_S);
	assert_int_equal(windows[0].to_s, 16 * HOUR_S);
	assert_int_equal(schedule_windows(&office, 10 * HOUR_S, windows), 2);
	/* What touches at local midnight is one where UTC's day goes on. */
	assert_int_equal(schedule_windows(&always, 5 * HOUR_S, windows), 1);
	assert_int_equal(windows[0].to_s, DAY_S);
}

static void no_day_is_no_window(void **state)
{
	struct schedule never = { .set = true, .from_s = 0, .to_s = DAY_S };
	struct window windows[WINDOWS_MAX];

	(void)state;
	assert_int_equal(schedule_windows(&never, 0, windows), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hours_are_right_in_every_time_zone),
		cmocka_unit_test(half_and_quarter_hours_are_right),
		cmocka_unit_test(any_schedule_is_right_at_any_offset),
		cmocka_unit_test(days_with_the_same_hours_share_a_window),
		cmocka_unit_test(no_day_is_no_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
