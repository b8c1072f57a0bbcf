/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows to be written, by their key: open addressing, emptied all at once. */
#pragma once

#include <stddef.h>

#include "observe/aggregate.h"
#include "observe/siphash.h"

struct rows {
	struct row *slots; /* empty where key.family is 0 */
	size_t capacity;   /* a power of two */
	size_t count;
	size_t max;
	unsigned int idle; /* how often in a row it was far from full when emptied */
	struct siphash_key hash_key;
};

/** rows_init() - Return: 0 or -ENOMEM. */
int rows_init(struct rows *rows, size_t max, struct siphash_key hash_key);
void rows_done(struct rows *rows);

/** rows_find() - Return: borrowed until the next change, or NULL. */
struct row *rows_find(const struct rows *rows, const struct row_key *key);

/** rows_get() - Find, or make one with nothing counted and its bytes known. Return:
 * borrowed until the next change, or NULL when full. */
struct row *rows_get(struct rows *rows, const struct row_key *key);

/** rows_clear() - Remove all; a table long too large becomes smaller. */
void rows_clear(struct rows *rows);
