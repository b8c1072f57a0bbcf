/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/diagram.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagram/split.h"
#include "diagram/lookup.h"

enum {
	DIAGRAM_BYTES_MAX = 256 << 20,
	DIAGRAM_WORK_MAX = WORK_MAX / 5 * 2,
};

struct building {
	struct diagram *diagram;
	const struct space *space;
	struct splitter splitter;
	struct lookup known;  /* by the entries in question: the node */
	struct lookup unique; /* by what a node says: the node */
	struct lookup leaves; /* by the two deciders: the leaf */
};

/* The entries of both lists that can still decide, in order. */
struct question {
	struct live sides[2];
};

static const struct entry *entry_at(const struct live *live, size_t i)
{
	return &live->list->entries[live->entries[i]];
}

static const struct judge *first_decider(const struct live *live)
{
	return &live->list->deciders[entry_at(live, 0)->decider];
}

static bool all_fare(const struct live *live, uint32_t effect)
{
	for (size_t i = 0; i < live->count; i++)
		if (live->list->deciders[entry_at(live, i)->decider].effect != effect)
			return false;
	return true;
}

/* Whether no packet can fare differently, as far as a look at the lists tells. */
static bool is_same(const struct question *question, size_t level)
{
	const struct live *a = &question->sides[0], *b = &question->sides[1];
	uint32_t effect = first_decider(a)->effect;
	size_t i = 0;

	if (all_fare(a, effect) && all_fare(b, effect))
		return true;
	if (a->count != b->count)
		return false;
	while (i < a->count &&
	       entry_at(a, i)->meanings[level] == entry_at(b, i)->meanings[level])
		i++;
	return i == a->count;
}

static size_t next_level(const struct space *space, const struct question *question,
			 size_t level)
{
	for (; level < space->dimension_count; level++)
		for (size_t i = 0; i < 2; i++)
			for (size_t j = 0; j < question->sides[i].count; j++)
				if (entry_at(&question->sides[i], j)
					    ->sets[space->levels[level]] != SET_ALL)
					return level;
	return level;
}

static int find_leaf(struct building *building, const struct question *question,
		     uint32_t *ret)
{
	struct diagram *diagram = building->diagram;
	struct leaf leaf = { entry_at(&question->sides[0], 0)->decider,
			     entry_at(&question->sides[1], 0)->decider };
	uint128_t key = (uint128_t)1 << 64 | (uint64_t)leaf.before << 32 | leaf.after;
	const uint32_t *known;
	struct leaf *place;

	*ret = NODE_SAME;
	if (first_decider(&question->sides[0])->effect ==
	    first_decider(&question->sides[1])->effect)
		return 0;
	key ^= diagram_mark((uint64_t)key);
	known = lookup_find(&building->leaves, key);
	if (known) {
		*ret = DIAGRAM_LEAF + *known;
		return 0;
	}
	place = arena_grow(&diagram->arena, &diagram->leaves, diagram->leaf_count,
			   sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = leaf;
	*ret = DIAGRAM_LEAF + (uint32_t)diagram->leaf_count++;
	return lookup_add(&building->leaves, key, *ret - DIAGRAM_LEAF);
}

/* Edges under construction: each class of the split with where it leads. */
struct target {
	uint32_t node;
	uint32_t class;
};

static int compare_targets(const void *left, const void *right)
{
	const struct target *a = left;
	const struct target *b = right;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (a->class > b->class) - (a->class < b->class);
}

static uint128_t hash_node(uint8_t dimension, uint32_t rest,
			   const struct target *targets, size_t count)
{
	uint128_t hash = diagram_mark((uint64_t)dimension << 32 | rest);

	for (size_t i = 0; i < count; i++)
		hash ^= diagram_mark((uint64_t)targets[i].node << 32 |
				     targets[i].class) *
			(uint128_t)0x9e3779b97f4a7c15;
	return hash;
}

static int add_edges(struct diagram *diagram, struct node *node,
		     const struct target *targets, size_t count)
{
	uint32_t *classes = arena_alloc(&diagram->arena, count * sizeof(*classes));
	struct edge *edges = NULL;

	for (size_t i = 0; classes && i < count; i++) {
		struct edge *edge;

		classes[i] = targets[i].class;
		if (i > 0 && targets[i].node == targets[i - 1].node) {
			edges[node->edge_count - 1].class_count++;
			continue;
		}
		edge = arena_grow(&diagram->arena, &edges, node->edge_count,
				  sizeof(*edge));
		if (!edge)
			return -ENOMEM;
		*edge = (struct edge){ targets[i].node, &classes[i], 1 };
		node->edge_count++;
	}
	node->edges = edges;
	return classes ? 0 : -ENOMEM;
}

/* Find or make the node of these edges. @targets: sorted. */
static int find_node(struct building *building, uint8_t dimension, uint32_t rest,
		     const struct target *targets, size_t count, uint32_t *ret)
{
	struct diagram *diagram = building->diagram;
	uint128_t key = hash_node(dimension, rest, targets, count);
	const uint32_t *known = lookup_find(&building->unique, key);
	struct node *node;

	if (known) {
		*ret = *known;
		return 0;
	}
	if (diagram->node_count == DIAGRAM_NODES_MAX)
		return -E2BIG;
	node = arena_grow(&diagram->arena, &diagram->nodes, diagram->node_count,
			  sizeof(*node));
	if (!node)
		return -ENOMEM;
	*node = (struct node){ .dimension = dimension, .rest = rest };
	if (add_edges(diagram, node, targets, count) < 0)
		return -ENOMEM;
	*ret = (uint32_t)diagram->node_count++;
	return lookup_add(&building->unique, key, *ret);
}

/* What a node's classes lead to, while it is made. */
struct targets {
	struct target *list; /* room for every class of the dimension */
	size_t count;
	size_t rest_count; /* classes that are not in the list */
	uint32_t rest;     /* where those lead */
};

/* Where the most classes lead; the lowest of several. @targets: sorted. */
static uint32_t find_favourite(const struct targets *targets)
{
	size_t best = 0, count = 0;
	uint32_t favourite = 0;

	for (size_t i = 0; i < targets->count; i++) {
		uint32_t node = targets->list[i].node;
		size_t own;

		count = i > 0 && targets->list[i - 1].node == node ? count + 1 : 1;
		own = count + (node == targets->rest ? targets->rest_count : 0);
		if (own > best || (own == best && node < favourite)) {
			best = own;
			favourite = node;
		}
	}
	if (targets->rest_count > best ||
	    (targets->rest_count == best && targets->rest < favourite))
		favourite = targets->rest;
	return favourite;
}

/* Lists the classes that were not listed. */
static int list_rest(struct targets *targets, const struct dimension *dimension)
{
	auto_free uint64_t *listed = calloc(dimension->words, sizeof(*listed));

	if (!listed)
		return -ENOMEM;
	for (size_t i = 0; i < targets->count; i++)
		bitmap_add(listed, targets->list[i].class);
	for (uint32_t i = 0; i < dimension->class_count; i++)
		if (bitmap_has(dimension->universe, i) && !bitmap_has(listed, i))
			targets->list[targets->count++] =
				(struct target){ targets->rest, i };
	targets->rest_count = 0;
	return 0;
}

/* The form in which equal nodes are equal: where most classes lead is the rest. */
static int reduce(struct building *building, uint8_t number, struct targets *targets,
		  uint32_t *ret)
{
	const struct dimension *dimension = &building->space->dimensions[number];
	size_t kept = 0;

	qsort(targets->list, targets->count, sizeof(*targets->list), compare_targets);
	*ret = find_favourite(targets);
	if (*ret != targets->rest && targets->rest_count) {
		if (list_rest(targets, dimension) < 0)
			return -ENOMEM;
		qsort(targets->list, targets->count, sizeof(*targets->list),
		      compare_targets);
	}
	for (size_t i = 0; i < targets->count; i++)
		if (targets->list[i].node != *ret)
			targets->list[kept++] = targets->list[i];
	if (kept == 0)
		return 0;
	return find_node(building, number, *ret, targets->list, kept, ret);
}

/* Entries that hold the class, up to the first that holds all that is left. */
static struct live filter(const struct building *building, const struct live *live,
			  size_t level, uint32_t class, uint32_t *out)
{
	struct live kept = { live->list, out, 0 };
	uint8_t number = building->space->levels[level];

	for (size_t i = 0; i < live->count; i++) {
		const struct entry *entry = entry_at(live, i);

		if (!entry_holds(building->space, entry, number, class))
			continue;
		out[kept.count++] = live->entries[i];
		if (entry->end <= level + 1)
			break;
	}
	return kept;
}

static uint128_t question_key(const struct question *question, size_t level)
{
	uint128_t key = diagram_mark(UINT64_C(1) << 40 | level);

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < question->sides[i].count; j++)
			key ^= diagram_mark((uint64_t)(i + 1) << 32 |
					    question->sides[i].entries[j]);
	return key;
}

static int visit(struct building *building, const struct question *question,
		 size_t level, uint32_t *ret);

/* A node for each group of classes below. */
static int visit_groups(struct building *building, const struct question *question,
			size_t level, const struct split *split,
			struct targets *targets)
{
	const struct live *sides = question->sides;
	auto_free uint32_t *kept =
		calloc(sides[0].count + sides[1].count + 1, sizeof(*kept));
	int error = kept ? 0 : -ENOMEM;

	for (size_t i = 0; i < split->group_count + split->rest && !error; i++) {
		uint32_t class = split_class(split, i), node = NODE_SAME;
		struct question next;

		next.sides[0] = filter(building, &sides[0], level, class, kept);
		next.sides[1] = filter(building, &sides[1], level, class,
				       kept + sides[0].count);
		error = visit(building, &next, level + 1, &node);
		if (class == CLASS_REST)
			targets->rest = node;
		for (size_t j = split->starts[i];
		     class != CLASS_REST && j < split->starts[i + 1]; j++)
			targets->list[targets->count++] =
				(struct target){ node, split->classes[j] };
	}
	return error;
}

static int visit_split(struct building *building, const struct question *question,
		       size_t level, uint32_t *ret)
{
	uint8_t number = building->space->levels[level];
	const struct dimension *dimension = &building->space->dimensions[number];
	auto_split struct split split = { .group_count = 0 };
	auto_free struct target *list = NULL;
	struct targets targets = { .count = 0 };
	int error = split_make(&building->splitter, number, dimension->universe,
			       question->sides, 2, &split);

	if (error)
		return error;
	list = calloc(dimension->class_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	targets.list = list;
	error = visit_groups(building, question, level, &split, &targets);
	if (error)
		return error;
	targets.rest_count =
		bitmap_size(dimension->universe, dimension->words) - targets.count;
	return reduce(building, number, &targets, ret);
}

static int visit(struct building *building, const struct question *question,
		 size_t level, uint32_t *ret)
{
	const uint32_t *known;
	uint128_t key;
	int error;

	*ret = NODE_SAME;
	building->splitter.work +=
		4 * (question->sides[0].count + question->sides[1].count);
	if (is_same(question, level))
		return 0;
	level = next_level(building->space, question, level);
	if (level == building->space->dimension_count)
		return find_leaf(building, question, ret);
	key = question_key(question, level);
	known = lookup_find(&building->known, key);
	if (known) {
		*ret = *known;
		return 0;
	}
	error = visit_split(building, question, level, ret);
	return error ? error : lookup_add(&building->known, key, *ret);
}

/* All entries of both lists. */
static int visit_all(struct building *building)
{
	const struct space *space = building->space;
	size_t counts[2] = { space->lists[0].entry_count, space->lists[1].entry_count };
	auto_free uint32_t *all = calloc(counts[0] + counts[1], sizeof(*all));
	struct question question = {
		.sides = { { &space->lists[0], all, counts[0] },
			   { &space->lists[1], all + counts[0], counts[1] } },
	};

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < counts[0] + counts[1]; i++)
		all[i] = (uint32_t)(i < counts[0] ? i : i - counts[0]);
	/* Nothing behind an entry that holds everything. */
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < question.sides[i].count; j++)
			if (entry_at(&question.sides[i], j)->end == 0)
				question.sides[i].count = j + 1;
	return visit(building, &question, 0, &building->diagram->root);
}

static int build(struct building *building)
{
	struct diagram *diagram = building->diagram;
	struct node *same = arena_grow(&diagram->arena, &diagram->nodes, 0,
				       sizeof(*diagram->nodes));
	int error = same ? splitter_init(&building->splitter, building->space,
					 DIAGRAM_WORK_MAX)
			 : -ENOMEM;

	diagram->node_count = 1;
	if (!error)
		error = lookup_init(&building->known);
	if (!error)
		error = lookup_init(&building->unique);
	if (!error)
		error = lookup_init(&building->leaves);
	return error ? error : visit_all(building);
}

int diagram_make(const struct space *space, struct diagram **ret)
{
	auto_diagram struct diagram *diagram = calloc(1, sizeof(*diagram));
	struct building building = { .diagram = diagram, .space = space };
	int error;

	assert(space->list_count == 2);
	if (!diagram)
		return -ENOMEM;
	diagram->space = space;
	diagram->arena.limit_bytes = DIAGRAM_BYTES_MAX;
	error = build(&building);
	splitter_done(&building.splitter);
	lookup_done(&building.known);
	lookup_done(&building.unique);
	lookup_done(&building.leaves);
	if (error == -ENOMEM && diagram->arena.used_bytes > DIAGRAM_BYTES_MAX / 2)
		return -E2BIG;
	if (error)
		return error;
	*ret = take(diagram);
	return 0;
}

void diagram_free(struct diagram *diagram)
{
	if (!diagram)
		return;
	arena_done(&diagram->arena);
	free(diagram);
}

static uint32_t follow_node(const struct node *node, uint32_t class)
{
	for (uint32_t i = 0; i < node->edge_count; i++) {
		const struct edge *edge = &node->edges[i];

		for (uint32_t j = 0; j < edge->class_count; j++)
			if (edge->classes[j] == class)
				return edge->node;
	}
	return node->rest;
}

uint32_t diagram_follow(const struct diagram *diagram, const uint32_t *classes)
{
	uint32_t at = diagram->root;

	while (at != NODE_SAME && at < DIAGRAM_LEAF)
		at = follow_node(&diagram->nodes[at],
				 classes[diagram->nodes[at].dimension]);
	return at;
}
