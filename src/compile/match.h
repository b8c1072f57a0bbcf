/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a match. Each part ends with a blank, so parts can follow each other. */
#pragma once

#include "compile/lower.h"

struct buffer;

/** match_span() - An address, a prefix or a range, without the blank. */
void match_span(struct buffer *out, enum family family, struct span span);

/** match_side() - "ip saddr 10.0.0.0/8 ", "ip6 daddr @s.NAME.6 " or nothing.
 * @field: "saddr" or "daddr" */
void match_side(struct buffer *out, enum family family, const char *field,
		const struct side *side);

/** match_family() - "meta nfproto 2 ", or nothing for both. */
void match_family(struct buffer *out, uint8_t families);

/** match_traffic() - "meta l4proto 6 th dport { 22, 80-90 } ", "icmp type 8 ". */
void match_traffic(struct buffer *out, const struct traffic *traffic);

/** match_window() - "meta day { 1, 2 } meta hour 28800-61199 ". */
void match_window(struct buffer *out, const struct window *window);

/** traffic_families() - Those that carry the protocol. */
uint8_t traffic_families(const struct traffic *traffic);

/** families_one() - The family of a clause that has but one. */
enum family families_one(uint8_t families);
