/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The optimiser's work: boxes of rules sorted into groups, each of which becomes one
 * look-up. In a group no two boxes overlap; a packet meets the groups in order.
 */
#pragma once

#include "base/arena.h"
#include "compile/box.h"
#include "compile/overlap.h"

enum { SHAPE_BUCKETS = 64 };

/* A box with its place. */
struct placed {
	struct box box;
	uint32_t number; /* where matching packets go: r.NUMBER */
	uint32_t group;
};

struct group {
	struct shape shape;
	const struct subject *subject; /* tells the windows of time */
	uint32_t *members;             /* indices into groups.placed */
	size_t member_count;
	struct overlap_index axes[AXES];
	size_t next; /* older group in the same bucket, counted from 1 */
};

struct groups {
	struct arena *arena;
	struct placed *placed;
	size_t placed_count;
	struct group *list;
	size_t count;
	struct overlap_index axes[AXES]; /* over the boxes of all groups */
	size_t buckets[SHAPE_BUCKETS];   /* newest group of a shape, from 1 */
	bool closed;                     /* nothing gets past these groups */
};

/**
 * groups_place() - Add a box behind all that was placed before
 *
 * A packet is decided as if boxes were tried in the order of these calls.
 *
 * Return: 0 or -ENOMEM.
 */
int groups_place(struct groups *groups, const struct subject *subject,
		 const struct box *box, uint32_t number);
