/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One dimension of the space of packets: zones, services, addresses, the time of the
 * week. Its values are cut where any set of a rule begins or ends, and values that the
 * same sets hold make one class. All that follows deals with classes, so a group of a
 * thousand ranges costs no more than one of a single address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/span.h"

enum {
	SET_ALL = 0,                    /* every dimension's set number 0 */
	DIMENSION_RANGES_MAX = 2000000, /* of all sets of a dimension */
	DIMENSION_BITS_MAX = 1 << 29,   /* sets times classes */
};

/* Sorted, disjoint, not touching. */
struct value_set {
	const struct span *spans;
	size_t count;
	uint64_t hash;
	uint32_t next; /* with the same hash bucket, counted from 1 */
};

/* A stretch of values of one class. */
struct piece {
	struct span span;
	uint32_t class;
};

enum { DIMENSION_BUCKETS = 1024 };

struct dimension {
	struct arena *arena;
	uint128_t last; /* values go from 0 to this */
	struct value_set *sets;
	size_t set_count;
	size_t range_count;
	uint32_t buckets[DIMENSION_BUCKETS];
	/* From here on filled by dimension_finish(). */
	struct piece *pieces; /* ascending, without gaps */
	size_t piece_count;
	size_t class_count;
	size_t words;       /* 64-bit words of a bitmap of classes */
	uint64_t *bitmaps;  /* the classes of each set, @words each */
	uint64_t *universe; /* the classes that packets can have */
};

/** dimension_init() - Return: 0 or -ENOMEM. */
int dimension_init(struct dimension *dimension, struct arena *arena, uint128_t last);

/**
 * dimension_add() - The number of a set, which is new or known
 * @spans: sorted, disjoint, not touching, at least one; copied
 * @ret:   SET_ALL when it holds every value
 *
 * Return: 0, -ENOMEM, or -E2BIG beyond DIMENSION_RANGES_MAX.
 */
int dimension_add(struct dimension *dimension, const struct span *spans, size_t count,
		  uint32_t *ret);

/**
 * dimension_finish() - Cut the values into classes; no set can be added any more
 *
 * Return: 0, -ENOMEM, or -E2BIG beyond DIMENSION_BITS_MAX.
 */
int dimension_finish(struct dimension *dimension);

/** dimension_exclude() - Values that no packet has: classes of set @number leave the
 * universe. */
void dimension_exclude(struct dimension *dimension, uint32_t number);

/** dimension_set() - The classes of a set, as far as packets can have them. */
static inline const uint64_t *dimension_set(const struct dimension *dimension,
					    uint32_t number)
{
	return number == SET_ALL ? dimension->universe
				 : dimension->bitmaps + number * dimension->words;
}

/** dimension_find() - The class of a value. */
uint32_t dimension_find(const struct dimension *dimension, uint128_t value);

static inline bool bitmap_has(const uint64_t *bitmap, uint32_t bit)
{
	return bitmap[bit / 64] >> bit % 64 & 1;
}

static inline void bitmap_add(uint64_t *bitmap, uint32_t bit)
{
	bitmap[bit / 64] |= UINT64_C(1) << bit % 64;
}

/** bitmap_next() - Return: the first member at or after @bit, or @words * 64. */
uint32_t bitmap_next(const uint64_t *bitmap, size_t words, uint32_t bit);

/** bitmap_size() - How many members. */
size_t bitmap_size(const uint64_t *bitmap, size_t words);

/** bitmap_covers() - Whether @wide has all members of @narrow. */
bool bitmap_covers(const uint64_t *wide, const uint64_t *narrow, size_t words);

/** bitmap_meets() - Whether they have a member in common. */
bool bitmap_meets(const uint64_t *a, const uint64_t *b, size_t words);

/** diagram_mark() - 128 bits that stand for set @number in sums of sets: sums of
 * different sets are different but for a chance of 2 to the power of -64 even among
 * billions. */
uint128_t diagram_mark(uint64_t number);
