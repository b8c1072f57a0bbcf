/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/space.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "diagram/lowering.h"

/*
 * Unknown feeds come first: each is asked once or never. Then what splits the rules
 * most for the least: see docs/plan.md for what other orders cost.
 */
static const uint8_t order[] = { DIM_IN,     DIM_OUT,         DIM_SERVICE,
				 DIM_SOURCE, DIM_DESTINATION, DIM_TIME };

void space_free(struct space *space)
{
	if (!space)
		return;
	arena_done(&space->arena);
	free(space);
}

static int init_dimensions(struct space *space)
{
	const uint128_t lasts[] = {
		[DIM_IN] = space->atoms.count ? space->atoms.count - 1 : 0,
		[DIM_OUT] = space->atoms.count ? space->atoms.count - 1 : 0,
		[DIM_SERVICE] = 0xffffff,
		[DIM_SOURCE] = span_all(space->family).last,
		[DIM_DESTINATION] = span_all(space->family).last,
		[DIM_TIME] = WEEK_S - 1,
	};
	int error = 0;

	space->dimension_count = DIM_FEEDS;
	for (size_t i = 0; i < DIM_FEEDS && !error; i++)
		error = dimension_init(&space->dimensions[i], &space->arena, lasts[i]);
	return error;
}

/* ICMP of the other family, and types that no rule decides about: conntrack tracks
 * queries alone (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c). It leaves
 * neighbour discovery and multicast listeners be, which builtin.icmpv6 lets through
 * unless they are forwarded (compile/frame.c). */
static int add_impossible(struct space *space, uint32_t *ret)
{
	static const uint8_t openers4[] = { 8, 13, 15, 17 };
	static const uint8_t openers6[] = { 128, 139 };
	static const uint8_t forwarded6[] = { 128, 130, 131, 132, 133,
					      134, 135, 136, 139, 143 };
	bool v4 = space->family == FAMILY_IPV4;
	bool forwarded = space->direction == DIRECTION_FORWARD;
	const uint8_t *openers = v4 ? openers4 : forwarded ? forwarded6 : openers6;
	size_t count = v4          ? ARRAY_SIZE(openers4)
		       : forwarded ? ARRAY_SIZE(forwarded6)
				   : ARRAY_SIZE(openers6);
	uint32_t own = (uint32_t)(v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) << 16;
	uint32_t other = (uint32_t)(v4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) << 16;
	auto_spans struct spans spans = { 0 };
	uint32_t next = own;

	spans_add(&spans, (struct span){ other, other | 0xffff });
	for (size_t i = 0; i < count; i++) {
		if (next < (own | openers[i]))
			spans_add(&spans,
				  (struct span){ next, (own | openers[i]) - 1 });
		next = (own | openers[i]) + 1;
	}
	spans_add(&spans, (struct span){ next, own | 0xffff });
	return lowering_set(space, DIM_SERVICE, &spans, ret);
}

static void order_levels(struct space *space)
{
	size_t level = 0;

	for (size_t i = DIM_FEEDS; i < space->dimension_count; i++)
		space->levels[level++] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		space->levels[level++] = order[i];
}

static int finish_entry(struct space *space, struct rule_list *list,
			struct entry *entry)
{
	uint64_t effect = list->deciders[entry->decider].effect;
	uint128_t *meanings = arena_alloc(&space->arena, (space->dimension_count + 1) *
								 sizeof(*meanings));
	uint32_t level = (uint32_t)space->dimension_count;

	if (!meanings)
		return -ENOMEM;
	meanings[level] = diagram_mark((uint64_t)DIMENSIONS_MAX << 32 | effect);
	while (level-- > 0) {
		uint64_t dimension = space->levels[level];

		meanings[level] = meanings[level + 1];
		if (entry->sets[dimension] == SET_ALL)
			continue;
		if (!entry->end)
			entry->end = level + 1;
		meanings[level] ^=
			diagram_mark(dimension << 32 | entry->sets[dimension]);
	}
	entry->meanings = meanings;
	return 0;
}

static int finish_lists(struct space *space)
{
	int error = 0;

	for (size_t i = 0; i < space->list_count; i++)
		for (size_t j = 0; j < space->lists[i].entry_count && !error; j++)
			error = finish_entry(space, &space->lists[i],
					     &space->lists[i].entries[j]);
	return error;
}

static int fill(struct space *space)
{
	uint32_t impossible = SET_ALL;
	int error = init_dimensions(space);

	for (size_t i = 0; i < space->list_count && !error; i++)
		error = entries_make(space, &space->lists[i]);
	if (!error)
		error = add_impossible(space, &impossible);
	error = error < 0 ? error : 0;
	for (size_t i = 0; i < space->dimension_count && !error; i++)
		error = dimension_finish(&space->dimensions[i]);
	if (error)
		return error;
	dimension_exclude(&space->dimensions[DIM_SERVICE], impossible);
	order_levels(space);
	return finish_lists(space);
}

int space_make(const struct diagram_input *inputs, size_t count,
	       enum direction direction, enum family family, bool by_name,
	       struct space **ret)
{
	const struct policy *policies[] = { inputs[0].policy,
					    inputs[count - 1].policy };
	auto_space struct space *space = calloc(1, sizeof(*space));
	int error;

	if (!space)
		return -ENOMEM;
	space->arena.limit_bytes = SPACE_BYTES_MAX;
	space->direction = direction;
	space->family = family;
	space->by_name = by_name;
	space->list_count = count;
	for (size_t i = 0; i < count; i++)
		space->lists[i].input = inputs[i];
	error = atoms_make(policies, &space->arena, &space->atoms);
	if (!error)
		error = fill(space);
	/* What does not fit into the bound, and not into memory. */
	if (error == -ENOMEM && space->arena.used_bytes > SPACE_BYTES_MAX / 2)
		return -E2BIG;
	if (error)
		return error;
	*ret = take(space);
	return 0;
}
