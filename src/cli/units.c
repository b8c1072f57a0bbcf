/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/protocol.h"

/* One digit after the point below ten, none above: always two or three digits that
 * count. Cut rather than rounded, so 1023.9 KiB never reads as 1024 KiB. */
static void scale(uint64_t value, uint64_t unit, const char *name, char *out)
{
	uint64_t whole = value / unit;
	/* The remainder is below 2^60, so ten times it still fits. */
	unsigned int tenth = (unsigned int)(value % unit * 10 / unit);

	if (whole < 10)
		snprintf(out, UNITS_TEXT_MAX, "%u.%u%s", (unsigned int)whole, tenth,
			 name);
	else
		snprintf(out, UNITS_TEXT_MAX, "%llu%s", (unsigned long long)whole,
			 name);
}

/* Scale by the largest power of @step that fits; @below and less stays as it is. */
static void scale_by(uint64_t value, uint64_t step, uint64_t below,
		     const char *const names[7], char *out)
{
	uint64_t unit = 1;
	size_t i = 0;

	if (value < below) {
		snprintf(out, UNITS_TEXT_MAX, "%u%s", (unsigned int)value, names[0]);
		return;
	}
	do {
		unit *= step;
		i++;
	} while (i < 6 && value / unit >= step);
	scale(value, unit, names[i], out);
}

char *units_bytes(uint64_t bytes, char out[static UNITS_TEXT_MAX])
{
	static const char *const names[7] = { " B",   " KiB", " MiB", " GiB",
					      " TiB", " PiB", " EiB" };

	scale_by(bytes, 1024, 1024, names, out);
	return out;
}

char *units_bytes_short(uint64_t bytes, char out[static UNITS_TEXT_MAX])
{
	static const char *const names[7] = { "", "K", "M", "G", "T", "P", "E" };

	scale_by(bytes, 1024, 1024, names, out);
	return out;
}

char *units_count(uint64_t count, char out[static UNITS_TEXT_MAX])
{
	static const char *const names[7] = { "", "k", "M", "G", "T", "P", "E" };

	scale_by(count, 1000, 100000, names, out);
	return out;
}

char *units_duration(int64_t seconds, char out[static UNITS_TEXT_MAX])
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (i + 1 < ARRAY_SIZE(units) && seconds < units[i].seconds)
		i++;
	snprintf(out, UNITS_TEXT_MAX, "%lld%c", (long long)(seconds / units[i].seconds),
		 units[i].name);
	return out;
}

int units_parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	}
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

char *units_protocol(int protocol, char out[static UNITS_TEXT_MAX])
{
	const char *name = protocol_name((uint8_t)protocol);

	if (name)
		snprintf(out, UNITS_TEXT_MAX, "%s", name);
	else
		snprintf(out, UNITS_TEXT_MAX, "%d", protocol);
	return out;
}

int units_parse_protocol(const char *text)
{
	uint64_t number;
	int known = protocol_number(text);

	if (known >= 0)
		return known;
	return units_parse_number(text, UINT8_MAX, &number) ? -EINVAL : (int)number;
}
