/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of numbers wide enough for any address, and those of one family of a set. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"

/* Both ends are included. */
struct span {
	uint128_t first;
	uint128_t last;
};

/** span_all() - All addresses of a family. */
static inline struct span span_all(enum family family)
{
	return (struct span){ 0, family == FAMILY_IPV4 ? UINT32_MAX : ~(uint128_t)0 };
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.first == b.first && a.last == b.last;
}

static inline bool span_overlaps(struct span a, struct span b)
{
	return a.first <= b.last && b.first <= a.last;
}

static inline bool span_single(struct span span)
{
	return span.first == span.last;
}

static inline size_t set_span_count(const struct address_set *set, enum family family)
{
	return family == FAMILY_IPV4 ? set->count4 : set->count6;
}

/** set_span() - Range number @i of one family. */
static inline struct span set_span(const struct address_set *set, enum family family,
				   size_t i)
{
	if (family == FAMILY_IPV4)
		return (struct span){ set->v4[i].first, set->v4[i].last };
	return (struct span){ set->v6[i].first, set->v6[i].last };
}

/** set_hull() - From the first to the last address; the family has some. */
static inline struct span set_hull(const struct address_set *set, enum family family)
{
	size_t count = set_span_count(set, family);

	return (struct span){ set_span(set, family, 0).first,
			      set_span(set, family, count - 1).last };
}
