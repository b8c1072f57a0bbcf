/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/dimension.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

uint32_t bitmap_next(const uint64_t *bitmap, size_t words, uint32_t bit)
{
	for (size_t word = bit / 64; word < words; word++) {
		uint64_t rest = bitmap[word];

		if (word == bit / 64)
			rest &= ~UINT64_C(0) << bit % 64;
		if (rest)
			return (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(rest);
	}
	return (uint32_t)(words * 64);
}

size_t bitmap_size(const uint64_t *bitmap, size_t words)
{
	size_t size = 0;

	for (size_t i = 0; i < words; i++)
		size += (size_t)__builtin_popcountll(bitmap[i]);
	return size;
}

bool bitmap_covers(const uint64_t *wide, const uint64_t *narrow, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (narrow[i] & ~wide[i])
			return false;
	return true;
}

bool bitmap_meets(const uint64_t *a, const uint64_t *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] & b[i])
			return true;
	return false;
}

/* splitmix64 by Sebastiano Vigna. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint128_t diagram_mark(uint64_t number)
{
	/* Both halves take all 64 bits of the number. */
	return (uint128_t)mix(number) << 64 | mix(~number);
}

static uint64_t hash_spans(const struct span *spans, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		hash = mix(hash ^ (uint64_t)spans[i].first);
		hash = mix(hash ^ (uint64_t)(spans[i].first >> 64));
		hash = mix(hash ^ (uint64_t)spans[i].last);
		hash = mix(hash ^ (uint64_t)(spans[i].last >> 64));
	}
	return hash;
}

static bool spans_equal(const struct span *a, const struct span *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!span_equal(a[i], b[i]))
			return false;
	return true;
}

int dimension_init(struct dimension *dimension, struct arena *arena, uint128_t last)
{
	static const struct span none;
	uint32_t all;

	memset(dimension, 0, sizeof(*dimension));
	dimension->arena = arena;
	dimension->last = last;
	/* Its spans are never looked at. */
	return dimension_add(dimension, &none, 0, &all);
}

static int append(struct dimension *dimension, const struct span *spans, size_t count,
		  uint64_t hash)
{
	uint32_t *bucket = &dimension->buckets[hash % DIMENSION_BUCKETS];
	struct value_set *place = arena_grow(dimension->arena, &dimension->sets,
					     dimension->set_count, sizeof(*place));
	struct span *copy = arena_alloc(dimension->arena, (count + 1) * sizeof(*spans));

	if (!place || !copy)
		return -ENOMEM;
	memcpy(copy, spans, count * sizeof(*spans));
	*place = (struct value_set){ copy, count, hash, *bucket };
	dimension->set_count++;
	dimension->range_count += count;
	*bucket = (uint32_t)dimension->set_count;
	return 0;
}

int dimension_add(struct dimension *dimension, const struct span *spans, size_t count,
		  uint32_t *ret)
{
	uint64_t hash = hash_spans(spans, count);
	uint32_t at = dimension->buckets[hash % DIMENSION_BUCKETS];
	int error;

	*ret = SET_ALL;
	if (count == 1 && spans[0].first == 0 && spans[0].last == dimension->last)
		return 0;
	for (; at; at = dimension->sets[at - 1].next) {
		const struct value_set *known = &dimension->sets[at - 1];

		if (known->hash == hash && known->count == count &&
		    spans_equal(known->spans, spans, count)) {
			*ret = at - 1;
			return 0;
		}
	}
	if (count > DIMENSION_RANGES_MAX - dimension->range_count)
		return -E2BIG;
	error = append(dimension, spans, count, hash);
	if (!error)
		*ret = (uint32_t)dimension->set_count - 1;
	return error;
}

/* Where a set begins or has just ended. */
struct border {
	uint128_t value;
	uint32_t set;
};

static int compare_borders(const void *left, const void *right)
{
	const struct border *a = left;
	const struct border *b = right;

	return (a->value > b->value) - (a->value < b->value);
}

static struct border *list_borders(const struct dimension *dimension, size_t *ret)
{
	struct border *borders =
		calloc(2 * dimension->range_count + 1, sizeof(*borders));
	size_t count = 0;

	for (uint32_t i = 1; borders && i < dimension->set_count; i++) {
		const struct value_set *set = &dimension->sets[i];

		for (size_t j = 0; j < set->count; j++) {
			borders[count++] = (struct border){ set->spans[j].first, i };
			if (set->spans[j].last < dimension->last)
				borders[count++] =
					(struct border){ set->spans[j].last + 1, i };
		}
	}
	if (borders)
		qsort(borders, count, sizeof(*borders), compare_borders);
	*ret = count;
	return borders;
}

/* The classes found so far, by the sum of the marks of the sets that hold them. */
struct classes {
	uint128_t *sums;
	uint32_t *numbers; /* of the class and 1; 0 for a free place */
	size_t places;     /* a power of two */
	size_t count;
};

/* Return: the class of a sum; it is new when it equals the count before. */
static uint32_t find_class(struct classes *classes, uint128_t sum)
{
	size_t at = (size_t)(sum >> 64) & (classes->places - 1);

	while (classes->numbers[at] && classes->sums[at] != sum)
		at = (at + 1) & (classes->places - 1);
	if (!classes->numbers[at]) {
		classes->sums[at] = sum;
		classes->numbers[at] = (uint32_t)++classes->count;
	}
	return classes->numbers[at] - 1;
}

/* Values between two borders are in the same sets. */
static void cut(struct dimension *dimension, const struct border *borders, size_t count,
		struct classes *classes)
{
	uint128_t sum = 0, from = 0;

	for (size_t i = 0; i <= count; i++) {
		uint128_t next = i < count ? borders[i].value : 0;

		if (i == count || next > from) {
			struct piece *piece =
				&dimension->pieces[dimension->piece_count++];

			piece->span.first = from;
			piece->span.last = i < count ? next - 1 : dimension->last;
			piece->class = find_class(classes, sum);
			from = next;
		}
		if (i < count)
			sum ^= diagram_mark(borders[i].set);
	}
}

/*
 * Goes over the borders once more: classes are numbered as they come up, so the first
 * piece of each tells which sets hold it.
 */
static int fill_bitmaps(struct dimension *dimension, const struct border *borders,
			size_t count)
{
	size_t set_words = dimension->set_count / 64 + 1, next = 0;
	auto_free uint64_t *active = calloc(set_words, sizeof(*active));
	uint32_t seen = 0;

	if (!active)
		return -ENOMEM;
	for (size_t i = 0; i < dimension->piece_count; i++) {
		const struct piece *piece = &dimension->pieces[i];

		for (; next < count && borders[next].value <= piece->span.first; next++)
			active[borders[next].set / 64] ^= UINT64_C(1)
							  << borders[next].set % 64;
		if (piece->class != seen)
			continue;
		for (uint32_t set = bitmap_next(active, set_words, 0);
		     set < set_words * 64;
		     set = bitmap_next(active, set_words, set + 1))
			bitmap_add(dimension->bitmaps + set * dimension->words, seen);
		bitmap_add(dimension->universe, seen++);
	}
	return 0;
}

static int make_bitmaps(struct dimension *dimension, const struct border *borders,
			size_t count)
{
	dimension->words = (dimension->class_count + 63) / 64;
	if (dimension->words * 64 * dimension->set_count > DIMENSION_BITS_MAX)
		return -E2BIG;
	dimension->bitmaps =
		arena_alloc(dimension->arena,
			    dimension->words * dimension->set_count * sizeof(uint64_t));
	dimension->universe =
		arena_alloc(dimension->arena, dimension->words * sizeof(uint64_t));
	if (!dimension->bitmaps || !dimension->universe)
		return -ENOMEM;
	return fill_bitmaps(dimension, borders, count);
}

int dimension_finish(struct dimension *dimension)
{
	size_t count = 0, places = 4;
	auto_free struct border *borders = list_borders(dimension, &count);
	auto_free uint128_t *sums = NULL;
	auto_free uint32_t *numbers = NULL;
	struct classes classes;

	while (places < 2 * count + 4)
		places *= 2;
	sums = calloc(places, sizeof(*sums));
	numbers = calloc(places, sizeof(*numbers));
	dimension->pieces =
		arena_alloc(dimension->arena, (count + 1) * sizeof(*dimension->pieces));
	if (!borders || !sums || !numbers || !dimension->pieces)
		return -ENOMEM;
	classes = (struct classes){ sums, numbers, places, 0 };
	cut(dimension, borders, count, &classes);
	dimension->class_count = classes.count;
	return make_bitmaps(dimension, borders, count);
}

void dimension_exclude(struct dimension *dimension, uint32_t number)
{
	const uint64_t *set = dimension->bitmaps + number * dimension->words;

	for (size_t i = 0; number != SET_ALL && i < dimension->words; i++)
		dimension->universe[i] &= ~set[i];
	for (size_t i = 1; i < dimension->set_count; i++)
		for (size_t j = 0; j < dimension->words; j++)
			dimension->bitmaps[i * dimension->words + j] &=
				dimension->universe[j];
}

uint32_t dimension_find(const struct dimension *dimension, uint128_t value)
{
	size_t low = 0, high = dimension->piece_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (dimension->pieces[middle].span.first <= value)
			low = middle;
		else
			high = middle;
	}
	return dimension->pieces[low].class;
}
