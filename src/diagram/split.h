/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step down a diagram: the classes of a dimension, sorted by which of the entries
 * that are still in question hold them.
 */
#pragma once

#include "diagram/space.h"

/* Classes that none of the sets holds. */
enum { CLASS_REST = UINT32_MAX };

/* Steps after which all searching is given up. One is a few nanoseconds. */
enum { WORK_MAX = 150 * 1000 * 1000 };

struct scratch {
	uint128_t *sums; /* by class */
	uint32_t *table; /* groups by sum, counted from 1 */
	size_t places;
	uint32_t *stamps; /* by set: the last look in which it was found */
	uint32_t stamp;
	uint32_t *sets; /* those found */
};

struct splitter {
	const struct space *space;
	struct scratch scratch[DIMENSIONS_MAX];
	uint64_t work;     /* steps done */
	uint64_t work_max; /* beyond them there is no answer */
};

/** splitter_init() - @work_max: steps to spend. Return: 0 or -ENOMEM; then
 * splitter_done() is owed as well. */
int splitter_init(struct splitter *splitter, const struct space *space,
		  uint64_t work_max);
void splitter_done(struct splitter *splitter);

struct split {
	uint32_t *classes; /* group by group */
	size_t *starts;    /* of each group in @classes, and the end */
	size_t group_count;
	bool rest; /* there are classes in no group */
};

/* Entries in question, by number, of one list of the space. */
struct live {
	const struct rule_list *list;
	const uint32_t *entries;
	size_t count;
};

/**
 * split_make() - Sort the classes of a dimension
 * @within: only these classes
 * @live:   one or two lists
 * @ret:    set on success only; free with split_done(). Without a group where no
 *          entry's set parts @within
 *
 * Return: 0, -ENOMEM, or -E2BIG when the work is beyond its bound.
 */
int split_make(struct splitter *splitter, size_t dimension, const uint64_t *within,
	       const struct live *live, size_t live_count, struct split *ret);
void split_done(struct split *split);

#define auto_split __attribute__((cleanup(split_done)))

/** split_class() - A class of group @i, CLASS_REST for the group behind the last. */
static inline uint32_t split_class(const struct split *split, size_t i)
{
	return i < split->group_count ? split->classes[split->starts[i]] : CLASS_REST;
}

/** entry_holds() - Whether an entry's set holds a class. */
static inline bool entry_holds(const struct space *space, const struct entry *entry,
			       size_t dimension, uint32_t class)
{
	uint32_t set = entry->sets[dimension];

	if (set == SET_ALL)
		return true;
	return class != CLASS_REST &&
	       bitmap_has(dimension_set(&space->dimensions[dimension], set), class);
}
