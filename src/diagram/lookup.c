/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 1 << 10 };

static int allocate(struct lookup *lookup, size_t places)
{
	lookup->keys = calloc(places, sizeof(*lookup->keys));
	lookup->values = calloc(places, sizeof(*lookup->values));
	lookup->places = places;
	lookup->count = 0;
	return lookup->keys && lookup->values ? 0 : -ENOMEM;
}

int lookup_init(struct lookup *lookup)
{
	return allocate(lookup, FIRST_PLACES);
}

void lookup_done(struct lookup *lookup)
{
	free(lookup->keys);
	free(lookup->values);
}

/* Where a key is, or where it would be. */
static size_t find_place(const struct lookup *lookup, uint128_t key)
{
	size_t at = (size_t)key & (lookup->places - 1);

	while (lookup->keys[at] && lookup->keys[at] != key)
		at = (at + 1) & (lookup->places - 1);
	return at;
}

const uint32_t *lookup_find(const struct lookup *lookup, uint128_t key)
{
	size_t at = find_place(lookup, key);

	return lookup->keys[at] ? &lookup->values[at] : NULL;
}

static void put(struct lookup *lookup, uint128_t key, uint32_t value)
{
	size_t at = find_place(lookup, key);

	lookup->count += !lookup->keys[at];
	lookup->keys[at] = key;
	lookup->values[at] = value;
}

static int grow(struct lookup *lookup)
{
	struct lookup larger;

	if (allocate(&larger, 2 * lookup->places) < 0) {
		lookup_done(&larger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < lookup->places; i++)
		if (lookup->keys[i])
			put(&larger, lookup->keys[i], lookup->values[i]);
	lookup_done(lookup);
	*lookup = larger;
	return 0;
}

int lookup_add(struct lookup *lookup, uint128_t key, uint32_t value)
{
	if (2 * lookup->count >= lookup->places && grow(lookup) < 0)
		return -ENOMEM;
	put(lookup, key, value);
	return 0;
}

void lookup_clear(struct lookup *lookup)
{
	if (lookup->count)
		memset(lookup->keys, 0, lookup->places * sizeof(*lookup->keys));
	lookup->count = 0;
}
