/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 1 << 10 };

static int allocate(struct table *table, size_t places)
{
	table->keys = calloc(places, sizeof(*table->keys));
	table->values = calloc(places, sizeof(*table->values));
	table->places = places;
	table->count = 0;
	return table->keys && table->values ? 0 : -ENOMEM;
}

int table_init(struct table *table)
{
	return allocate(table, FIRST_PLACES);
}

void table_done(struct table *table)
{
	free(table->keys);
	free(table->values);
}

/* Where a key is, or where it would be. */
static size_t find_place(const struct table *table, uint128_t key)
{
	size_t at = (size_t)key & (table->places - 1);

	while (table->keys[at] && table->keys[at] != key)
		at = (at + 1) & (table->places - 1);
	return at;
}

const uint32_t *table_find(const struct table *table, uint128_t key)
{
	size_t at = find_place(table, key);

	return table->keys[at] ? &table->values[at] : NULL;
}

static void put(struct table *table, uint128_t key, uint32_t value)
{
	size_t at = find_place(table, key);

	table->count += !table->keys[at];
	table->keys[at] = key;
	table->values[at] = value;
}

static int grow(struct table *table)
{
	struct table larger;

	if (allocate(&larger, 2 * table->places) < 0) {
		table_done(&larger);
		return -ENOMEM;
	}
	for (size_t i = 0; i < table->places; i++)
		if (table->keys[i])
			put(&larger, table->keys[i], table->values[i]);
	table_done(table);
	*table = larger;
	return 0;
}

int table_add(struct table *table, uint128_t key, uint32_t value)
{
	if (2 * table->count >= table->places && grow(table) < 0)
		return -ENOMEM;
	put(table, key, value);
	return 0;
}

void table_clear(struct table *table)
{
	if (table->count)
		memset(table->keys, 0, table->places * sizeof(*table->keys));
	table->count = 0;
}
