/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one or two policies say about the packets of one direction and family, as lists
 * of entries: each entry is a box in the space of packets, and the first that holds a
 * packet decides about it.
 *
 * It speaks of packets that can open a connection, as they are sent, and that are not
 * let through before the rules: loopback is left out, and so are ICMP types that
 * builtin.related, builtin.invalid and builtin.icmpv6 decide about. A port forward
 * takes packets to an address of this machine; what becomes of them behind it is part
 * of the decision.
 */
#pragma once

#include "diagram/atoms.h"
#include "diagram/dimension.h"
#include "diagram/input.h"

enum dimension_id {
	DIM_IN,      /* index of the atom that a packet comes from */
	DIM_OUT,     /* and of the one it leaves by */
	DIM_SERVICE, /* PROTOCOL << 16 | destination port or ICMP type */
	DIM_SOURCE,
	DIM_DESTINATION,
	DIM_TIME,  /* local time, in seconds since Sunday */
	DIM_FEEDS, /* from here on: whether an address is in a feed that was not read */
	DIMENSIONS_MAX = 24,
};

enum { EFFECT_BUCKETS = 4096 };

enum { WEEK_S = 7 * 86400, ENTRIES_MAX = 60000, SPACE_BYTES_MAX = 512 << 20 };

enum judge_kind {
	JUDGE_RULE,
	JUDGE_NAT, /* a port forward lets through what it translated */
	JUDGE_DEFAULT,
	JUDGE_BAN,
};

struct judge {
	enum judge_kind kind;
	const char *id;
	uint32_t line;           /* 0 for what is built in */
	const struct rule *rule; /* or NULL */
	const struct nat *nat;   /* that translated the packet before, or NULL */
	enum verdict verdict;
	uint32_t effect; /* equal numbers: the packet fares the same */
	uint32_t next;   /* effect of the same hash, counted from 1 */
};

struct entry {
	uint32_t sets[DIMENSIONS_MAX];
	uint32_t decider;
	uint32_t end; /* levels from here on are SET_ALL */
	/* By level: the sum of the marks of the effect and of the sets from there on.
	 */
	const uint128_t *meanings;
};

struct rule_list {
	struct diagram_input input;
	struct judge *deciders; /* the policy's rules first, by index */
	size_t decider_count;
	struct entry *entries;
	size_t entry_count;
};

/* A feed whose addresses are not known is a question with two answers. */
struct unknown_feed {
	const char *name;
	const char *file;
	bool source;           /* asked of the source, else of the destination */
	const struct nat *nat; /* asked of the address it translates to */
};

struct space {
	struct arena arena;
	enum direction direction;
	enum family family;
	bool by_name; /* effects differ where the decider's id, log or kind of denial
			 does */
	struct atoms atoms;
	struct dimension dimensions[DIMENSIONS_MAX];
	size_t dimension_count;
	struct unknown_feed unknown[DIMENSIONS_MAX]; /* from DIM_FEEDS on */
	uint8_t levels[DIMENSIONS_MAX];              /* dimensions in the order of the
							diagram */
	struct rule_list lists[2];
	size_t list_count;
	struct judge *effects; /* a decider of each */
	size_t effect_count;
	uint32_t effect_buckets[EFFECT_BUCKETS]; /* counted from 1 */
};

/**
 * space_make() - Lower one or two policies
 * @inputs:  the old policy and the new, or one alone
 * @by_name: whether a packet fares differently where another rule decides the same
 * @ret:     set on success only; free with space_free(); borrows @inputs
 *
 * Return: 0, -ENOMEM, or -E2BIG where a bound is reached.
 */
int space_make(const struct diagram_input *inputs, size_t count,
	       enum direction direction, enum family family, bool by_name,
	       struct space **ret);

void space_free(struct space *space);

static inline void space_cleanup(struct space **space)
{
	space_free(*space);
}

#define auto_space __attribute__((cleanup(space_cleanup)))
