/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A box of packets in words. */
#pragma once

#include "diagram/boxes.h"
#include "diagram/words.h"

struct told_box {
	struct words from; /* zones; nothing for this machine */
	struct words to;
	struct words service;
	struct words source;
	struct words destination;
	struct words time;
	struct words feeds; /* "source in feed bad": all of them hold */
};

/**
 * tell_box() - Put a box into words
 * @arena: what the words live in; they borrow names of the space's policies
 *
 * Return: 0 or -ENOMEM.
 */
int tell_box(const struct space *space, const struct region *region,
	     struct arena *arena, struct told_box *ret);
