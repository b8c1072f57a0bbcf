/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/deciders.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

static struct decider_use *probe(const struct deciders *deciders, uint32_t number)
{
	size_t mask = deciders->capacity - 1;
	size_t slot = (size_t)number * 2654435761U & mask;

	while (deciders->slots[slot].id && deciders->slots[slot].number != number)
		slot = (slot + 1) & mask;
	return &deciders->slots[slot];
}

static bool grow(struct deciders *deciders)
{
	struct deciders bigger = {
		.capacity = deciders->capacity ? deciders->capacity * 2 : CAPACITY_MIN,
		.count = deciders->count,
	};

	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < deciders->capacity; i++) {
		const struct decider_use *use = &deciders->slots[i];

		if (use->id)
			*probe(&bigger, use->number) = *use;
	}
	free(deciders->slots);
	*deciders = bigger;
	return true;
}

struct decider_use *deciders_get(struct deciders *deciders, uint32_t number)
{
	struct decider_use *use;

	if (deciders->count >= deciders->capacity / 4 * 3 && !grow(deciders))
		return NULL;
	use = probe(deciders, number);
	if (!use->id) {
		*use = (struct decider_use){ .number = number };
		deciders->count++;
	}
	return use;
}

void deciders_clear(struct deciders *deciders)
{
	if (deciders->count)
		memset(deciders->slots, 0,
		       deciders->capacity * sizeof(*deciders->slots));
	deciders->count = 0;
}

void deciders_done(struct deciders *deciders)
{
	free(deciders->slots);
	*deciders = (struct deciders){ 0 };
}
