/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the kernel holds to what an image wants, as steps over the wall. At no
 * instant does a packet meet half a policy: new sets are filled while nothing refers to
 * them, and one transaction swaps the rules.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/compile.h"

/* Names of what table inet vigil holds now. All sorted. */
struct inventory {
	struct arena arena;
	bool table; /* whether the table is there at all */
	const char **chains;
	size_t chain_count;
	const char **sets; /* sets and maps, anonymous ones left out */
	size_t set_count;
	const char **counters;
	size_t counter_count;
	char tag[33]; /* "" when none or several are there */
};

void inventory_done(struct inventory *inventory);

/** inventory_of_image() - What the kernel holds once @image is committed. Return: 0 or
 * -ENOMEM. */
int inventory_of_image(const struct image *image, struct inventory *ret);

/** inventory_feed_generation() - The generation of a feed's set, the lowest if there
 * are several: those above it were prepared and never came into use. Return: 0 when
 * there is none. */
uint32_t inventory_feed_generation(const struct inventory *inventory, const char *feed);

/** inventory_free_generation() - One above all generations in use, for feeds and for
 * compile_input.static_generation alike. */
uint32_t inventory_free_generation(const struct inventory *inventory);

enum step_kind {
	STEP_SCRIPT,   /* one libnftables transaction */
	STEP_ELEMENTS, /* packed elements, see helper/protocol.h */
};

struct step {
	enum step_kind kind;
	bool atomic; /* elements: all in one batch, since the sets are in use */
	char *data;  /* owned */
	size_t size_bytes;
};

enum { STEPS_MAX = 3 };

/* What to send, in order. When a step is refused, @undo (may be empty) goes instead of
 * the rest. */
struct transition {
	struct step steps[STEPS_MAX];
	size_t step_count;
	struct step undo;      /* a script that deletes the sets the first step made */
	size_t elements_added; /* ranges */
	size_t elements_deleted;
	bool rules_changed;
};

/**
 * transition_plan() - The least that has to be sent
 * @committed: the image that @inventory came from, or NULL when it is not known;
 * elements of feed sets can only be changed in place when it is
 * @inventory: what the kernel holds
 * @wanted:    what it should hold
 *
 * Equal tags give no steps; equal script tags one atomic STEP_ELEMENTS; otherwise, or
 * when there are sets that neither side knows, left by a preparation that was cut
 * short, the sets that are new are made and filled first. Where rules and a feed's
 * elements both change and the feed's set is in use, the caller compiles with a new
 * generation for that feed.
 *
 * Return: 0, -EUCLEAN when a kept set's contents are unknown or changed (compile with
 * inventory_free_generation() for all feeds and static sets), or -ENOMEM.
 */
int transition_plan(const struct image *committed, const struct inventory *inventory,
		    const struct image *wanted, struct transition *ret);

/**
 * transition_again() - All rules of @image once more, where the kernel bears its tag
 *
 * The tag is a name: it does not tell whether somebody took a rule out. Sets are
 * believed and stay, as do counters and what limits remember.
 *
 * Return: 0 or -ENOMEM.
 */
int transition_again(const struct inventory *inventory, const struct image *image,
		     struct transition *ret);

void transition_done(struct transition *transition);

struct buffer;

/** transition_script() - The script that makes @image in a kernel without the table, as
 *  `vigil compile` prints it. */
void transition_script(const struct image *image, struct buffer *out);
