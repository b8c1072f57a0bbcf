/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and text as a person reads them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/** units_bytes() - "0 B", "999 B", "1.2 KiB", "34 MiB": at most 8 characters. Return:
 *  @out. */
char *units_bytes(uint64_t bytes, char out[static UNITS_TEXT_MAX]);

/** units_bytes_short() - "0", "999", "1.2K", "34M": at most 5 characters, powers of
 * 1024 as above. Return: @out. */
char *units_bytes_short(uint64_t bytes, char out[static UNITS_TEXT_MAX]);

/** units_count() - "12", "99999", "123k", "4.5M": at most 5 characters. Return: @out.
 */
char *units_count(uint64_t count, char out[static UNITS_TEXT_MAX]);

/** units_duration() - "45s", "12m", "3h", "5d": cut, not rounded; "0s" for what is
 *  negative. Return: @out. */
char *units_duration(int64_t seconds, char out[static UNITS_TEXT_MAX]);

/** units_parse_number() - Decimal digits alone, at most @max. Return: 0, -EINVAL or
 *  -ERANGE. */
int units_parse_number(const char *text, uint64_t max, uint64_t *ret);

/** units_protocol() - "tcp" and so on; the number where it has no usual name. Return:
 *  @out. */
char *units_protocol(int protocol, char out[static UNITS_TEXT_MAX]);

/** units_parse_protocol() - A name or a number. Return: 0 to 255, or -EINVAL. */
int units_parse_protocol(const char *text);
