/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a policy to the image of the table it asks for. Pure: same input, same bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "compile/numbering.h"
#include "policy/policy.h"

#define TABLE_NAME "vigil" /* of family inet */

/* The counter of rule ID is named COUNTER_PREFIX "ID": nft takes no name that begins
 * with a digit or is one of its own words. */
#define COUNTER_PREFIX "n."

struct compile_input {
	const struct policy *policy;
	const struct address_set *feeds; /* one a policy feed, finished */
	const uint32_t
		*feed_generations;   /* one a policy feed, part of its sets' names */
	uint32_t static_generation;  /* part of the other sets' names unless 0, see
					inventory_free_generation() */
	struct numbering *numbering; /* numbers are taken from it and added to it */
	int32_t utc_offset_s;        /* local time minus UTC, for schedules */
	bool plain;                  /* leave the optimiser out */
};

/* A named interval set of one family, filled over the wall and never by the script. */
struct image_set {
	char *name;
	char *declaration; /* one statement, "add set inet vigil NAME { ... }\n" */
	enum family family;
	bool feed; /* its name stays when its contents change */
	const struct address_set *addresses; /* the half of @family counts */
};

/* A named object that the script defines: its name and the one statement that adds it.
 */
struct image_object {
	char *name;
	char *declaration;
	bool base; /* a base chain */
};

struct image_objects {
	struct image_object *items;
	size_t count;
};

/* Who decides what, for counters, `vigil rules` and the log. */
struct image_decider {
	uint32_t number;
	const char *id; /* borrowed from the image */
	enum direction direction;
	const char *from_zone; /* "" for none */
	const char *to_zone;
	enum verdict verdict;
	uint32_t line; /* of the policy; 0 for what is built in */
};

/*
 * The whole of table inet vigil as a policy wants it. Names are unique per kind.
 * Counters are named after rule ids (several deciders share the one of their rule);
 * what a limit refused is counted under "ID.over".
 */
struct image {
	struct arena arena;     /* owns every string and array below */
	struct image_set *sets; /* by name */
	size_t set_count;
	struct image_objects counters;
	struct image_objects
		dynamic_sets;        /* filled by packets: rate and connection limits */
	struct image_objects chains; /* base chains last; each part by name */
	char *rules; /* all "add rule" statements, in order; on the heap */
	size_t rules_bytes;
	struct image_decider *deciders;
	size_t decider_count;
	uint32_t mark_mask;
	char tag[33]; /* hash of script and elements, 32 hex digits: names the committed
			 state */
	char script_tag[33]; /* of all but the elements of feed sets */
};

/**
 * compile_policy() - Lower, optimise and emit
 *
 * Where the connection mark has no room for a number per rule and pair of zones, the
 * deciders of `any` ends, or at last of all rules, go without zones. So do those of
 * rules with a limit per rule, whose state all zones share.
 *
 * @ret:    set on success only; free with image_free(); borrows @input->feeds and
 * nothing else
 * @faults: what only shows when rules are lowered (too many deciders for the mark)
 *
 * Return: 0, -EINVAL with @faults, or -ENOMEM.
 */
int compile_policy(const struct compile_input *input, struct image **ret,
		   struct faults *faults);

void image_free(struct image *image);

static inline void image_cleanup(struct image **image)
{
	image_free(*image);
}

#define auto_image __attribute__((cleanup(image_cleanup)))
