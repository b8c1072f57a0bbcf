/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void difference_free(struct difference *difference)
{
	if (!difference)
		return;
	arena_done(&difference->arena);
	free(difference);
}

static bool has_limit(const struct ruling *ruling)
{
	return ruling->rule && (ruling->rule->limit.scope != LIMIT_NONE ||
				ruling->rule->connections.scope != LIMIT_NONE);
}

static bool same_limits(const struct ruling *a, const struct ruling *b)
{
	const struct limit *x, *y;

	if (!has_limit(a) || !has_limit(b))
		return has_limit(a) == has_limit(b);
	x = &a->rule->limit;
	y = &b->rule->limit;
	return x->scope == y->scope && x->count == y->count &&
	       x->period_s == y->period_s && x->burst == y->burst &&
	       a->rule->connections.scope == b->rule->connections.scope &&
	       a->rule->connections.max == b->rule->connections.max;
}

static bool same_way(const struct ruling *a, const struct ruling *b)
{
	if (!a->nat || !b->nat)
		return a->nat == b->nat;
	return a->nat->target.family == b->nat->target.family &&
	       a->nat->target.value == b->nat->target.value &&
	       a->nat->target_port.first - a->nat->port.first ==
		       b->nat->target_port.first - b->nat->port.first;
}

static enum change_kind kind_of(const struct change *change)
{
	bool before = change->before.verdict == VERDICT_ALLOW;
	bool after = change->after.verdict == VERDICT_ALLOW;

	if (before != after)
		return after ? CHANGE_ALLOWED : CHANGE_DENIED;
	if (after && !same_way(&change->before, &change->after))
		return CHANGE_REDIRECTED;
	if (after && !same_limits(&change->before, &change->after))
		return CHANGE_LIMITED;
	return CHANGE_DECIDER;
}

static struct ruling ruling_of(const struct rule_list *list, uint32_t number)
{
	const struct judge *decider = &list->deciders[number];

	return (struct ruling){ decider->id, decider->line, decider->verdict,
				decider->rule, decider->nat };
}

static bool rulings_equal(const struct ruling *a, const struct ruling *b)
{
	return a->verdict == b->verdict && a->rule == b->rule && same_way(a, b) &&
	       strcmp(a->id, b->id) == 0;
}

static bool told_equal(const struct told_box *a, const struct told_box *b)
{
	return words_equal(&a->from, &b->from) && words_equal(&a->to, &b->to) &&
	       words_equal(&a->source, &b->source) &&
	       words_equal(&a->destination, &b->destination) &&
	       words_equal(&a->time, &b->time) && words_equal(&a->feeds, &b->feeds);
}

/* ICMP is there once for each family; else both must speak of the same services. */
static bool services_merge(const struct words *v4, const struct words *v6)
{
	const char *a = v4->count == 1 ? v4->items[0] : "";
	const char *b = v6->count == 1 ? v6->items[0] : "";

	if (words_equal(v4, v6))
		return true;
	return !v4->but && !v6->but && v4->name && v6->name && *a && *b &&
	       strcmp(v4->name, v6->name) == 0;
}

/* The same box in the other family, told before. */
static struct change *find_twin(struct difference *difference,
				const struct change *change)
{
	for (size_t i = 0; i < difference->count; i++) {
		struct change *twin = &difference->changes[i];

		if (twin->ipv4 && !twin->ipv6 && change->ipv6 &&
		    twin->kind == change->kind &&
		    twin->direction == change->direction &&
		    twin->sample == change->sample &&
		    rulings_equal(&twin->before, &change->before) &&
		    rulings_equal(&twin->after, &change->after) &&
		    told_equal(&twin->box, &change->box) &&
		    services_merge(&twin->box.service, &change->box.service))
			return twin;
	}
	return NULL;
}

static int merge(struct difference *difference, struct change *twin,
		 const struct change *change)
{
	struct words *service = &twin->box.service;
	int error = 0;

	twin->ipv6 = true;
	if (!words_equal(service, &change->box.service))
		for (size_t i = 0; i < change->box.service.count && !error; i++)
			error = words_add(service, &difference->arena, "%s",
					  change->box.service.items[i]);
	return error;
}

static int add_change(struct difference *difference, const struct diagram *diagram,
		      const struct region *region)
{
	const struct space *space = diagram->space;
	const struct leaf *leaf = &diagram->leaves[region->leaf];
	struct change change = {
		.direction = space->direction,
		.ipv4 = space->family == FAMILY_IPV4,
		.ipv6 = space->family == FAMILY_IPV6,
		.sample = region->sample,
		.before = ruling_of(&space->lists[0], leaf->before),
		.after = ruling_of(&space->lists[1], leaf->after),
	};
	int error = tell_box(space, region, &difference->arena, &change.box);
	struct change *place;

	change.kind = kind_of(&change);
	witness_find(space, region, &change.witness);
	if (error)
		return error;
	place = find_twin(difference, &change);
	if (place)
		return merge(difference, place, &change);
	place = arena_grow(&difference->arena, &difference->changes, difference->count,
			   sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = change;
	place->serial = (uint32_t)difference->count++;
	return 0;
}

static int add_all(struct difference *difference, const struct diagram *diagram)
{
	struct regions regions;
	int error = boxes_find(diagram, &regions);

	for (size_t i = 0; i < regions.count && !error; i++)
		error = add_change(difference, diagram, &regions.list[i]);
	boxes_done(&regions);
	return error;
}

static int compare_space(struct difference *difference,
			 const struct diagram_input inputs[2], bool by_name,
			 const struct gap *where)
{
	auto_space struct space *space = NULL;
	auto_diagram struct diagram *diagram = NULL;
	int error =
		space_make(inputs, 2, where->direction, where->family, by_name, &space);

	if (!error)
		error = diagram_make(space, &diagram);
	if (!error) {
		difference->node_count += diagram->node_count;
		error = add_all(difference, diagram);
	}
	if (error != -E2BIG)
		return error;
	difference->gaps[difference->gap_count++] = *where;
	return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_changes(const void *left, const void *right)
{
	const struct change *a = left;
	const struct change *b = right;
	int order = compare_numbers(a->kind, b->kind);

	if (!order)
		order = compare_numbers(a->direction, b->direction);
	/* Line 0 is that of a default, which comes last. */
	if (!order)
		order = compare_numbers(a->after.line - 1u, b->after.line - 1u);
	if (!order)
		order = compare_numbers(a->before.line - 1u, b->before.line - 1u);
	return order ? order : compare_numbers(a->serial, b->serial);
}

int difference_find(const struct diagram_input inputs[2], bool by_name,
		    struct difference **ret)
{
	auto_difference struct difference *difference = calloc(1, sizeof(*difference));
	int error = difference ? 0 : -ENOMEM;

	for (enum direction direction = DIRECTION_INPUT;
	     direction <= DIRECTION_OUTPUT && !error; direction++) {
		for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6 && !error;
		     family += 2)
			error = compare_space(difference, inputs, by_name,
					      &(struct gap){ direction, family });
	}
	if (error)
		return error;
	if (difference->count)
		qsort(difference->changes, difference->count,
		      sizeof(*difference->changes), compare_changes);
	*ret = take(difference);
	return 0;
}
