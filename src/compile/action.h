/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with a packet that a rule has matched: the chain "r.NUMBER". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct build;

/** action_of_rule() - The chain of a rule, made on first use. */
void action_of_rule(struct build *build, const struct rule *rule, uint32_t number);

/** action_plain() - The chain of what has no limit. */
void action_plain(struct build *build, const char *id, enum verdict verdict, bool log,
		  uint32_t number);

/** action_limits() - Make a limited rule's dynamic sets and the counter of what it
 * refuses. */
void action_limits(struct build *build, const struct rule *rule);
