/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/live.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum { CAPACITY_MIN = 256 };

static size_t home(const struct live *live, uint64_t key)
{
	return (size_t)siphash(live->hash_key, &key, sizeof(key)) &
	       (live->capacity - 1);
}

static size_t next(const struct live *live, size_t slot)
{
	return (slot + 1) & (live->capacity - 1);
}

static struct live_entry *probe(const struct live *live, uint64_t key)
{
	size_t slot = home(live, key);

	while (live->slots[slot].key && live->slots[slot].key != key)
		slot = next(live, slot);
	return &live->slots[slot];
}

static int resize(struct live *live, size_t capacity)
{
	struct live bigger = *live;
	auto_free struct live_entry *old = NULL;

	bigger.slots = calloc(capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	bigger.capacity = capacity;
	for (size_t i = 0; i < live->capacity; i++) {
		if (live->slots[i].key)
			*probe(&bigger, live->slots[i].key) = live->slots[i];
	}
	old = live->slots;
	*live = bigger;
	return 0;
}

int live_init(struct live *live, size_t max, struct siphash_key hash_key)
{
	*live = (struct live){ .max = max, .hash_key = hash_key };
	return resize(live, CAPACITY_MIN);
}

void live_done(struct live *live)
{
	free(live->slots);
	*live = (struct live){ 0 };
}

struct live_entry *live_find(struct live *live, uint64_t key)
{
	struct live_entry *entry = probe(live, key);

	return entry->key ? entry : NULL;
}

struct live_entry *live_get(struct live *live, uint64_t key, bool *created)
{
	struct live_entry *entry = probe(live, key);

	*created = false;
	if (entry->key)
		return entry;
	if (live->count >= live->max)
		return NULL;
	if (live->count >= live->capacity / 4 * 3) {
		if (resize(live, live->capacity * 2) < 0)
			return NULL;
		entry = probe(live, key);
	}
	*entry = (struct live_entry){ .key = key };
	live->count++;
	*created = true;
	return entry;
}

/* Whether the entry in @slot may stand in @hole: only if that is not before its home.
 */
static bool may_move(const struct live *live, size_t hole, size_t slot)
{
	size_t mask = live->capacity - 1;
	size_t begin = home(live, live->slots[slot].key);

	return ((slot - begin) & mask) >= ((slot - hole) & mask);
}

void live_remove(struct live *live, struct live_entry *entry)
{
	size_t hole = (size_t)(entry - live->slots);

	/* Close the gap, so that no search ends too early; this needs no markers that
	 * would pile up. */
	for (size_t slot = next(live, hole); live->slots[slot].key;
	     slot = next(live, slot)) {
		if (may_move(live, hole, slot)) {
			live->slots[hole] = live->slots[slot];
			hole = slot;
		}
	}
	live->slots[hole] = (struct live_entry){ 0 };
	live->count--;
}

void live_sweep(struct live *live,
		bool (*is_stale)(const struct live_entry *entry, void *context),
		void *context)
{
	for (size_t i = 0; i < live->capacity;) {
		struct live_entry *entry = &live->slots[i];

		/* Removing may pull another entry into this slot: look again. */
		if (entry->key && is_stale(entry, context))
			live_remove(live, entry);
		else
			i++;
	}
	/* A failure to shrink leaves the table as it was. */
	if (live->capacity > CAPACITY_MIN && live->count < live->capacity / 8)
		resize(live, live->capacity / 2);
}
