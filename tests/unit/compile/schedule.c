/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { HOUR_S = 3600, DAY_S = 86400, SUNDAY = 1, MONDAY = 2, SATURDAY = 64 };

static size_t convert(uint8_t days, uint32_t from_s, uint32_t to_s, int32_t offset_s,
		      struct window out[static WINDOWS_MAX])
{
	struct schedule schedule = { true, days, from_s, to_s };

	return schedule_windows(&schedule, offset_s, out);
}

static void assert_window(struct window window, uint8_t days, uint32_t from_s,
			  uint32_t to_s)
{
	assert_int_equal(window.days, days);
	assert_int_equal(window.from_s, from_s);
	assert_int_equal(window.to_s, to_s);
}

static void keeps_utc_as_it_is(void **state)
{
	struct window windows[WINDOWS_MAX];

	(void)state;
	assert_int_equal(convert(MONDAY, 8 * HOUR_S, 17 * HOUR_S, 0, windows), 1);
	assert_window(windows[0], MONDAY, 8 * HOUR_S, 17 * HOUR_S);
}

static void moves_east_to_the_day_before(void **state)
{
	struct window windows[WINDOWS_MAX];

	(void)state;
	/* Sunday 00:00 to 02:00 an hour ahead: Saturday 23:00 to Sunday 01:00. */
	assert_int_equal(convert(SUNDAY, 0, 2 * HOUR_S, HOUR_S, windows), 2);
	assert_window(windows[0], SUNDAY, 0, HOUR_S);
	assert_window(windows[1], SATURDAY, 23 * HOUR_S, DAY_S);
}

static void moves_west_to_the_day_after(void **state)
{
	struct window windows[WINDOWS_MAX];

	(void)state;
	assert_int_equal(
		convert(SATURDAY, 20 * HOUR_S, 23 * HOUR_S, -5 * HOUR_S, windows), 1);
	assert_window(windows[0], SUNDAY, HOUR_S, 4 * HOUR_S);
}

static void cuts_at_midnight(void **state)
{
	struct window windows[WINDOWS_MAX];

	(void)state;
	assert_int_equal(convert(SATURDAY, 22 * HOUR_S, 6 * HOUR_S, 0, windows), 2);
	assert_window(windows[0], SUNDAY, 0, 6 * HOUR_S);
	assert_window(windows[1], SATURDAY, 22 * HOUR_S, DAY_S);
}

static void knows_all_of_the_time(void **state)
{
	struct window windows[WINDOWS_MAX];

	(void)state;
	for (int32_t offset = -12; offset <= 14; offset++) {
		assert_int_equal(convert(0x7f, 0, DAY_S, offset * HOUR_S, windows), 1);
		assert_window(windows[0], 0x7f, 0, DAY_S);
	}
	assert_int_equal(convert(0x7f, 5, 5, 0, windows), 1);
	assert_int_equal(convert(0, 0, DAY_S, 0, windows), 0);
}

/* Every quarter of an hour of the week, told in two ways. */
static void agrees_with_the_clock(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct window windows[WINDOWS_MAX];
		uint32_t from_s, to_s, count;
		int32_t offset_s;
		uint8_t days;

		random = random * 1664525 + 1013904223;
		days = random >> 8 & 0x7f;
		from_s = (random >> 15) % 96 * 900;
		to_s = (random >> 22) % 97 * 900;
		offset_s = (int32_t)(random >> 5) % 56 * 900 - 12 * HOUR_S;
		count = (uint32_t)convert(days, from_s, to_s, offset_s, windows);
		for (int32_t utc_s = 0; utc_s < 7 * DAY_S; utc_s += 900) {
			uint32_t local_s = (uint32_t)((utc_s + offset_s + 7 * DAY_S) %
						      (7 * DAY_S));
			uint32_t day = local_s / DAY_S, time_s = local_s % DAY_S;
			uint32_t utc_day = (uint32_t)utc_s / DAY_S, hits = 0;
			bool today = days >> day & 1,
			     before = days >> (day + 6) % 7 & 1;
			bool right = to_s > from_s ? today && time_s >= from_s &&
							     time_s < to_s
						   : (today && time_s >= from_s) ||
							     (before && time_s < to_s);

			for (uint32_t j = 0; j < count; j++)
				hits += (windows[j].days >> utc_day & 1) &&
					(uint32_t)utc_s % DAY_S >= windows[j].from_s &&
					(uint32_t)utc_s % DAY_S < windows[j].to_s;
			assert_int_equal(hits, right);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_utc_as_it_is),
		cmocka_unit_test(moves_east_to_the_day_before),
		cmocka_unit_test(moves_west_to_the_day_after),
		cmocka_unit_test(cuts_at_midnight),
		cmocka_unit_test(knows_all_of_the_time),
		cmocka_unit_test(agrees_with_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
