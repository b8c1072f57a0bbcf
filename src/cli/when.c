/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/units.h"

/* The most that is taken for a number of seconds: the year 9999, about. */
#define SECONDS_MAX 253402300799LL

/* A run of digits of at most @width; moves *@text behind it. -1 when there is none. */
static int digits(const char **text, int width)
{
	int value = 0, count = 0;

	while (count < width && **text >= '0' && **text <= '9') {
		value = value * 10 + (*(*text)++ - '0');
		count++;
	}
	return count ? value : -1;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	default:
		return 0;
	}
}

/* "1h30m": parts with units; each smaller than the one before, so "5m5m" is a slip. */
static int parse_ago(const char *text, int64_t now, int64_t *ret)
{
	int64_t total = 0, last_unit = INT64_MAX;

	do {
		int value = digits(&text, 8);
		int64_t unit = unit_seconds(*text);

		if (value < 0 || unit == 0 || unit >= last_unit)
			return -EINVAL;
		total += value * unit;
		last_unit = unit;
		text++;
	} while (*text);
	*ret = total > now ? 0 : now - total;
	return 0;
}

/* "14:30" or "14:30:15" up to the end of @text, or to a "Z" there. */
static bool parse_clock(const char *text, struct tm *tm, bool *utc)
{
	tm->tm_hour = digits(&text, 2);
	if (*text++ != ':')
		return false;
	tm->tm_min = digits(&text, 2);
	tm->tm_sec = 0;
	if (*text == ':') {
		text++;
		tm->tm_sec = digits(&text, 2);
	}
	*utc = *text == 'Z';
	if (*utc)
		text++;
	return *text == '\0' && tm->tm_hour >= 0 && tm->tm_hour <= 23 &&
	       tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 &&
	       tm->tm_sec <= 59;
}

static int finish(struct tm *tm, bool utc, int64_t *ret)
{
	struct tm wanted = *tm;
	time_t time;

	tm->tm_isdst = -1;
	time = utc ? timegm(tm) : mktime(tm);
	/* mktime() moves February 30 to March; whoever wrote it meant something else.
	 */
	if (tm->tm_mday != wanted.tm_mday || tm->tm_mon != wanted.tm_mon || time < 0)
		return -EINVAL;
	*ret = time;
	return 0;
}

static int parse_date(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	bool utc = false;
	int year = digits(&text, 4);

	if (year < 1970 || *text++ != '-')
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = digits(&text, 2) - 1;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || *text++ != '-')
		return -EINVAL;
	tm.tm_mday = digits(&text, 2);
	if (tm.tm_mday < 1 || tm.tm_mday > 31)
		return -EINVAL;
	if (*text == '\0')
		return finish(&tm, false, ret);
	if ((*text != ' ' && *text != 'T') || !parse_clock(text + 1, &tm, &utc))
		return -EINVAL;
	return finish(&tm, utc, ret);
}

/* Midnight, and @days before: by the calendar, since a day may have 23 or 25 hours. */
static int parse_day(int64_t now, int days, int64_t *ret)
{
	time_t time = (time_t)now;
	struct tm tm;

	localtime_r(&time, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days;
	tm.tm_isdst = -1;
	*ret = mktime(&tm);
	return 0;
}

static int parse_today_at(const char *text, int64_t now, int64_t *ret)
{
	time_t time = (time_t)now;
	struct tm tm, clock = { 0 };
	bool utc = false;

	if (!parse_clock(text, &clock, &utc))
		return -EINVAL;
	if (utc)
		gmtime_r(&time, &tm);
	else
		localtime_r(&time, &tm);
	tm.tm_hour = clock.tm_hour;
	tm.tm_min = clock.tm_min;
	tm.tm_sec = clock.tm_sec;
	return finish(&tm, utc, ret);
}

int when_parse(const char *text, int64_t now, int64_t *ret)
{
	uint64_t seconds;

	if (strcmp(text, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (strcmp(text, "today") == 0)
		return parse_day(now, 0, ret);
	if (strcmp(text, "yesterday") == 0)
		return parse_day(now, 1, ret);
	if (text[0] == '@') {
		if (units_parse_number(text + 1, SECONDS_MAX, &seconds))
			return -EINVAL;
		*ret = (int64_t)seconds;
		return 0;
	}
	if (parse_ago(text, now, ret) == 0 || parse_today_at(text, now, ret) == 0)
		return 0;
	return parse_date(text, ret);
}

/* How a stretch is written on the same day, in the same year, and else. */
static const char *const formats[][3] = {
	{ "%H:%M", "%b %d %H:%M", "%Y-%m-%d %H:%M" },
	{ "%Hh", "%b %d %Hh", "%Y-%m-%d %Hh" },
	{ "%b %d", "%b %d", "%Y-%m-%d" },
};

char *when_format_span(int64_t time, uint32_t span_s, int64_t now,
		       char out[static WHEN_TEXT_MAX])
{
	time_t then = (time_t)time, today = (time_t)now;
	size_t length = span_s >= SPAN_DAY_S ? 2 : span_s >= SPAN_HOUR_S ? 1 : 0;
	size_t distance = 2;
	struct tm tm, tm_now;

	/* A day of UTC is no day of here, and its hours would only puzzle. */
	if (!(length == 2 ? gmtime_r(&then, &tm) : localtime_r(&then, &tm)) ||
	    !(length == 2 ? gmtime_r(&today, &tm_now) : localtime_r(&today, &tm_now))) {
		snprintf(out, WHEN_TEXT_MAX, "-");
		return out;
	}
	if (tm.tm_year == tm_now.tm_year)
		distance = tm.tm_yday == tm_now.tm_yday ? 0 : 1;
	strftime(out, WHEN_TEXT_MAX, formats[length][distance], &tm);
	return out;
}

char *when_format(int64_t time, int64_t now, char out[static WHEN_TEXT_MAX])
{
	return when_format_span(time, 60, now, out);
}
