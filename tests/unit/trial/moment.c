/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compile/schedule.h"

enum { DAY = 86400, HOUR = 3600 };

/* 2024-01-01 was a Monday. */
static const int64_t monday = 1704067200;

static void tells_the_local_moment(void **state)
{
	struct moment moment = moment_of(monday + 8 * HOUR, 0);

	(void)state;
	assert_int_equal(moment.day, 1);
	assert_int_equal(moment.second, 8 * HOUR);
	moment = moment_of(monday, -HOUR);
	assert_int_equal(moment.day, 0);
	assert_int_equal(moment.second, 23 * HOUR);
	assert_int_equal(moment_of(0, 0).day, 4);
}

static void writes_it(void **state)
{
	char text[MOMENT_TEXT_MAX];

	(void)state;
	assert_string_equal(
		moment_text((struct moment){ true, 1, 8 * HOUR + 60 }, text),
		"Mon 08:01");
}

static void turns_days(void **state)
{
	(void)state;
	assert_int_equal(moment_turn(1 << 3, 1), 1 << 2);
	assert_int_equal(moment_turn(1 << 0, 1), 1 << 6);
	assert_int_equal(moment_turn(1 << 0, -1), 1 << 1);
	assert_int_equal(moment_turn(0x7f, 5), 0x7f);
	for (int by = -7; by <= 7; by++)
		assert_int_equal(moment_turn(moment_turn(0x25, by), -by), 0x25);
}

static void a_window_over_midnight_belongs_to_the_day_it_begins(void **state)
{
	const struct schedule night = { true, 1 << 5, 22 * HOUR, 6 * HOUR };

	(void)state;
	assert_true(moment_holds(&night, (struct moment){ true, 5, 22 * HOUR }));
	assert_true(moment_holds(&night, (struct moment){ true, 6, 6 * HOUR - 1 }));
	assert_false(moment_holds(&night, (struct moment){ true, 6, 6 * HOUR }));
	assert_false(moment_holds(&night, (struct moment){ true, 6, 23 * HOUR }));
	assert_false(moment_holds(&night, (struct moment){ true, 5, 5 * HOUR }));
}

/* What the kernel compares: the windows of a UTC day. */
static bool open_in_utc(const struct schedule *schedule, int64_t now, int32_t offset_s)
{
	struct window windows[WINDOWS_MAX];
	size_t count = schedule_windows(schedule, offset_s, windows);
	struct moment utc = moment_of(now, 0);

	for (size_t i = 0; i < count; i++)
		if (windows[i].days & 1 << utc.day && windows[i].from_s <= utc.second &&
		    utc.second < windows[i].to_s)
			return true;
	return false;
}

/* Whatever time it is, the compiled windows are open exactly when they would be at the
 * moment that is pretended. */
static void pretending_opens_what_that_moment_would(void **state)
{
	static const struct schedule schedules[] = {
		{ true, 1 << 1, 8 * HOUR, 17 * HOUR },
		{ true, 0x3e, 22 * HOUR, 6 * HOUR },
		{ true, 1 << 0 | 1 << 6, 0, DAY },
	};

	(void)state;
	for (int64_t now = monday; now < monday + 7 * DAY; now += 5 * HOUR + 1234)
		for (uint8_t day = 0; day < 7; day++)
			for (uint32_t second = 30; second < DAY; second += HOUR) {
				struct moment moment = { true, day, second };
				struct pretence pretence = moment_pretend(moment, now);

				for (size_t i = 0; i < 3; i++) {
					struct schedule turned = schedules[i];

					turned.days =
						moment_turn(turned.days, pretence.days);
					assert_int_equal(
						open_in_utc(&turned, now,
							    pretence.utc_offset_s),
						moment_holds(&schedules[i], moment));
				}
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_local_moment),
		cmocka_unit_test(writes_it),
		cmocka_unit_test(turns_days),
		cmocka_unit_test(a_window_over_midnight_belongs_to_the_day_it_begins),
		cmocka_unit_test(pretending_opens_what_that_moment_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
