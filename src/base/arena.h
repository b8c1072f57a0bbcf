/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is allocated piece by piece and released all at once. */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used_bytes;
	size_t limit_bytes; /* 0: no limit */
};

#define ARENA_INIT(limit)                                                              \
	{                                                                              \
		.limit_bytes = (limit)                                                 \
	}

/**
 * arena_alloc() - Zeroed memory that lives as long as the arena
 *
 * Return: memory aligned for any type, or NULL when memory or the limit is used up.
 */
void *arena_alloc(struct arena *arena, size_t size_bytes);

/** arena_strndup() - A NUL-terminated copy of @size_bytes of @text, or NULL. */
char *arena_strndup(struct arena *arena, const char *text, size_t size_bytes);

/**
 * arena_grow() - Room for one more item in an array that lives in an arena
 * @items:      address of the array's pointer, moved when it must grow
 * @count:      items in use; the caller adds one when it has filled the new place
 * @item_bytes: size of one item
 *
 * The capacity is the power of two at or above @count, so it needs no field.
 *
 * Return: the address of item number @count, zeroed, or NULL.
 */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes);

/** arena_done() - Release everything; the arena can be used again. */
void arena_done(struct arena *arena);
