/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a random policy says of a random packet, told in the simplest way. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "policy/policy.h"
#include "tests/kernel/random_policy.h"

struct told {
	char decider[128]; /* of the log, "" when nothing was logged */
	bool came_out;
};

/* A policy with all that decides about its packets. */
struct oracle {
	struct policy *policy;
	struct address_set feeds[WORLD_FEEDS];
	int32_t utc_offset_s;
	int32_t now_s; /* of the week, UTC */
};

static inline uint32_t zone_of(const struct policy *policy, uint32_t device)
{
	for (uint32_t i = 0; i < policy->zone_count; i++) {
		if (strcmp(policy->zones[i].name, world_zones[device]) == 0)
			return i;
	}
	return UINT32_MAX;
}

static inline bool end_matches(const struct oracle *oracle, const struct endpoint *end,
			       uint32_t zone, struct address address)
{
	bool in_zone = end->host || end->any_zone;

	for (size_t i = 0; i < end->zone_count; i++)
		in_zone |= end->zones[i] == zone;
	if (!in_zone || !end->restricted)
		return in_zone;
	for (size_t i = 0; i < end->feed_count; i++) {
		if (address_set_contains(&oracle->feeds[end->feeds[i]], address))
			return true;
	}
	return address_set_contains(&end->addresses, address);
}

static inline bool traffic_matches(const struct traffic_list *list,
				   const struct probe_packet *packet)
{
	if (list->count == 0)
		return true;
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		if (traffic->protocol != packet->protocol)
			continue;
		if (traffic->range_count == 0)
			return true;
		for (size_t j = 0; j < traffic->range_count; j++) {
			if (packet->port >= traffic->ranges[j].first &&
			    packet->port <= traffic->ranges[j].last)
				return true;
		}
	}
	return false;
}

static inline bool schedule_matches(const struct oracle *oracle,
				    const struct schedule *schedule)
{
	const int32_t day_s = 86400, week_s = 7 * day_s;
	int32_t local_s = (oracle->now_s + oracle->utc_offset_s + week_s) % week_s;
	int32_t today_s = local_s % day_s, day = local_s / day_s;
	bool over_midnight = schedule->to_s <= schedule->from_s;
	bool today = schedule->days >> day & 1;
	bool yesterday = schedule->days >> (day + 6) % 7 & 1;

	if (!schedule->set)
		return true;
	if (!over_midnight)
		return today && today_s >= (int32_t)schedule->from_s &&
		       today_s < (int32_t)schedule->to_s;
	return (today && today_s >= (int32_t)schedule->from_s) ||
	       (yesterday && today_s < (int32_t)schedule->to_s);
}

static inline enum direction rule_direction(const struct rule *rule)
{
	return rule->to.host     ? DIRECTION_INPUT
	       : rule->from.host ? DIRECTION_OUTPUT
				 : DIRECTION_FORWARD;
}

/* Behind which device a destination is. */
static inline uint32_t device_of(struct address address)
{
	if (address.family == FAMILY_IPV4)
		return (uint32_t)(address.value >> 8) & 0xff;
	return (uint32_t)(address.value >> 64) & 0xffff;
}

static inline bool is_banned(const struct oracle *oracle,
			     const struct probe_packet *packet)
{
	const struct address_set *ban = &oracle->policy->ban;

	if (address_set_contains(ban, packet->destination))
		return true;
	return packet->direction != DIRECTION_OUTPUT &&
	       address_set_contains(ban, packet->source);
}

static inline struct told expect(const struct probe_packet *packet, const char *id,
				 enum verdict verdict, bool logged)
{
	struct told outcome = { .came_out = verdict == VERDICT_ALLOW };

	if (packet->direction == DIRECTION_INPUT)
		outcome.came_out = false;
	if (logged)
		snprintf(outcome.decider, sizeof(outcome.decider), "%s %s", id,
			 verdict_name(verdict));
	return outcome;
}

/* What the policy says of a packet, told in the simplest way. */
static inline struct told decide(const struct oracle *oracle,
				 const struct probe_packet *packet)
{
	const struct policy *policy = oracle->policy;
	enum verdict defaults[] = { policy->default_input, policy->default_forward,
				    policy->default_output };
	uint32_t from = zone_of(policy, packet->device);
	uint32_t to = zone_of(policy, device_of(packet->destination));
	char id[32];

	if (is_banned(oracle, packet))
		return expect(packet, "ban", VERDICT_DROP, true);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule_direction(rule) == packet->direction &&
		    end_matches(oracle, &rule->from, from, packet->source) &&
		    end_matches(oracle, &rule->to, to, packet->destination) &&
		    traffic_matches(&rule->traffic, packet) &&
		    schedule_matches(oracle, &rule->schedule))
			return expect(packet, rule->id, rule->verdict, true);
	}
	snprintf(id, sizeof(id), "default.%s", direction_name(packet->direction));
	return expect(packet, id, defaults[packet->direction],
		      defaults[packet->direction] != VERDICT_ALLOW);
}

static inline struct address make_address(uint32_t net, uint32_t device, uint32_t host,
					  bool v6)
{
	struct address address = { FAMILY_IPV4, 10u << 24 | net << 16 | host };

	if (net == 2)
		address.value |= device << 8;
	if (!v6)
		return address;
	address.family = FAMILY_IPV6;
	address.value = (uint128_t)0x20010db8u << 96 | (uint128_t)net << 80 | host;
	if (net == 2)
		address.value |= (uint128_t)device << 64;
	return address;
}

/* Types that begin a connection as conntrack sees it. */
static inline uint16_t random_icmp_type(bool v6)
{
	static const uint16_t types4[] = { 8, 13, 15, 17 }, types6[] = { 128, 139 };

	return v6 ? types6[random_below(2)] : types4[random_below(4)];
}

static inline struct probe_packet random_packet(uint32_t serial)
{
	static const uint8_t protocols[] = { IPPROTO_TCP,  IPPROTO_TCP, IPPROTO_UDP,
					     IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_SCTP };
	bool v6 = random_chance(45);
	struct probe_packet packet = {
		.direction = (enum direction)random_below(3),
		.device = random_below(WORLD_DEVICES),
		.protocol = protocols[random_below(ARRAY_SIZE(protocols))],
		.port = (uint16_t)(1 + random_below(WORLD_PORTS + 4)),
		.serial = serial,
	};
	uint32_t out = random_below(WORLD_DEVICES);

	packet.source = make_address(packet.direction == DIRECTION_OUTPUT ? 1 : 0, 0,
				     random_below(WORLD_HOSTS), v6);
	packet.destination = make_address(packet.direction == DIRECTION_INPUT ? 1 : 2,
					  out, random_below(WORLD_HOSTS), v6);
	if (packet.protocol == IPPROTO_ICMP) {
		packet.protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		packet.port = random_icmp_type(v6);
	}
	return packet;
}
