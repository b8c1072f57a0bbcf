/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <string.h>

#include "base/fault.h"

enum {
	REPLACEMENT = 0xfffd,
	WORD_MAX = 64, /* longer words have no near ones */
};

static size_t sequence_bytes(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if ((lead & 0xf0) == 0xe0)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

size_t text_decode(const char *text, size_t size_bytes, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t size = size_bytes ? sequence_bytes(bytes[0]) : 0;
	uint32_t value;

	*ret = REPLACEMENT;
	if (size_bytes == 0)
		return 0;
	if (size == 0 || size > size_bytes)
		return 1;
	value = size == 1 ? bytes[0] : bytes[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (bytes[i] & 0x3fu);
	}
	if (value < smallest[size] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*ret = value;
	return size;
}

bool text_printable(uint32_t character)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x00, 0x1f },     /* C0 */
		{ 0x7f, 0x9f },     /* delete and C1 */
		{ 0xad, 0xad },     /* soft hyphen */
		{ 0x61c, 0x61c },   /* Arabic letter mark */
		{ 0x200b, 0x200f }, /* no width, direction marks */
		{ 0x2028, 0x202e }, /* line breaks, direction overrides */
		{ 0x2060, 0x206f }, /* no width, direction isolates */
		{ 0xfeff, 0xfeff }, /* byte order mark */
		{ 0xfff9, 0xfffd }, { 0xe0000, 0xe0fff }, /* tags */
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (character >= hidden[i].first && character <= hidden[i].last)
			return false;
	return true;
}

bool text_breaks_line(uint32_t character)
{
	return character == '\n' || character == '\r' || character == 0x85 ||
	       character == 0x2028 || character == 0x2029;
}

void text_copy_printable(char *out, size_t out_bytes, const char *text)
{
	size_t left_bytes = strlen(text);
	size_t used = 0;

	while (left_bytes > 0) {
		uint32_t character;
		size_t size = text_decode(text, left_bytes, &character);
		bool shown = text_printable(character);
		size_t needed = shown ? size : 1;

		if (used + needed >= out_bytes)
			break;
		memcpy(out + used, shown ? text : "?", needed);
		used += needed;
		text += size;
		left_bytes -= size;
	}
	if (out_bytes > 0)
		out[used] = '\0';
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the table of Damerau and Levenshtein: edits from a[0..i) to each b[0..j).
 */
static size_t next_row(const char *a, size_t i, const char *b, size_t b_size,
		       const size_t *before, const size_t *above, size_t *row)
{
	size_t least = row[0] = i;

	for (size_t j = 1; j <= b_size; j++) {
		size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);

		row[j] = smaller(change, smaller(above[j], row[j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = smaller(row[j], before[j - 2] + 1);
		least = smaller(least, row[j]);
	}
	return least;
}

size_t text_distance(const char *a, const char *b, size_t limit)
{
	size_t rows[3][WORD_MAX + 1];
	size_t a_size = strlen(a);
	size_t b_size = strlen(b);
	size_t least_above = 0;

	if (a_size > WORD_MAX || b_size > WORD_MAX || a_size > b_size + limit ||
	    b_size > a_size + limit)
		return limit + 1;
	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t least = next_row(a, i, b, b_size, rows[(i + 1) % 3],
					rows[(i + 2) % 3], rows[i % 3]);

		/* A swap looks two rows back, so one dear row is not the end yet. */
		if (least > limit && least_above > limit)
			return limit + 1;
		least_above = least;
	}
	return smaller(rows[a_size % 3][b_size], limit + 1);
}

const char *nearest_word(const char *word, const char *const *candidates)
{
	size_t limit = strlen(word) <= 4 ? 1 : 2;
	size_t least = smaller(limit + 1, strlen(word));
	const char *nearest = NULL;

	for (; *candidates; candidates++) {
		size_t distance = text_distance(word, *candidates, limit);

		if (distance >= least)
			continue;
		nearest = *candidates;
		least = distance;
	}
	return nearest;
}
