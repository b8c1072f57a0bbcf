/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in time as a person writes and reads them. */
#pragma once

#include <stdint.h>

enum {
	WHEN_TEXT_MAX = 32,
	SPAN_HOUR_S = 3600,
	SPAN_DAY_S = 86400,
};

/**
 * when_parse() - A point in time
 * @text: a time ago ("90s", "30m", "1h30m", "7d", "2w"), "now", "today", "yesterday",
 *        "14:30" (of today), "2025-01-31", "2025-01-31 14:30[:15]" (or with a "T";
 * local time, or UTC when a "Z" ends it), "@1700000000"
 * @now:  seconds since 1970
 * @ret:  seconds since 1970; set on success only
 *
 * Return: 0 or -EINVAL.
 */
int when_parse(const char *text, int64_t now, int64_t *ret);

/** when_format() - "14:30" when @time is of the same local day as @now, "Jan 31 14:30"
 *  of the same year, else "2025-01-31 14:30". Return: @out. */
char *when_format(int64_t time, int64_t now, char out[static WHEN_TEXT_MAX]);

/**
 * when_format_span() - The same for a stretch of time
 * @span_s: 60 for a minute; SPAN_HOUR_S gives "14h" or "Jan 31 14h", SPAN_DAY_S "Jan
 * 31", the day of UTC that it is
 *
 * Return: @out.
 */
char *when_format_span(int64_t time, uint32_t span_s, int64_t now,
		       char out[static WHEN_TEXT_MAX]);
