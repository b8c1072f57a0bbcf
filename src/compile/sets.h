/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The named interval sets that an image refers to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct build;

enum {
	/* More ranges than these of one family go to a named set. */
	INLINE_RANGES_MAX = 16,
	SET_BUCKETS = 4096,
};

struct static_set {
	const char *name;
	size_t next; /* in the same bucket, counted from 1 */
};

struct sets {
	const char *(*feeds)[2]; /* by feed and family: its name, NULL when unused */
	struct static_set *statics;
	size_t static_count;
	size_t *buckets; /* SET_BUCKETS of them, counted from 1 */
};

/** sets_feed() - The name of a feed's set, which is made on first use. */
const char *sets_feed(struct build *build, uint32_t feed, enum family family);

/** sets_static() - The name of the set of these addresses: equal ones share it.
 *
 * Return: the same pointer for the same name, "" when memory ran out. */
const char *sets_static(struct build *build, const struct address_set *addresses,
			enum family family);
