/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a rule speaks of: `all`, a service, { tcp: 22 } and the like, or a list. */
#pragma once

#include "policy/reader.h"

/* Address families, as bits. */
enum { FAMILIES_NONE = 0, FAMILIES_IPV4 = 1, FAMILIES_IPV6 = 2, FAMILIES_BOTH = 3 };

/**
 * read_traffic() - Read the value of a rule's verb
 * @families: that the rule's two ends have in common; what a service has for other
 *            families is left out, what is written for them is a fault
 * @ret:      items sorted by protocol; none for `all`
 */
void read_traffic(struct reader *reader, const struct node *node, unsigned int families,
		  struct traffic_list *ret);

/** read_service_traffic() - The same for an entry of `ports`, which names no services.
 */
void read_service_traffic(struct reader *reader, const struct node *node,
			  struct traffic_list *ret);
