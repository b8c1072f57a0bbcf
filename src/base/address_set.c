/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of addresses as sorted arrays of ranges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/cleanup.h"

enum {
	FIRST_CAPACITY = 8,
	RADIX_BITS = 11,
	RADIX_WORTH_IT = 512, /* below it qsort(3) is as quick */
};

static void *grow(void *array, size_t *capacity, size_t item_bytes)
{
	size_t larger = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	void *grown = reallocarray(array, larger, item_bytes);

	if (grown)
		*capacity = larger;
	return grown;
}

static int add4(struct address_set *set, struct range4 range)
{
	if (set->count4 == set->capacity4) {
		struct range4 *grown = grow(set->v4, &set->capacity4, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->v4 = grown;
	}
	set->v4[set->count4++] = range;
	return 0;
}

static int add6(struct address_set *set, struct range6 range)
{
	if (set->count6 == set->capacity6) {
		struct range6 *grown = grow(set->v6, &set->capacity6, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->v6 = grown;
	}
	set->v6[set->count6++] = range;
	return 0;
}

int address_set_add(struct address_set *set, struct address_range range)
{
	if (range.family == FAMILY_IPV4)
		return add4(set, (struct range4){ (uint32_t)range.first,
						  (uint32_t)range.last });
	return add6(set, (struct range6){ range.first, range.last });
}

int address_set_add_all(struct address_set *set, const struct address_set *more)
{
	for (size_t i = 0; i < more->count4; i++)
		if (add4(set, more->v4[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < more->count6; i++)
		if (add6(set, more->v6[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int compare4(const void *left, const void *right)
{
	const struct range4 *a = left;
	const struct range4 *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static int compare6(const void *left, const void *right)
{
	const struct range6 *a = left;
	const struct range6 *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* One stable pass of a radix sort over the bits of `first` from @shift on. */
static void radix_pass(const struct range4 *from, struct range4 *to, size_t count,
		       unsigned int shift)
{
	uint32_t mask = (1u << RADIX_BITS) - 1;
	size_t places[1 << RADIX_BITS] = { 0 };
	size_t sum = 0;

	for (size_t i = 0; i < count; i++)
		places[from[i].first >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		size_t here = places[i];

		places[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[places[from[i].first >> shift & mask]++] = from[i];
}

static void sort4(struct range4 *ranges, size_t count)
{
	auto_free struct range4 *spare = NULL;

	if (count >= RADIX_WORTH_IT)
		spare = reallocarray(NULL, count, sizeof(*spare));
	if (!spare) {
		qsort(ranges, count, sizeof(*ranges), compare4);
		return;
	}
	radix_pass(ranges, spare, count, 0);
	radix_pass(spare, ranges, count, RADIX_BITS);
	radix_pass(ranges, spare, count, 2 * RADIX_BITS);
	memcpy(ranges, spare, count * sizeof(*ranges));
}

static bool sorted4(const struct range4 *ranges, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (ranges[i].first < ranges[i - 1].first)
			return false;
	return true;
}

static bool sorted6(const struct range6 *ranges, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (ranges[i].first < ranges[i - 1].first)
			return false;
	return true;
}

static size_t merge4(struct range4 *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 1; i < count; i++) {
		struct range4 *last = &ranges[kept];

		if (last->last != UINT32_MAX && ranges[i].first > last->last + 1)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > last->last)
			last->last = ranges[i].last;
	}
	return count ? kept + 1 : 0;
}

static size_t merge6(struct range6 *ranges, size_t count)
{
	size_t kept = 0;

	for (size_t i = 1; i < count; i++) {
		struct range6 *last = &ranges[kept];

		if (~last->last != 0 && ranges[i].first > last->last + 1)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > last->last)
			last->last = ranges[i].last;
	}
	return count ? kept + 1 : 0;
}

size_t address_set_finish(struct address_set *set)
{
	size_t before = set->count4 + set->count6;

	if (!sorted4(set->v4, set->count4))
		sort4(set->v4, set->count4);
	if (!sorted6(set->v6, set->count6))
		qsort(set->v6, set->count6, sizeof(*set->v6), compare6);
	set->count4 = merge4(set->v4, set->count4);
	set->count6 = merge6(set->v6, set->count6);
	return before - set->count4 - set->count6;
}

static size_t count_of(const struct address_set *set, enum family family)
{
	return family == FAMILY_IPV4 ? set->count4 : set->count6;
}

static struct address_range range_at(const struct address_set *set, enum family family,
				     size_t i)
{
	return family == FAMILY_IPV4 ? range4_wide(set->v4[i])
				     : range6_wide(set->v6[i]);
}

/* Adds what @less leaves of @range. @next: the first range of @less that may matter,
 * moved on as far as later ranges allow. */
static int add_rest(struct address_set *set, struct address_range range,
		    const struct address_set *less, size_t *next)
{
	size_t count = count_of(less, range.family);

	for (; *next < count; (*next)++) {
		struct address_range hole = range_at(less, range.family, *next);

		if (hole.last < range.first)
			continue;
		if (hole.first > range.last)
			break;
		if (hole.first > range.first &&
		    address_set_add(set,
				    (struct address_range){ range.family, range.first,
							    hole.first - 1 }) < 0)
			return -ENOMEM;
		if (hole.last >= range.last)
			return 0;
		range.first = hole.last + 1;
	}
	return address_set_add(set, range);
}

static int subtract_family(struct address_set *result, const struct address_set *set,
			   const struct address_set *less, enum family family)
{
	size_t next = 0;

	for (size_t i = 0; i < count_of(set, family); i++)
		if (add_rest(result, range_at(set, family, i), less, &next) < 0)
			return -ENOMEM;
	return 0;
}

int address_set_subtract(struct address_set *set, const struct address_set *less)
{
	auto_address_set struct address_set result = ADDRESS_SET_NULL;
	struct address_set old = *set;

	if (!address_set_intersects(set, less))
		return 0;
	if (subtract_family(&result, set, less, FAMILY_IPV4) < 0 ||
	    subtract_family(&result, set, less, FAMILY_IPV6) < 0)
		return -ENOMEM;
	*set = result;
	result = old;
	return 0;
}

static bool intersects(const struct address_set *a, const struct address_set *b,
		       enum family family)
{
	size_t i = 0, j = 0;

	while (i < count_of(a, family) && j < count_of(b, family)) {
		struct address_range left = range_at(a, family, i);
		struct address_range right = range_at(b, family, j);

		if (left.last < right.first)
			i++;
		else if (right.last < left.first)
			j++;
		else
			return true;
	}
	return false;
}

bool address_set_intersects(const struct address_set *a, const struct address_set *b)
{
	return intersects(a, b, FAMILY_IPV4) || intersects(a, b, FAMILY_IPV6);
}

/* Whether one range of a finished set holds all of @range. */
static bool covers_range(const struct address_set *set, struct address_range range)
{
	size_t low = 0;
	size_t high = count_of(set, range.family);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct address_range here = range_at(set, range.family, middle);

		if (here.last < range.first)
			low = middle + 1;
		else if (here.first > range.first)
			high = middle;
		else
			return here.last >= range.last;
	}
	return false;
}

bool address_set_contains(const struct address_set *set, struct address address)
{
	return covers_range(set, (struct address_range){ address.family, address.value,
							 address.value });
}

bool address_set_equal(const struct address_set *a, const struct address_set *b)
{
	if (a->count4 != b->count4 || a->count6 != b->count6)
		return false;
	return (a->count4 == 0 ||
		memcmp(a->v4, b->v4, a->count4 * sizeof(*a->v4)) == 0) &&
	       (a->count6 == 0 ||
		memcmp(a->v6, b->v6, a->count6 * sizeof(*a->v6)) == 0);
}

bool address_set_empty(const struct address_set *set)
{
	return set->count4 == 0 && set->count6 == 0;
}

void address_set_done(struct address_set *set)
{
	free(set->v4);
	free(set->v6);
	*set = (struct address_set)ADDRESS_SET_NULL;
}
