/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another time of the week than it is. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

/** moment_of() - The moment of the week, in local time. @now: seconds since 1970. */
struct moment moment_of(int64_t now, int32_t utc_offset_s);

/* What makes a compiler that believes it take @moment for now. */
struct pretence {
	int32_t utc_offset_s; /* less than a day either way */
	int days;             /* 0 to 6: schedules move so many days towards Sunday */
};

/** moment_pretend() - Which time zone, and which shift of days, makes it that moment
 *  now. */
struct pretence moment_pretend(struct moment moment, int64_t now);

/** moment_turn() - Days of a schedule, so many days earlier. */
uint8_t moment_turn(uint8_t days, int earlier);

/** moment_holds() - Whether a schedule's window is open at @moment. */
bool moment_holds(const struct schedule *schedule, struct moment moment);

enum { MOMENT_TEXT_MAX = 16 };

/** moment_text() - "Mon 08:00". Return: @out. */
char *moment_text(struct moment moment, char out[static MOMENT_TEXT_MAX]);
