/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is. */
#pragma once

#include <stdint.h>

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

/** clock_s() - Monotonic seconds, never 0: that may stand for never. */
int64_t clock_s(void);

/** clock_ms() - Monotonic milliseconds. */
int64_t clock_ms(void);

/** clock_wall_us() - Microseconds since 1970, of a clock that may be set. */
int64_t clock_wall_us(void);
