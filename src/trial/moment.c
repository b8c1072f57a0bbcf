/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/moment.h"

#include <stdio.h>

enum { DAYS = 7, DAY_S = 86400, WEEK_S = DAYS * DAY_S, THURSDAY = 4 };

static int64_t week_second(int64_t time)
{
	/* 1970 began on a Thursday. */
	return ((time + THURSDAY * DAY_S) % WEEK_S + WEEK_S) % WEEK_S;
}

struct moment moment_of(int64_t now, int32_t utc_offset_s)
{
	int64_t second = week_second(now + utc_offset_s);

	return (struct moment){
		.set = true,
		.day = (uint8_t)(second / DAY_S),
		.second = (uint32_t)(second % DAY_S),
	};
}

struct pretence moment_pretend(struct moment moment, int64_t now)
{
	int64_t wanted = (int64_t)moment.day * DAY_S + moment.second;
	int64_t ahead = (wanted - week_second(now) + WEEK_S) % WEEK_S;

	return (struct pretence){
		.utc_offset_s = (int32_t)(ahead % DAY_S),
		.days = (int)(ahead / DAY_S),
	};
}

uint8_t moment_turn(uint8_t days, int earlier)
{
	unsigned int by = (unsigned int)((earlier % DAYS + DAYS) % DAYS);
	unsigned int all = days;

	return (uint8_t)((all >> by | all << (DAYS - by)) & 0x7f);
}

bool moment_holds(const struct schedule *schedule, struct moment moment)
{
	bool over_midnight = schedule->to_s <= schedule->from_s;
	bool today = schedule->days >> moment.day & 1;
	bool yesterday = schedule->days >> (moment.day + DAYS - 1) % DAYS & 1;

	if (!schedule->set)
		return true;
	if (!over_midnight)
		return today && moment.second >= schedule->from_s &&
		       moment.second < schedule->to_s;
	return (today && moment.second >= schedule->from_s) ||
	       (yesterday && moment.second < schedule->to_s);
}

char *moment_text(struct moment moment, char out[static MOMENT_TEXT_MAX])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed",
					    "Thu", "Fri", "Sat" };

	snprintf(out, MOMENT_TEXT_MAX, "%s %02u:%02u", days[moment.day % DAYS],
		 moment.second / 3600 % 24, moment.second / 60 % 60);
	return out;
}
