/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 text from outside: reading it, and showing it without harm to a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * text_decode() - The first character of @text
 * @ret: the code point, or 0xfffd where the bytes are not UTF-8 (RFC 3629)
 *
 * Return: its size in bytes, 1 for a byte that is not UTF-8, 0 when @size_bytes is 0.
 */
size_t text_decode(const char *text, size_t size_bytes, uint32_t *ret);

/** text_printable() - Whether a terminal shows the character and does nothing else: no
 * control character, no change of writing direction, nothing without width. */
bool text_printable(uint32_t character);

/** text_breaks_line() - Whether the character ends a line as YAML 1.1 counts them;
 * "\r\n" is one break. */
bool text_breaks_line(uint32_t character);

/** text_copy_printable() - Copy what fits whole, with '?' for what is not printable. */
void text_copy_printable(char *out, size_t out_bytes, const char *text);

/**
 * text_distance() - Edits (insert, delete, change, swap neighbours) from @a to @b
 *
 * Return: the number of edits, or @limit + 1 when there are more than @limit.
 */
size_t text_distance(const char *a, const char *b, size_t limit);
