/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A diagram's differences as few boxes, each as wide as it can be. */
#pragma once

#include "diagram/diagram.h"

enum {
	LEAF_BOXES_MAX = 400, /* of one leaf; of a larger one a sample is told */
	ALL_BOXES_MAX = 2000, /* of all leaves; else samples of the largest */
	PATHS_MAX = 300000,   /* ways through a diagram */
};

/* All packets whose class in each dimension is one of a set. */
struct region {
	uint32_t leaf;
	uint32_t order;                 /* in which it was found */
	bool sample;                    /* one of very many */
	uint64_t *sets[DIMENSIONS_MAX]; /* bitmaps of classes */
};

struct regions {
	struct arena arena;
	struct region *list; /* leaf by leaf */
	size_t count;
};

/**
 * boxes_find() - All that differs
 * @ret: release with boxes_done(), also on failure. Boxes of a leaf may overlap, none
 *       can do without; together they are exactly what leads to the leaf, but for a
 *       sample
 *
 * Return: 0, -ENOMEM, or -E2BIG when there are too many ways.
 */
int boxes_find(const struct diagram *diagram, struct regions *ret);
void boxes_done(struct regions *regions);

/** boxes_full() - Whether a box is not restricted in a dimension. */
bool boxes_full(const struct space *space, const struct region *region,
		size_t dimension);
