/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy as one list of rules for each direction and pair of zones. Every rule of a
 * list that matches decides, and each list ends with its default.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/schedule.h"
#include "compile/span.h"
#include "policy/policy.h"

struct build;

enum {
	ZONE_NONE = UINT16_MAX, /* interfaces of no zone, or no interface at all */
	FAMILIES_IPV4 = 1,
	FAMILIES_IPV6 = 2,
	FAMILIES_BOTH = 3,
};

enum side_kind {
	SIDE_ANY,
	SIDE_RANGES, /* the family's ranges of @addresses */
	SIDE_SET,    /* the named set @set */
};

/* Where a packet's source or destination must lie, in one family. */
struct side {
	enum side_kind kind;
	const struct address_set *addresses;
	const char *set;
	struct span hull; /* nothing outside matches */
};

/* One way for the ends of a rule to match. */
struct clause {
	uint8_t families; /* both only where neither side is restricted */
	struct side source;
	struct side destination;
};

/* What a rule matches, the same for all lists that it stands in. */
struct subject {
	const struct rule *rule;
	struct clause *clauses;
	size_t clause_count;
	struct window *windows; /* NULL: at all times */
	size_t window_count;
	size_t schedule;   /* subjects with equal windows have equal numbers here; 0:
			      always */
	struct box *boxes; /* made by the optimiser on first use */
	size_t box_count;
};

/* Either a rule, or a port forward that is let through. */
struct entry {
	const struct nat *nat;
	struct subject *subject;
	uint32_t number;
};

struct list {
	enum direction direction;
	uint32_t from;
	uint32_t to;
	const char *chain; /* of the list, or of an equal one before it */
	bool shared;       /* the chain is made by that equal one */
	struct entry *entries;
	size_t entry_count;
	uint32_t default_number;
};

struct lowered {
	struct subject *subjects;
	struct list *input;   /* by zone, ZONE_NONE last */
	struct list *output;  /* the same */
	struct list *forward; /* by from zone, then to zone */
	size_t zone_slots;    /* zones, and one for none */
};

/** zone_name() - "" for ZONE_NONE. */
const char *zone_name(const struct build *build, uint32_t zone);

/** pair_chain() - The name of a chain for what goes from one zone to another. */
const char *pair_chain(struct build *build, const char *prefix, uint32_t from,
		       uint32_t to);

/**
 * lower_policy() - Fill build->lowered
 *
 * Return: 0, -EINVAL with a fault, or -ENOMEM.
 */
int lower_policy(struct build *build);

/** clauses_make() - Fill a subject's clauses from its rule's two ends. */
void clauses_make(struct build *build, struct subject *subject);

/** clause_side() - Ranges of a set: inline when few, else a named set. */
struct side clause_side(struct build *build, const struct address_set *addresses,
			enum family family, size_t inline_max);
