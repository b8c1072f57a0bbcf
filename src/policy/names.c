/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

/* Looking for near words costs time for every candidate; nobody misses the hint in a
 * file of so many names. */
enum { CANDIDATES_MAX = 5000 };

int names_add(struct names *names, struct arena *arena, const struct name *name)
{
	struct name *place =
		arena_grow(arena, &names->items, names->count, sizeof(*place));

	if (!place)
		return -ENOMEM;
	*place = *name;
	names->count++;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct name *a = left;
	const struct name *b = right;
	int order = strcmp(a->text, b->text);

	if (order != 0)
		return order;
	if (a->position.line != b->position.line)
		return a->position.line < b->position.line ? -1 : 1;
	return (a->position.column > b->position.column) -
	       (a->position.column < b->position.column);
}

int names_sort(struct names *names, struct arena *arena)
{
	if (names->count == 0)
		return 0;
	qsort(names->items, names->count, sizeof(*names->items), compare);
	if (names->count > CANDIDATES_MAX)
		return 0;
	names->candidates =
		arena_alloc(arena, (names->count + 1) * sizeof(*names->candidates));
	if (!names->candidates)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++)
		names->candidates[i] = names->items[i].text;
	return 0;
}

struct name *names_find(const struct names *names, const char *text)
{
	size_t low = 0;
	size_t high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->items[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < names->count && strcmp(names->items[low].text, text) == 0)
		return &names->items[low];
	return NULL;
}

bool name_valid(const char *text)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t size = strspn(text, alphabet);

	return size > 0 && size <= NAME_MAX_CHARS && !text[size] &&
	       !strchr("._-", text[0]);
}
