/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what an entry of a rule holds is taken by others, before or behind it. */
#pragma once

#include "diagram/split.h"
#include "diagram/lookup.h"

/* The search for one entry; @splitter and @taken are shared with others. */
struct search {
	struct splitter *splitter;
	const struct space *space;
	const struct rule_list *list;
	const struct entry *target;
	uint32_t *ends; /* by entry: from this level on it holds all that the target
			   does */
	uint64_t work_end;
	uint64_t *takers;      /* bitmap of deciders that take something */
	struct lookup settled; /* what has been found to be taken */
};

/** search_init() - Return: 0 or -ENOMEM; then search_done() is owed as well. */
int search_init(struct search *search, struct splitter *splitter);
void search_done(struct search *search);

/**
 * search_open() - Whether some packet of entry @index comes to it
 *
 * Return: 1, 0 and those who take it in @takers, -ENOMEM, or -E2BIG when that takes too
 * long.
 */
int search_open(struct search *search, uint32_t index);

/**
 * search_needed() - Whether some packet of entry @index would fare otherwise without
 * its rule
 * @dead: by rule: those that take nothing anyway
 *
 * Return: as above; @takers are those who would take its packets.
 */
int search_needed(struct search *search, uint32_t index, const bool *dead);
