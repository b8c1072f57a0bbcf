/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CAPACITY_MIN = 128,
	IDLE_MAX = 8,
};

static struct row *probe(const struct row *slots, size_t capacity,
			 struct siphash_key hash_key, const struct row_key *key)
{
	size_t slot = (size_t)siphash(hash_key, key, sizeof(*key));

	for (;; slot++) {
		const struct row *row = &slots[slot & (capacity - 1)];

		if (!row->key.family || memcmp(&row->key, key, sizeof(*key)) == 0)
			return (struct row *)row;
	}
}

static int grow(struct rows *rows)
{
	size_t capacity = rows->capacity * 2;
	struct row *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < rows->capacity; i++) {
		const struct row *row = &rows->slots[i];

		if (row->key.family)
			*probe(slots, capacity, rows->hash_key, &row->key) = *row;
	}
	free(rows->slots);
	rows->slots = slots;
	rows->capacity = capacity;
	return 0;
}

int rows_init(struct rows *rows, size_t max, struct siphash_key hash_key)
{
	*rows = (struct rows){
		.capacity = CAPACITY_MIN,
		.max = max,
		.hash_key = hash_key,
	};
	rows->slots = calloc(rows->capacity, sizeof(*rows->slots));
	return rows->slots ? 0 : -ENOMEM;
}

void rows_done(struct rows *rows)
{
	free(rows->slots);
	*rows = (struct rows){ 0 };
}

struct row *rows_find(const struct rows *rows, const struct row_key *key)
{
	struct row *row = probe(rows->slots, rows->capacity, rows->hash_key, key);

	return row->key.family ? row : NULL;
}

struct row *rows_get(struct rows *rows, const struct row_key *key)
{
	struct row *row = rows_find(rows, key);

	if (row)
		return row;
	if (rows->count >= rows->max)
		return NULL;
	if (rows->count >= rows->capacity / 4 * 3 && grow(rows) < 0)
		return NULL;
	row = probe(rows->slots, rows->capacity, rows->hash_key, key);
	*row = (struct row){ .key = *key, .bytes_known = true };
	rows->count++;
	return row;
}

void rows_clear(struct rows *rows)
{
	struct row *smaller = NULL;

	rows->idle = rows->count < rows->capacity / 8 ? rows->idle + 1 : 0;
	if (rows->idle >= IDLE_MAX && rows->capacity > CAPACITY_MIN)
		smaller = calloc(rows->capacity / 2, sizeof(*smaller));
	if (smaller) {
		free(rows->slots);
		rows->slots = smaller;
		rows->capacity /= 2;
	} else if (rows->count) {
		memset(rows->slots, 0, rows->capacity * sizeof(*rows->slots));
	}
	rows->count = 0;
}
