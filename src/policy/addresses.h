/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of addresses and of the names of groups and feeds. */
#pragma once

#include "policy/reader.h"

/* What may stand in a list. */
enum {
	ADMIT_ADDRESSES = 1,
	ADMIT_GROUPS = 2,
	ADMIT_FEEDS = 4,
};

/* What a list came to. */
struct selection {
	struct address_set addresses; /* finished by read_addresses() */
	uint32_t *feeds;              /* indices, ascending, each once */
	size_t feed_count;
};

/**
 * read_addresses() - Read a list, or the one item that stands in its place
 * @admit: what may stand in it
 * @what:  "group "ops"", for the sentence about an item that may not
 * @ret:   what is found is added
 */
void read_addresses(struct reader *reader, const struct node *node, unsigned int admit,
		    const char *what, struct selection *ret);
