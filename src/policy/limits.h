/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What narrows a rule beyond its ends and traffic: limits and the time of day. */
#pragma once

#include "policy/reader.h"

/** read_limit() - limit: { rate, burst, per }; @rule has its verdict. */
void read_limit(struct reader *reader, const struct node *node, struct rule *rule);

/** read_connection_limit() - connections: { max, per }; @rule has its verdict. */
void read_connection_limit(struct reader *reader, const struct node *node,
			   struct rule *rule);

/** read_schedule() - time: { days, from, to }. */
void read_schedule(struct reader *reader, const struct node *node,
		   struct schedule *ret);
