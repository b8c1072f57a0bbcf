/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used_bytes;
	size_t size_bytes;
	alignas(max_align_t) unsigned char data[];
};

static struct arena_block *add_block(struct arena *arena, size_t size_bytes)
{
	size_t room = size_bytes > BLOCK_BYTES ? size_bytes : BLOCK_BYTES;
	struct arena_block *block = calloc(1, sizeof(*block) + room);

	if (!block)
		return NULL;
	block->size_bytes = room;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
	struct arena_block *block = arena->blocks;
	void *memory;

	if (size_bytes > SIZE_MAX / 2)
		return NULL;
	size_bytes =
		(size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (arena->limit_bytes && size_bytes > arena->limit_bytes - arena->used_bytes)
		return NULL;
	if (!block || block->size_bytes - block->used_bytes < size_bytes)
		block = add_block(arena, size_bytes);
	if (!block)
		return NULL;
	memory = block->data + block->used_bytes;
	block->used_bytes += size_bytes;
	arena->used_bytes += size_bytes;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t size_bytes)
{
	char *copy = arena_alloc(arena, size_bytes + 1);

	if (copy && size_bytes)
		memcpy(copy, text, size_bytes);
	return copy;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t item_bytes)
{
	unsigned char **array = items;
	bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);

	if (full) {
		size_t capacity = count < 4 ? 4 : count * 2;
		unsigned char *grown;

		if (capacity > SIZE_MAX / 2 / item_bytes)
			return NULL;
		grown = arena_alloc(arena, capacity * item_bytes);
		if (!grown)
			return NULL;
		if (count)
			memcpy(grown, *array, count * item_bytes);
		*array = grown;
	}
	return *array + count * item_bytes;
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->used_bytes = 0;
}
