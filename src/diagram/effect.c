/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How packets fare: who decides does not matter, unless somebody asks for it. */
#include "diagram/lowering.h"

#include <errno.h>
#include <string.h>

static bool same_limits(const struct rule *a, const struct rule *b)
{
	static const struct rule none;

	a = a ? a : &none;
	b = b ? b : &none;
	return a->limit.scope == b->limit.scope && a->limit.count == b->limit.count &&
	       a->limit.period_s == b->limit.period_s &&
	       a->limit.burst == b->limit.burst &&
	       a->connections.scope == b->connections.scope &&
	       a->connections.max == b->connections.max;
}

static bool same_way(const struct nat *a, const struct nat *b)
{
	if (!a || !b)
		return a == b;
	return a->target.family == b->target.family &&
	       a->target.value == b->target.value &&
	       a->target_port.first - a->port.first ==
		       b->target_port.first - b->port.first;
}

static bool same_name(const struct judge *a, const struct judge *b)
{
	bool a_log = a->rule && a->rule->log, b_log = b->rule && b->rule->log;

	return a->kind == b->kind && a->verdict == b->verdict && a_log == b_log &&
	       strcmp(a->id, b->id) == 0;
}

static bool same(const struct space *space, const struct judge *a,
		 const struct judge *b)
{
	bool denied = a->verdict != VERDICT_ALLOW;

	if (space->by_name && !same_name(a, b))
		return false;
	if (denied != (b->verdict != VERDICT_ALLOW))
		return false;
	/* Where a denied packet would have gone is nobody's business. */
	return denied || (same_limits(a->rule, b->rule) && same_way(a->nat, b->nat));
}

/* Of what must be the same where effects are. */
static size_t hash(const struct space *space, const struct judge *judge)
{
	uint64_t sum = judge->verdict != VERDICT_ALLOW;

	if (!sum && judge->rule)
		sum += (uint64_t)judge->rule->limit.count << 40 ^
		       (uint64_t)judge->rule->limit.burst << 20 ^
		       judge->rule->connections.max;
	for (const char *at = judge->id; space->by_name && *at; at++)
		sum = sum * 31 + (unsigned char)*at;
	return (size_t)(diagram_mark(sum) % EFFECT_BUCKETS);
}

/* Return: its number counted from 1, or 0 where it is new. */
static uint32_t find_effect(const struct space *space, const struct judge *judge,
			    uint32_t at)
{
	while (at && !same(space, &space->effects[at - 1], judge))
		at = space->effects[at - 1].next;
	return at;
}

int lowering_decider(struct space *space, struct rule_list *list, struct judge judge)
{
	uint32_t *bucket = &space->effect_buckets[hash(space, &judge)];
	uint32_t found = find_effect(space, &judge, *bucket);
	struct judge *place;

	if (!found) {
		place = arena_grow(&space->arena, &space->effects, space->effect_count,
				   sizeof(*place));
		if (!place)
			return -ENOMEM;
		*place = judge;
		place->next = *bucket;
		found = *bucket = (uint32_t)++space->effect_count;
	}
	place = arena_grow(&space->arena, &list->deciders, list->decider_count,
			   sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = judge;
	place->effect = found - 1;
	list->decider_count++;
	return 0;
}
