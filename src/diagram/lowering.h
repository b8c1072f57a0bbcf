/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the makers of a space's entries share. */
#pragma once

#include "diagram/space.h"

/* Spans under construction, in any order and overlapping. */
struct spans {
	struct span *list;
	size_t count;
	size_t capacity;
	int error;
};

#define auto_spans __attribute__((cleanup(spans_done)))

void spans_add(struct spans *spans, struct span span);
void spans_done(struct spans *spans);

/** lowering_set() - The number of a set; empty spans make no set.
 * Return: 1, 0 when there is nothing in it, -ENOMEM or -E2BIG. */
int lowering_set(struct space *space, enum dimension_id id, struct spans *spans,
		 uint32_t *ret);

/* One way for an end of a rule to match: a set of addresses or an unknown feed. */
struct alternative {
	size_t dimension;
	uint32_t set;
};

struct alternatives {
	struct alternative list[DIMENSIONS_MAX];
	size_t count;
};

/** lowering_addresses() - All ways for one end; any of them will do.
 * @id: DIM_SOURCE or DIM_DESTINATION. Return: 0, -ENOMEM or -E2BIG. */
int lowering_addresses(struct space *space, const struct rule_list *list,
		       const struct endpoint *end, enum dimension_id id,
		       struct alternatives *ret);

/** lowering_reaches() - All ways for the address that @nat translates to to be one of
 * an end's. Return: as above. */
int lowering_reaches(struct space *space, const struct rule_list *list,
		     const struct endpoint *end, const struct nat *nat,
		     struct alternatives *ret);

/** lowering_zones() - The atoms of an end's zones, those of @only's alone unless it is
 * NULL. Return: as lowering_set(). */
int lowering_zones(struct space *space, const struct rule_list *list,
		   enum dimension_id id, const struct endpoint *end,
		   const struct nat *only, uint32_t *ret);

/** lowering_time() - When a rule applies. Return: as lowering_set(). */
int lowering_time(struct space *space, const struct schedule *schedule, uint32_t *ret);

/** lowering_entry() - Append an entry. Return: 0, -ENOMEM or -E2BIG. */
int lowering_entry(struct space *space, struct rule_list *list,
		   const uint32_t sets[static DIMENSIONS_MAX], uint32_t decider);

/** lowering_ends() - Append an entry for each pair of ways. Return: as above. */
int lowering_ends(struct space *space, struct rule_list *list,
		  const uint32_t sets[static DIMENSIONS_MAX],
		  const struct alternatives *from, const struct alternatives *to,
		  uint32_t decider);

/** lowering_decider() - Append a decider and find its effect. Return: 0 or -ENOMEM. */
int lowering_decider(struct space *space, struct rule_list *list, struct judge decider);

/** lowering_meets() - Whether a protocol's packets can be of the space's family. */
bool lowering_meets(const struct space *space, uint8_t protocol);

/** entries_make() - Deciders and entries of a policy, in order. Return: 0, -ENOMEM or
 * -E2BIG. */
int entries_make(struct space *space, struct rule_list *list);

/** translation_make() - The entries of what port forwards translate. */
int translation_make(struct space *space, struct rule_list *list);
