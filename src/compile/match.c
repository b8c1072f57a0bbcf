/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/match.h"

#include <netinet/in.h>

#include "base/buffer.h"
#include "compile/build.h"

enum { NFPROTO_NUMBER_IPV4 = 2, NFPROTO_NUMBER_IPV6 = 10 };

enum family families_one(uint8_t families)
{
	return families == FAMILIES_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
}

uint8_t traffic_families(const struct traffic *traffic)
{
	if (traffic->protocol == IPPROTO_ICMP)
		return FAMILIES_IPV4;
	if (traffic->protocol == IPPROTO_ICMPV6)
		return FAMILIES_IPV6;
	return FAMILIES_BOTH;
}

void match_span(struct buffer *out, enum family family, struct span span)
{
	char text[RANGE_TEXT_MAX];

	buffer_text(out, range_format((struct address_range){ family, span.first,
							      span.last },
				      text));
}

void match_side(struct buffer *out, enum family family, const char *field,
		const struct side *side)
{
	size_t count;

	if (side->kind == SIDE_ANY)
		return;
	buffer_printf(out, "%s %s ", family_keyword(family), field);
	if (side->kind == SIDE_SET) {
		buffer_printf(out, "@%s ", side->set);
		return;
	}
	count = set_span_count(side->addresses, family);
	if (count > 1)
		buffer_text(out, "{ ");
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_text(out, ", ");
		match_span(out, family, set_span(side->addresses, family, i));
	}
	buffer_text(out, count > 1 ? " } " : " ");
}

void match_family(struct buffer *out, uint8_t families)
{
	if (families != FAMILIES_BOTH)
		buffer_printf(out, "meta nfproto %d ",
			      families == FAMILIES_IPV4 ? NFPROTO_NUMBER_IPV4
							: NFPROTO_NUMBER_IPV6);
}

static void match_ranges(struct buffer *out, const struct traffic *traffic)
{
	if (traffic->range_count > 1)
		buffer_text(out, "{ ");
	for (size_t i = 0; i < traffic->range_count; i++) {
		const struct port_range *range = &traffic->ranges[i];

		buffer_printf(out, i ? ", %u" : "%u", range->first);
		if (range->last != range->first)
			buffer_printf(out, "-%u", range->last);
	}
	buffer_text(out, traffic->range_count > 1 ? " } " : " ");
}

void match_traffic(struct buffer *out, const struct traffic *traffic)
{
	if (traffic->range_count == 0) {
		buffer_printf(out, "meta l4proto %u ", traffic->protocol);
		return;
	}
	if (traffic->protocol == IPPROTO_ICMP)
		buffer_text(out, "icmp type ");
	else if (traffic->protocol == IPPROTO_ICMPV6)
		buffer_text(out, "icmpv6 type ");
	else
		buffer_printf(out, "meta l4proto %u th dport ", traffic->protocol);
	match_ranges(out, traffic);
}

static void match_days(struct buffer *out, uint8_t days)
{
	bool several = (days & (days - 1)) != 0, more = false;

	buffer_text(out, several ? "meta day { " : "meta day ");
	for (unsigned int day = 0; day < 7; day++) {
		if (!(days & 1u << day))
			continue;
		buffer_printf(out, more ? ", %u" : "%u", day);
		more = true;
	}
	buffer_text(out, several ? " } " : " ");
}

void match_window(struct buffer *out, const struct window *window)
{
	if (window->days != 0x7f)
		match_days(out, window->days);
	if (window->from_s != 0 || window->to_s != 86400)
		buffer_printf(out, "meta hour %u-%u ", window->from_s,
			      window->to_s - 1);
}
