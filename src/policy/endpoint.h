/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ends of rules, and lists of zones. */
#pragma once

#include "policy/reader.h"

/** read_endpoint() - Read the value of `from` or `to`. @what: that key. */
void read_endpoint(struct reader *reader, const struct node *node, const char *what,
		   struct endpoint *ret);

/** endpoint_families() - The families (FAMILIES_*) that an address of this end can
 * have.
 */
unsigned int endpoint_families(const struct endpoint *endpoint);

/**
 * read_zone_list() - Read one zone's name or a list of them
 * @ret:       indices, ascending
 * @ret_count: 0 only with a fault
 */
void read_zone_list(struct reader *reader, const struct node *node, uint32_t **ret,
		    size_t *ret_count);
