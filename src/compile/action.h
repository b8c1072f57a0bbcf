/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with a packet that a rule has matched: the chain "r.NUMBER". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct build;

/*
 * Where evaluation ends with anything but a drop. The kernel swaps rules at one
 * instant, but a packet that is on its way through the old ones then finds their
 * verdict maps empty, takes whatever stands behind them, and could be allowed by half a
 * policy. So the last step before "accept" is a look-up in one more map of the same
 * rules: where it still answers, so did all before it, and where it does not, the
 * packet is dropped as if it had been lost on the wire. Measured on kernel 6.18:
 * without it a few packets pass in a thousand reloads under load that both policies
 * forbid.
 */
#define CHAIN_ALLOWED "allowed"
#define CHAIN_REJECTED "rejected"

/** action_ends() - Make these two chains. */
void action_ends(struct build *build);

/** action_of_rule() - The chain of a rule, made on first use. */
void action_of_rule(struct build *build, const struct rule *rule, uint32_t number);

/** action_plain() - The chain of what has no limit. */
void action_plain(struct build *build, const char *id, enum verdict verdict, bool log,
		  uint32_t number);

/** action_limits() - Make a limited rule's dynamic sets and the counter of what it
 * refuses. */
void action_limits(struct build *build, const struct rule *rule);
