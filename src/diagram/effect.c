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

int lowering_decider(struct space *space, struct rule_list *list, struct judge decider)
{
	struct judge *place = arena_grow(&space->arena, &list->deciders,
					 list->decider_count, sizeof(*place));
	size_t effect = 0;

	while (effect < space->effect_count &&
	       !same(space, &space->effects[effect], &decider))
		effect++;
	decider.effect = (uint32_t)effect;
	if (!place)
		return -ENOMEM;
	*place = decider;
	list->decider_count++;
	if (effect < space->effect_count)
		return 0;
	place = arena_grow(&space->arena, &space->effects, space->effect_count,
			   sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = decider;
	space->effect_count++;
	return 0;
}
