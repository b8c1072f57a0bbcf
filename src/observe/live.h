/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections that live, by the decoder's key: open addressing, linear probing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/siphash.h"

enum {
	LIVE_COUNTED = 1, /* its flow stands in a row */
	LIVE_CLAIMED = 2, /* that row says its bytes are known */
	LIVE_UNHEARD = 4, /* only a dump told of it so far */
	LIVE_ENDED = 8,   /* gone, kept so that a dump under way does not revive it */
};

struct live_entry {
	uint64_t key; /* 0: the slot is empty */
	uint64_t packets_out, packets_in, bytes_out, bytes_in; /* counted so far */
	uint32_t birth;      /* order in which connections began; 0: before us */
	uint16_t generation; /* of the last dump that held it */
	uint8_t flags;
};

struct live {
	struct live_entry *slots;
	size_t capacity; /* a power of two */
	size_t count;
	size_t max;
	struct siphash_key hash_key;
};

/** live_init() - Return: 0 or -ENOMEM. */
int live_init(struct live *live, size_t max, struct siphash_key hash_key);
void live_done(struct live *live);

/** live_find() - Return: borrowed until the next change, or NULL. */
struct live_entry *live_find(struct live *live, uint64_t key);

/**
 * live_get() - Find, or make one that is zero but for its key
 * @created: set to whether it was made
 *
 * Return: borrowed until the next change, or NULL when full.
 */
struct live_entry *live_get(struct live *live, uint64_t key, bool *created);

void live_remove(struct live *live, struct live_entry *entry);

/** live_sweep() - Remove what @is_stale says, then give back memory nobody needs.
 * @is_stale may be asked twice about one entry. */
void live_sweep(struct live *live,
		bool (*is_stale)(const struct live_entry *entry, void *context),
		void *context);
