/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the numbers of one batch mean in the database, and how often each decided. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decider_use {
	uint32_t number;
	int64_t id;     /* its row in deciders; 0: the slot is empty */
	uint64_t flows; /* connections and denied packets */
};

/* Open addressing; numbers are our own, so no key is needed. */
struct deciders {
	struct decider_use *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

/** deciders_get() - Find the place of a number, or make one whose id is 0: it must be
 * set before the next call. Return: borrowed, or NULL without memory. */
struct decider_use *deciders_get(struct deciders *deciders, uint32_t number);

void deciders_clear(struct deciders *deciders);
void deciders_done(struct deciders *deciders);
