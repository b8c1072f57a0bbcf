/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What surrounds the rules: base chains, what is built in, the ban, the way to the list
 * of a packet's zones. */
#pragma once

#include <stdint.h>

struct build;

/** frame_emit() - Everything but NAT, around and with the lists of rules. */
void frame_emit(struct build *build);

/**
 * dispatch_emit() - Send each zone's packets to a chain of its own
 * @key:     "iifname" or "oifname"
 * @targets: a chain for each zone of the policy, NULL for zones that nothing is done
 * with
 */
void dispatch_emit(struct build *build, const char *chain, const char *key,
		   const char *const *targets);
