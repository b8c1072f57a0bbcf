/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which traffic fares otherwise under another policy. */
#pragma once

#include "diagram/tell.h"
#include "diagram/witness.h"

enum change_kind {
	CHANGE_ALLOWED,    /* was denied */
	CHANGE_DENIED,     /* was allowed */
	CHANGE_LIMITED,    /* allowed, with another limit or with none */
	CHANGE_REDIRECTED, /* allowed, but a port forward leads elsewhere */
	CHANGE_DECIDER,    /* the same, by another rule, log or way to deny */
	CHANGE_KINDS,
};

/* Who decides, and what. Ids, rules and translations are borrowed from the policy. */
struct ruling {
	const char *id;
	uint32_t line; /* 0 for what is built in */
	enum verdict verdict;
	const struct rule *rule; /* or NULL */
	const struct nat *nat;   /* that translates the packet before, or NULL */
};

/* A box of packets that fare otherwise. */
struct change {
	enum change_kind kind;
	enum direction direction;
	bool ipv4, ipv6;
	uint32_t serial; /* in which it was found */
	bool sample;     /* one of very many boxes between these two decisions */
	struct ruling before;
	struct ruling after;
	struct told_box box;
	struct witness witness;
};

/* A direction and family in which traffic can't be compared. */
struct gap {
	enum direction direction;
	enum family family;
};

enum { GAPS_MAX = 6 };

struct difference {
	struct arena arena;
	struct change *changes; /* by kind, direction and the new policy's rules */
	size_t count;
	struct gap gaps[GAPS_MAX];
	size_t gap_count;
	size_t node_count; /* of all diagrams */
};

/**
 * difference_find() - Compare two policies
 * @inputs:  the old and the new one, borrowed
 * @by_name: also where the same is decided by another rule, or denied in another way
 * @ret:     set on success only; free with difference_free()
 *
 * Where a diagram would explode there is a gap, and the rest is told.
 *
 * Return: 0 or -ENOMEM.
 */
int difference_find(const struct diagram_input inputs[2], bool by_name,
		    struct difference **ret);

void difference_free(struct difference *difference);

static inline void difference_cleanup(struct difference **difference)
{
	difference_free(*difference);
}

#define auto_difference __attribute__((cleanup(difference_cleanup)))
