/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/tell.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* What one box is told with. */
struct telling {
	const struct space *space;
	const struct region *region;
	struct arena *arena;
};

/* The values of a box in one dimension. */
static struct span *list_values(const struct telling *telling, size_t number,
				size_t *ret)
{
	const struct dimension *dimension = &telling->space->dimensions[number];
	const uint64_t *set = telling->region->sets[number];
	struct span *spans = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < dimension->piece_count; i++) {
		const struct piece *piece = &dimension->pieces[i];

		if (!bitmap_has(set, piece->class))
			continue;
		if (count && spans[count - 1].last + 1 == piece->span.first) {
			spans[count - 1].last = piece->span.last;
			continue;
		}
		if (count == capacity) {
			struct span *grown;

			capacity = capacity ? 2 * capacity : 16;
			grown = reallocarray(spans, capacity, sizeof(*grown));
			if (!grown) {
				free(spans);
				return NULL;
			}
			spans = grown;
		}
		spans[count++] = piece->span;
	}
	*ret = count;
	return spans;
}

static int tell_addresses(const struct telling *telling, size_t dimension,
			  struct words *ret)
{
	const struct diagram_input *inputs[2];
	size_t input_count = 0, count = 0;
	auto_free struct span *spans = NULL;

	if (boxes_full(telling->space, telling->region, dimension)) {
		*ret = (struct words){ .all = true };
		return 0;
	}
	spans = list_values(telling, dimension, &count);
	if (!spans)
		return -ENOMEM;
	/* The new names first. */
	for (size_t i = telling->space->list_count; i-- > 0;)
		inputs[input_count++] = &telling->space->lists[i].input;
	return words_addresses(spans, count, telling->space->family, inputs,
			       input_count, telling->arena, ret);
}

static int tell_time(const struct telling *telling, struct words *ret)
{
	size_t count = 0;
	auto_free struct span *spans = list_values(telling, DIM_TIME, &count);

	return spans ? words_times(spans, count, telling->arena, ret) : -ENOMEM;
}

static int tell_services(const struct telling *telling, struct words *ret)
{
	const struct dimension *dimension = &telling->space->dimensions[DIM_SERVICE];
	auto_free struct stretch *stretches =
		calloc(dimension->piece_count, sizeof(*stretches));
	size_t count = 0;

	if (!stretches)
		return -ENOMEM;
	for (size_t i = 0; i < dimension->piece_count; i++) {
		const struct piece *piece = &dimension->pieces[i];
		struct stretch stretch = { (uint32_t)piece->span.first,
					   (uint32_t)piece->span.last, STRETCH_OUT };

		if (!bitmap_has(dimension->universe, piece->class))
			stretch.kind = STRETCH_VOID;
		else if (bitmap_has(telling->region->sets[DIM_SERVICE], piece->class))
			stretch.kind = STRETCH_IN;
		if (count && stretches[count - 1].kind == stretch.kind)
			stretches[count - 1].last = stretch.last;
		else
			stretches[count++] = stretch;
	}
	return words_services(stretches, count, telling->arena, ret);
}

/* Atoms that a box has, and those that have been named. */
struct naming {
	const struct atoms *atoms;
	bool *wanted;
	bool *named;
};

static bool is_in_zone(const struct atom *atom, size_t which, uint32_t zone)
{
	return atom->zones[which] == zone;
}

/* Whether a zone is wanted whole and not named yet. */
static bool wants_zone(const struct naming *naming, size_t which, uint32_t zone)
{
	bool fresh = false;

	for (size_t i = 0; i < naming->atoms->count; i++) {
		if (!is_in_zone(&naming->atoms->items[i], which, zone))
			continue;
		if (!naming->wanted[i])
			return false;
		fresh |= !naming->named[i];
	}
	return fresh;
}

static void mark_zone(struct naming *naming, size_t which, uint32_t zone)
{
	for (size_t i = 0; i < naming->atoms->count; i++)
		if (is_in_zone(&naming->atoms->items[i], which, zone))
			naming->named[i] = true;
}

static int name_zones(const struct telling *telling, struct naming *naming,
		      size_t which, struct words *ret)
{
	const struct policy *policy = telling->space->lists[which].input.policy;
	int error = 0;

	for (uint32_t i = 0; i < policy->zone_count && !error; i++) {
		if (!wants_zone(naming, which, i))
			continue;
		error = words_add(ret, telling->arena, "%s", policy->zones[i].name);
		mark_zone(naming, which, i);
	}
	return error;
}

/* What is left when zones have been named: parts of them, and what is in none. */
static int name_interfaces(const struct telling *telling, const struct naming *naming,
			   struct words *ret)
{
	int error = 0;

	for (size_t i = 0; i < naming->atoms->count && !error; i++) {
		const struct atom *atom = &naming->atoms->items[i];

		if (!naming->wanted[i] || naming->named[i])
			continue;
		for (size_t j = 0; j < atom->pattern_count && !error; j++)
			error = words_add(ret, telling->arena, "interface %s",
					  atom->patterns[j]);
		if (!error && atom->pattern_count == 0)
			error = words_add(ret, telling->arena, "no zone");
	}
	return error;
}

static int name_atoms(const struct telling *telling, size_t number, bool inverse,
		      struct words *ret)
{
	const struct atoms *atoms = &telling->space->atoms;
	const struct dimension *dimension = &telling->space->dimensions[number];
	auto_free bool *wanted = calloc(atoms->count + 1, sizeof(*wanted));
	auto_free bool *named = calloc(atoms->count + 1, sizeof(*named));
	struct naming naming = { atoms, wanted, named };
	int error = wanted && named ? 0 : -ENOMEM;

	*ret = (struct words){ .but = inverse };
	for (size_t i = 0; i < atoms->count && !error; i++)
		wanted[i] = bitmap_has(telling->region->sets[number],
				       dimension_find(dimension, i)) != inverse;
	for (size_t i = telling->space->list_count; i-- > 0 && !error;)
		error = name_zones(telling, &naming, i, ret);
	return error ? error : name_interfaces(telling, &naming, ret);
}

static int tell_zones(const struct telling *telling, size_t number, struct words *ret)
{
	struct words but;
	int error;

	if (boxes_full(telling->space, telling->region, number)) {
		*ret = (struct words){ .all = true };
		return 0;
	}
	error = name_atoms(telling, number, false, ret);
	if (!error)
		error = name_atoms(telling, number, true, &but);
	if (!error && ret->count > 2 && but.count < ret->count)
		*ret = but;
	return error;
}

static int tell_feeds(const struct telling *telling, struct words *ret)
{
	const struct space *space = telling->space;
	int error = 0;

	*ret = (struct words){ .count = 0 };
	for (size_t i = DIM_FEEDS; i < space->dimension_count && !error; i++) {
		const struct unknown_feed *feed = &space->unknown[i];
		const char *whose = feed->nat      ? "target"
				    : feed->source ? "source"
						   : "destination";
		uint32_t yes = dimension_find(&space->dimensions[i], 1);

		if (!boxes_full(space, telling->region, i))
			error = words_add(
				ret, telling->arena, "%s %sin feed %s", whose,
				bitmap_has(telling->region->sets[i], yes) ? "" : "not ",
				feed->name);
	}
	return error;
}

int tell_box(const struct space *space, const struct region *region,
	     struct arena *arena, struct told_box *ret)
{
	const struct telling telling = { space, region, arena };
	int error = 0;

	*ret = (struct told_box){ .from = { .all = false } };
	if (space->direction != DIRECTION_OUTPUT)
		error = tell_zones(&telling, DIM_IN, &ret->from);
	/* Input has a way out only where it is sent on. */
	if (!error && (space->direction != DIRECTION_INPUT ||
		       !boxes_full(space, region, DIM_OUT)))
		error = tell_zones(&telling, DIM_OUT, &ret->to);
	if (!error)
		error = tell_services(&telling, &ret->service);
	if (!error)
		error = tell_addresses(&telling, DIM_SOURCE, &ret->source);
	if (!error)
		error = tell_addresses(&telling, DIM_DESTINATION, &ret->destination);
	if (!error)
		error = tell_time(&telling, &ret->time);
	return error ? error : tell_feeds(&telling, &ret->feeds);
}
