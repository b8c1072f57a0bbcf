/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weekly windows in local time, as the windows of UTC days that the kernel compares. */
#pragma once

#include <stddef.h>

#include "policy/policy.h"

enum { WINDOWS_MAX = 21 };

/* On each of @days from @from_s to @to_s (exclusive), all in UTC. */
struct window {
	uint8_t days; /* bit 0 is Sunday */
	uint32_t from_s;
	uint32_t to_s;
};

/**
 * schedule_windows() - The same time in UTC
 * @utc_offset_s: local time minus UTC, less than a day either way
 *
 * Windows do not overlap. Days with the same hours share a window.
 *
 * Return: how many, 0 when the schedule never applies.
 */
size_t schedule_windows(const struct schedule *schedule, int32_t utc_offset_s,
			struct window out[static WINDOWS_MAX]);
