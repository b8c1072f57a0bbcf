/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/witness.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

#define V6(high, low) ((uint128_t)UINT64_C(high) << 64 | UINT64_C(low))

/* Addresses that hosts have, best first: one of documentation (RFC 5737, RFC 3849) for
 * each end, then whatever is unicast. */
static const struct span usual4[2][4] = {
	{ { 0xcb007109, 0xcb007109 },
	  { 0xc0000209, 0xc0000209 },
	  { 0x01000001, 0x7effffff },
	  { 0x80000001, 0xdfffffff } },
	{ { 0xc633640a, 0xc633640a },
	  { 0xc000020a, 0xc000020a },
	  { 0x01000001, 0x7effffff },
	  { 0x80000001, 0xdfffffff } },
};
static const struct span usual6[2][4] = {
	{ { V6(0x20010db800000000, 0x9), V6(0x20010db800000000, 0x9) },
	  { V6(0x2000000000000000, 0x1), V6(0x3fffffffffffffff, 0xffffffffffffffff) },
	  { V6(0xfc00000000000000, 0x1), V6(0xfdffffffffffffff, 0xffffffffffffffff) },
	  { V6(0x0100000000000000, 0x1), V6(0xfe7fffffffffffff, 0xffffffffffffffff) } },
	{ { V6(0x20010db800000000, 0xa), V6(0x20010db800000000, 0xa) },
	  { V6(0x2000000000000000, 0x1), V6(0x3fffffffffffffff, 0xffffffffffffffff) },
	  { V6(0xfc00000000000000, 0x1), V6(0xfdffffffffffffff, 0xffffffffffffffff) },
	  { V6(0x0100000000000000, 0x1), V6(0xfe7fffffffffffff, 0xffffffffffffffff) } },
};
/* Ports and types that conntrack makes no questions of. */
static const struct span usual_services[] = {
	{ IPPROTO_TCP << 16 | 1, IPPROTO_TCP << 16 | 0xffff },
	{ IPPROTO_UDP << 16 | 1, IPPROTO_UDP << 16 | 0xffff },
	{ IPPROTO_ICMP << 16 | 8, IPPROTO_ICMP << 16 | 8 },
	{ IPPROTO_ICMPV6 << 16 | 128, IPPROTO_ICMPV6 << 16 | 128 },
	{ IPPROTO_SCTP << 16 | 1, IPPROTO_SCTP << 16 | 0xffff },
	{ IPPROTO_GRE << 16, IPPROTO_GRE << 16 },
	{ 0, 0xffffff },
};

/* Another value beside @ret in @piece and @wish. */
static bool step_aside(struct span piece, struct span wish, uint128_t *ret)
{
	if (*ret < piece.last && *ret < wish.last)
		++*ret;
	else if (*ret > piece.first && *ret > wish.first)
		--*ret;
	else
		return false;
	return true;
}

/* The first value of a set that is in @wish and not @avoid; one past the first of a
 * piece of more than two, which may be the name of a network. */
static bool pick(const struct dimension *dimension, const uint64_t *set,
		 struct span wish, bool step, const uint128_t *avoid, uint128_t *ret)
{
	for (size_t i = 0; i < dimension->piece_count; i++) {
		struct span piece = dimension->pieces[i].span;

		if (!bitmap_has(set, dimension->pieces[i].class) ||
		    !span_overlaps(piece, wish))
			continue;
		*ret = piece.first;
		if (step && piece.last - piece.first >= 2)
			*ret = piece.first + 1;
		if (*ret < wish.first)
			*ret = wish.first;
		if (*ret > wish.last)
			*ret = piece.first;
		if (!avoid || *ret != *avoid || step_aside(piece, wish, ret))
			return true;
	}
	return false;
}

static uint128_t pick_first(const struct dimension *dimension, const uint64_t *set,
			    const struct span *wishes, size_t count, bool step,
			    const uint128_t *avoid)
{
	const struct span all = { 0, dimension->last };
	uint128_t value = 0;

	for (size_t i = 0; i < count; i++)
		if (pick(dimension, set, wishes[i], step, avoid, &value))
			return value;
	if (!pick(dimension, set, all, step, avoid, &value))
		pick(dimension, set, all, step, NULL, &value);
	return value;
}

/* @avoid: the other end's, since nothing sends to itself from elsewhere; or NULL */
static struct address pick_address(const struct space *space,
				   const struct region *region, size_t number,
				   const uint128_t *avoid)
{
	size_t end = number == DIM_DESTINATION;
	const struct span *wishes =
		space->family == FAMILY_IPV4 ? usual4[end] : usual6[end];

	return (struct address){
		.family = space->family,
		.value = pick_first(&space->dimensions[number], region->sets[number],
				    wishes, ARRAY_SIZE(usual4[0]), true, avoid),
	};
}

static void pick_service(const struct space *space, const struct region *region,
			 struct witness *ret)
{
	uint32_t service = (uint32_t)pick_first(
		&space->dimensions[DIM_SERVICE], region->sets[DIM_SERVICE],
		usual_services, ARRAY_SIZE(usual_services), false, NULL);

	ret->protocol = (uint8_t)(service >> 16);
	ret->port = (uint16_t)service;
}

/* Rather an interface of a zone than one of none, and another than @other. */
static void pick_interface(const struct space *space, const struct region *region,
			   size_t number, const char *other,
			   char out[static INTERFACE_MAX_CHARS + 1],
			   const char **ret_zone)
{
	size_t which = space->list_count - 1;
	const struct policy *policy = space->lists[which].input.policy;

	for (size_t i = 0; i < space->atoms.count; i++) {
		const struct atom *atom = &space->atoms.items[i];

		if (!bitmap_has(region->sets[number],
				dimension_find(&space->dimensions[number], i)))
			continue;
		if (out[0] && strcmp(out, other) != 0)
			return;
		strcpy(out, atom->interface);
		*ret_zone = atom->zones[which] == ATOM_NO_ZONE
				    ? ""
				    : policy->zones[atom->zones[which]].name;
	}
}

static bool may_be_translated(const struct space *space, const struct witness *witness)
{
	for (size_t i = 0; i < space->list_count; i++) {
		const struct policy *policy = space->lists[i].input.policy;

		for (size_t j = 0; j < policy->nat_count; j++) {
			const struct nat *nat = &policy->nats[j];

			if (nat->kind == NAT_FORWARD &&
			    nat->protocol == witness->protocol &&
			    nat->target.family == space->family &&
			    witness->port >= nat->port.first &&
			    witness->port <= nat->port.last)
				return true;
		}
	}
	return false;
}

void witness_find(const struct space *space, const struct region *region,
		  struct witness *ret)
{
	uint128_t week_s = 0;

	*ret = (struct witness){
		.direction = space->direction,
		.in_zone = "",
		.out_zone = "",
		.any_source = boxes_full(space, region, DIM_SOURCE),
		.any_destination = boxes_full(space, region, DIM_DESTINATION),
		.timed = !boxes_full(space, region, DIM_TIME),
	};
	if (space->direction != DIRECTION_OUTPUT)
		pick_interface(space, region, DIM_IN, "", ret->in_interface,
			       &ret->in_zone);
	if (space->direction != DIRECTION_INPUT || !boxes_full(space, region, DIM_OUT))
		pick_interface(space, region, DIM_OUT, ret->in_interface,
			       ret->out_interface, &ret->out_zone);
	ret->source = pick_address(space, region, DIM_SOURCE, NULL);
	ret->destination =
		pick_address(space, region, DIM_DESTINATION, &ret->source.value);
	pick_service(space, region, ret);
	pick(&space->dimensions[DIM_TIME], region->sets[DIM_TIME],
	     (struct span){ 0, WEEK_S - 1 }, false, NULL, &week_s);
	ret->week_s = (uint32_t)week_s;
	ret->translated =
		space->direction == DIRECTION_INPUT && may_be_translated(space, ret);
	for (size_t i = DIM_FEEDS; i < space->dimension_count; i++)
		ret->unknown_feed |= !boxes_full(space, region, i);
}

static struct packet_end end_of(const struct witness *witness, bool source)
{
	enum direction here = source ? DIRECTION_OUTPUT : DIRECTION_INPUT;
	bool host = witness->direction == here;
	bool any = source ? witness->any_source : witness->any_destination;
	struct packet_end end = {
		.address = source ? witness->source : witness->destination,
		.has_port = !source && packet_has_ports(witness->protocol),
	};

	/* What is sent to a group comes to this machine, but is not its own address. */
	if (host && !address_is_multicast(end.address))
		end.place = PLACE_HOST;
	else
		end.place = PLACE_ADDRESS;
	end.has_address = end.place == PLACE_ADDRESS || !any;
	if (end.has_port)
		end.port = witness->port;
	return end;
}

static void set_side(struct packet_side *side, const char *interface, const char *zone)
{
	strcpy(side->interface, interface);
	side->zone = zone[0] ? zone : NULL;
}

void witness_packet(const struct witness *witness, struct packet *ret)
{
	*ret = (struct packet){
		.protocol = witness->protocol,
		.family = witness->source.family,
		.source = end_of(witness, true),
		.destination = end_of(witness, false),
		.direction = witness->direction,
		.count = 1,
	};
	if (witness->protocol == IPPROTO_ICMP || witness->protocol == IPPROTO_ICMPV6)
		ret->icmp_type = (uint8_t)witness->port;
	set_side(&ret->in, witness->in_interface, witness->in_zone);
	set_side(&ret->out, witness->out_interface, witness->out_zone);
}
