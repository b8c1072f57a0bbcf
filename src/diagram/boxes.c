/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/boxes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	BOXES_BYTES_MAX = 256 << 20,
	STEPS_MAX = 20000000,  /* nodes, edges and words seen to improve boxes */
	WIDEN_OTHERS_MAX = 40, /* boxes whose sets are tried on another */
	PIECES_MAX = 200,
};

/* Boxes under way, and what has been spent on them. */
struct finding {
	const struct diagram *diagram;
	const struct space *space;
	struct regions *ret;
	uint64_t *current[DIMENSIONS_MAX]; /* of the path walked */
	size_t *found;                     /* paths by leaf */
	size_t paths;
	size_t leaf_max; /* boxes of a leaf, once paths have been counted; else 0 */
	size_t steps;
};

static size_t words_of(const struct space *space, size_t dimension)
{
	return space->dimensions[dimension].words;
}

static uint64_t *copy_set(struct finding *finding, size_t dimension,
			  const uint64_t *set)
{
	size_t bytes = words_of(finding->space, dimension) * sizeof(*set);
	uint64_t *copy = arena_alloc(&finding->ret->arena, bytes);

	if (copy)
		memcpy(copy, set, bytes);
	return copy;
}

static int add_region(struct finding *finding, uint32_t leaf)
{
	bool sample = finding->found[leaf] > finding->leaf_max;
	struct regions *ret = finding->ret;
	struct region *region;

	region = arena_grow(&ret->arena, &ret->list, ret->count, sizeof(*region));
	if (!region)
		return -ENOMEM;
	*region = (struct region){ .leaf = leaf,
				   .order = (uint32_t)ret->count,
				   .sample = sample };
	for (size_t i = 0; i < finding->space->dimension_count; i++) {
		region->sets[i] = copy_set(finding, i, finding->current[i]);
		if (!region->sets[i])
			return -ENOMEM;
	}
	ret->count++;
	/* No second one is wanted. */
	if (sample)
		finding->found[leaf] = 0;
	return 0;
}

/* The first walk counts, the second takes. */
static int reach(struct finding *finding, uint32_t leaf)
{
	if (finding->leaf_max)
		return finding->found[leaf] ? add_region(finding, leaf) : 0;
	finding->found[leaf]++;
	return ++finding->paths > PATHS_MAX ? -E2BIG : 0;
}

/* The classes of an edge, or of none where @edge is beyond the last. */
static void edge_set(const struct dimension *dimension, const struct node *node,
		     uint32_t edge, uint64_t *out)
{
	memset(out, 0, dimension->words * sizeof(*out));
	if (edge < node->edge_count) {
		for (uint32_t i = 0; i < node->edges[edge].class_count; i++)
			bitmap_add(out, node->edges[edge].classes[i]);
		return;
	}
	memcpy(out, dimension->universe, dimension->words * sizeof(*out));
	for (uint32_t i = 0; i < node->edge_count; i++)
		for (uint32_t j = 0; j < node->edges[i].class_count; j++) {
			uint32_t class = node->edges[i].classes[j];

			out[class / 64] &= ~(UINT64_C(1) << class % 64);
		}
}

static int walk(struct finding *finding, uint32_t at)
{
	const struct node *node = &finding->diagram->nodes[at];
	const struct dimension *dimension;
	auto_free uint64_t *set = NULL;
	uint64_t *before;
	int error = 0;

	if (at == NODE_SAME)
		return 0;
	if (at >= DIAGRAM_LEAF)
		return reach(finding, at - DIAGRAM_LEAF);
	dimension = &finding->space->dimensions[node->dimension];
	set = calloc(dimension->words, sizeof(*set));
	if (!set)
		return -ENOMEM;
	before = finding->current[node->dimension];
	finding->current[node->dimension] = set;
	for (uint32_t i = 0; i <= node->edge_count && !error; i++) {
		if (finding->leaf_max)
			edge_set(dimension, node, i, set);
		error = walk(finding,
			     i < node->edge_count ? node->edges[i].node : node->rest);
	}
	finding->current[node->dimension] = before;
	return error;
}

/* Whether all packets of a box end in its leaf. */
static bool is_inside(struct finding *finding, const struct region *box, uint32_t at)
{
	const struct node *node = &finding->diagram->nodes[at];
	const uint64_t *set;
	size_t left;

	if (at == NODE_SAME || at >= DIAGRAM_LEAF)
		return at == DIAGRAM_LEAF + box->leaf;
	set = box->sets[node->dimension];
	left = bitmap_size(set, words_of(finding->space, node->dimension));
	for (uint32_t i = 0; i < node->edge_count; i++) {
		const struct edge *edge = &node->edges[i];
		size_t met = 0;

		for (uint32_t j = 0; j < edge->class_count; j++)
			met += bitmap_has(set, edge->classes[j]);
		left -= met;
		finding->steps += 1 + edge->class_count;
		if (met && (finding->steps > STEPS_MAX ||
			    !is_inside(finding, box, edge->node)))
			return false;
	}
	return left == 0 || is_inside(finding, box, node->rest);
}

/* Try the box with another set in one dimension. */
static bool try_set(struct finding *finding, struct region *box, size_t dimension,
		    uint64_t *wider)
{
	size_t words = words_of(finding->space, dimension);
	uint64_t *before = box->sets[dimension];

	if (bitmap_covers(before, wider, words))
		return false;
	box->sets[dimension] = wider;
	if (is_inside(finding, box, finding->diagram->root)) {
		memcpy(before, wider, words * sizeof(*wider));
		box->sets[dimension] = before;
		return true;
	}
	box->sets[dimension] = before;
	return false;
}

/* Widen a box in one dimension, to everything or by what other boxes have there. */
static void widen(struct finding *finding, struct region *box, size_t dimension,
		  const struct region *others, size_t count)
{
	const struct dimension *values = &finding->space->dimensions[dimension];
	auto_free uint64_t *wider = calloc(values->words, sizeof(*wider));

	if (!wider || finding->steps > STEPS_MAX)
		return;
	memcpy(wider, values->universe, values->words * sizeof(*wider));
	if (try_set(finding, box, dimension, wider))
		return;
	for (size_t i = 0; i < count && i < WIDEN_OTHERS_MAX; i++) {
		for (size_t j = 0; j < values->words; j++)
			wider[j] =
				box->sets[dimension][j] | others[i].sets[dimension][j];
		try_set(finding, box, dimension, wider);
	}
}

/* What a person would rather not read about comes first. */
static void widen_all(struct finding *finding, struct region *boxes, size_t count)
{
	static const uint8_t order[] = { DIM_TIME,   DIM_OUT,         DIM_IN,
					 DIM_SOURCE, DIM_DESTINATION, DIM_SERVICE };

	for (size_t i = 0; i < count; i++) {
		for (size_t j = DIM_FEEDS; j < finding->space->dimension_count; j++)
			widen(finding, &boxes[i], j, boxes, count);
		for (size_t j = 0; j < ARRAY_SIZE(order); j++)
			widen(finding, &boxes[i], order[j], boxes, count);
	}
}

/* Parts of a box that no other has been found to hold. */
struct parts {
	struct arena arena;
	struct region list[PIECES_MAX];
	size_t count;
};

/* What of @box is not in @less goes to @out. */
static bool cut(struct finding *finding, struct parts *out, struct region box,
		const struct region *less)
{
	const struct space *space = finding->space;

	if ((finding->steps += 20) > STEPS_MAX)
		return false;
	for (size_t i = 0; i < space->dimension_count; i++)
		if (!bitmap_meets(box.sets[i], less->sets[i], words_of(space, i))) {
			if (out->count == PIECES_MAX)
				return false;
			out->list[out->count++] = box;
			return true;
		}
	for (size_t i = 0; i < space->dimension_count; i++) {
		size_t words = words_of(space, i);
		uint64_t *outside, *inside;

		if (bitmap_covers(less->sets[i], box.sets[i], words))
			continue;
		outside = arena_alloc(&out->arena, words * sizeof(*outside));
		inside = arena_alloc(&out->arena, words * sizeof(*inside));
		if (!outside || !inside || out->count == PIECES_MAX)
			return false;
		for (size_t j = 0; j < words; j++) {
			outside[j] = box.sets[i][j] & ~less->sets[i][j];
			inside[j] = box.sets[i][j] & less->sets[i][j];
		}
		out->list[out->count] = box;
		out->list[out->count++].sets[i] = outside;
		box.sets[i] = inside;
	}
	return true;
}

/* Whether the other boxes hold all of box @which. Where that is too hard to tell, no.
 */
static bool is_spare(struct finding *finding, const struct region *boxes, size_t count,
		     size_t which)
{
	auto_free struct parts *now = calloc(1, sizeof(*now));
	auto_free struct parts *next = calloc(1, sizeof(*next));
	bool told = now && next;

	if (told)
		now->list[now->count++] = boxes[which];
	for (size_t i = 0; told && i < count && now->count; i++) {
		struct parts *swap = now;

		if (i == which || !boxes[i].sets[0])
			continue;
		next->count = 0;
		for (size_t j = 0; told && j < now->count; j++)
			told = cut(finding, next, now->list[j], &boxes[i]);
		/* The pieces share sets with those before, so both arenas stay. */
		now = next;
		next = swap;
	}
	told = told && now->count == 0;
	if (now)
		arena_done(&now->arena);
	if (next)
		arena_done(&next->arena);
	return told;
}

/* Takes out what others hold. Return: how many are left. */
static size_t drop_spare(struct finding *finding, struct region *boxes, size_t count)
{
	size_t kept = 0;

	for (size_t i = count; i-- > 0;)
		if (is_spare(finding, boxes, count, i))
			boxes[i].sets[0] = NULL;
	for (size_t i = 0; i < count; i++)
		if (boxes[i].sets[0])
			boxes[kept++] = boxes[i];
	return kept;
}

static int compare_regions(const void *left, const void *right)
{
	const struct region *a = left;
	const struct region *b = right;

	if (a->leaf != b->leaf)
		return a->leaf < b->leaf ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

/* The boxes of each leaf by themselves. */
static void improve(struct finding *finding)
{
	struct regions *ret = finding->ret;
	size_t kept = 0, count;

	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_regions);
	for (size_t i = 0; i < ret->count; i += count) {
		size_t left = 1;

		for (count = 1; i + count < ret->count &&
				ret->list[i + count].leaf == ret->list[i].leaf;)
			count++;
		if (!ret->list[i].sample) {
			widen_all(finding, &ret->list[i], count);
			left = drop_spare(finding, &ret->list[i], count);
		}
		memmove(&ret->list[kept], &ret->list[i], left * sizeof(*ret->list));
		kept += left;
	}
	ret->count = kept;
}

/* So many of each leaf that all together are not too many. */
static int choose_leaf_max(struct finding *finding)
{
	size_t all = SIZE_MAX;

	for (size_t max = LEAF_BOXES_MAX; max > 0 && all > ALL_BOXES_MAX; max /= 2) {
		finding->leaf_max = max;
		all = 0;
		for (size_t i = 0; i < finding->diagram->leaf_count; i++)
			all += finding->found[i] > max ? 1 : finding->found[i];
	}
	return all > ALL_BOXES_MAX ? -E2BIG : 0;
}

int boxes_find(const struct diagram *diagram, struct regions *ret)
{
	auto_free size_t *found = calloc(diagram->leaf_count + 1, sizeof(*found));
	struct finding finding = {
		.diagram = diagram, .space = diagram->space, .ret = ret, .found = found
	};
	int error;

	*ret = (struct regions){ .arena = ARENA_INIT(BOXES_BYTES_MAX) };
	if (!found)
		return -ENOMEM;
	for (size_t i = 0; i < diagram->space->dimension_count; i++)
		finding.current[i] = diagram->space->dimensions[i].universe;
	error = walk(&finding, diagram->root);
	if (!error)
		error = choose_leaf_max(&finding);
	if (!error)
		error = walk(&finding, diagram->root);
	if (error == -ENOMEM && ret->arena.used_bytes > BOXES_BYTES_MAX / 2)
		return -E2BIG;
	if (error)
		return error;
	improve(&finding);
	return 0;
}

void boxes_done(struct regions *regions)
{
	arena_done(&regions->arena);
	*regions = (struct regions){ .count = 0 };
}

bool boxes_full(const struct space *space, const struct region *region,
		size_t dimension)
{
	return bitmap_covers(region->sets[dimension],
			     space->dimensions[dimension].universe,
			     words_of(space, dimension));
}
