/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random policies of a world so small that every packet of it can be looked at, and
 * what a policy says of a packet, told in the simplest way.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/policy.h"

/* Hosts 0 to 3 stand in policies, 4 is somebody else. The zones are a, b and none. */
enum { WORLD_HOSTS = 4, WORLD_PORTS = 4, WORLD_ZONES = 3 };

static const char *const world_interfaces[WORLD_ZONES] = { "a0", "b0", "x0" };

static uint64_t world_state = 1;

static uint32_t world_below(uint32_t limit)
{
	world_state ^= world_state << 13;
	world_state ^= world_state >> 7;
	world_state ^= world_state << 17;
	return (uint32_t)(world_state >> 20) % limit;
}

static bool world_chance(uint32_t percent)
{
	return world_below(100) < percent;
}

/* @side: 0 for sources, 1 for destinations. */
static struct address world_address(enum family family, uint32_t side, uint32_t host)
{
	struct address address = { family, (10u << 24) | side << 16 | host };

	if (family == FAMILY_IPV6)
		address.value = (uint128_t)0x20010db8u << 96 | side << 16 | host;
	return address;
}

static void world_write_range(struct buffer *out, uint32_t side)
{
	enum family family = world_chance(30) ? FAMILY_IPV6 : FAMILY_IPV4;
	uint32_t first = world_below(WORLD_HOSTS);
	uint32_t last = first + world_below(WORLD_HOSTS - first);
	char text[RANGE_TEXT_MAX];

	range_format((struct address_range){ family,
					     world_address(family, side, first).value,
					     world_address(family, side, last).value },
		     text);
	buffer_printf(out, "\"%s\"", text);
}

/* Always both families, so that ends can meet. */
static void world_write_end(struct buffer *out, const char *key, uint32_t side,
			    bool host, bool feeds)
{
	static const char *const zones[] = { "any", "any", "any", "a", "b", "[a, b]" };

	buffer_printf(out, ", %s: { zone: %s", key,
		      host ? "host" : zones[world_below(ARRAY_SIZE(zones))]);
	if (feeds && world_chance(15)) {
		buffer_printf(out,
			      world_chance(50) ? ", group: bad"
					       : ", group: [bad, few%u]",
			      side);
	} else if (world_chance(40)) {
		char four[ADDRESS_TEXT_MAX], six[ADDRESS_TEXT_MAX];

		buffer_printf(
			out, ", address: [%s, \"%s\", ",
			address_format(world_address(FAMILY_IPV4, side, world_below(4)),
				       four),
			address_format(world_address(FAMILY_IPV6, side, world_below(4)),
				       six));
		world_write_range(out, side);
		buffer_text(out, "]");
	}
	buffer_text(out, " }");
}

static void world_write_traffic(struct buffer *out)
{
	uint32_t first = 1 + world_below(WORLD_PORTS);
	uint32_t last = first + world_below(WORLD_PORTS + 1 - first);

	switch (world_below(9)) {
	case 0:
	case 7:
		buffer_text(out, "all");
		break;
	case 1:
		buffer_text(out, "{ icmp: all, icmpv6: all }");
		break;
	case 2:
		buffer_text(out, "[ping, { udp: 2 }]");
		break;
	case 3:
		buffer_text(out, "[{ tcp: all }, { protocol: gre }]");
		break;
	default:
		buffer_printf(out, "{ tcp: %u-%u, udp: %u }", first, last,
			      1 + world_below(WORLD_PORTS));
	}
}

static void world_write_rule(struct buffer *out, uint32_t number, bool feeds)
{
	static const char *const verbs[] = { "allow", "allow", "drop", "reject" };
	uint32_t direction = world_below(3), verb = world_below(4);

	buffer_printf(out, "  - { id: rule%u", number);
	world_write_end(out, "from", 0, direction == 2, feeds);
	world_write_end(out, "to", 1, direction == 0, feeds);
	buffer_printf(out, ", %s: ", verbs[verb]);
	world_write_traffic(out);
	if (verb < 2 && world_chance(10))
		buffer_text(out, ", limit: { rate: 5/minute }");
	if (world_chance(10))
		buffer_text(out, world_chance(50) ? ", time: { days: [mon] }"
						  : ", time: { from: \"22:00\", to: "
						    "\"06:00\" }");
	if (world_chance(10))
		buffer_text(out, ", log: true");
	buffer_text(out, " }\n");
}

static void world_write_nat(struct buffer *out)
{
	buffer_text(out, "nat:\n");
	for (uint32_t i = 0; i < 2; i++)
		buffer_printf(out,
			      "  - forward: { id: nat%u, from: %s, tcp: %u-%u, to: "
			      "\"10.1.0.%u:%u-%u\" }\n",
			      i, world_chance(50) ? "a" : "[a, b]", i + 1, i + 2,
			      world_below(WORLD_HOSTS), i + 2, i + 3);
}

static inline void world_write(struct buffer *out, bool feeds)
{
	static const char *const verdicts[] = { "allow", "drop", "reject" };
	uint32_t count = 1 + world_below(14);

	buffer_printf(out,
		      "version: 1\nzones: { a: [a0], b: [\"b*\"] }\n"
		      "groups: { few0: [10.0.0.1, \"2001:db8::1\"], few1: [10.1.0.2, "
		      "\"2001:db8::1:2\"] }\n"
		      "feeds: { bad: { file: bad.txt } }\n"
		      "flows: { denied: %s }\n"
		      "defaults: { input: %s, forward: %s, output: %s }\n",
		      world_chance(50) ? "true" : "false", verdicts[world_below(3)],
		      verdicts[world_below(3)], verdicts[world_below(3)]);
	if (world_chance(20)) {
		buffer_text(out, "ban: [");
		world_write_range(out, world_below(2));
		buffer_text(out, feeds ? ", bad]\n" : "]\n");
	}
	buffer_text(out, "rules:\n");
	for (uint32_t i = 0; i < count; i++)
		world_write_rule(out, i, feeds);
	if (world_chance(40))
		world_write_nat(out);
}

static struct policy *world_read(const char *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct policy *policy = NULL;

	if (policy_read(text, strlen(text), &policy, &faults) < 0) {
		fprintf(stderr, "%s\n%u: %s\n", text, faults.list[0].position.line,
			faults.list[0].text);
		abort();
	}
	return policy;
}

struct sample {
	enum direction direction;
	enum family family;
	uint32_t in, out; /* zones by index, 2 for none */
	uint8_t protocol;
	uint16_t port;
	struct address source, destination;
	uint32_t week_s;
	bool source_bad, destination_bad, target_bad; /* in feed bad */
};

/* Who decides. */
struct answer {
	const char *id;
	enum verdict verdict;
	const struct rule *rule;
	const struct nat *nat;
	size_t place; /* behind which rule it stands */
};

static bool end_holds(const struct endpoint *end, uint32_t zone, struct address address,
		      bool bad)
{
	bool in_zone = end->host || end->any_zone;

	for (size_t i = 0; i < end->zone_count; i++)
		in_zone |= end->zones[i] == zone;
	return in_zone && (!end->restricted || (end->feed_count && bad) ||
			   address_set_contains(&end->addresses, address));
}

static bool traffic_holds(const struct traffic_list *list, uint8_t protocol,
			  uint16_t port)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *item = &list->items[i];

		if (item->protocol != protocol)
			continue;
		for (size_t j = 0; j < item->range_count; j++)
			if (port >= item->ranges[j].first &&
			    port <= item->ranges[j].last)
				return true;
		return item->range_count == 0;
	}
	return list->count == 0;
}

static bool time_holds(const struct schedule *schedule, uint32_t week_s)
{
	uint32_t day = week_s / 86400, now = week_s % 86400;

	if (!schedule->set)
		return true;
	if (schedule->to_s > schedule->from_s)
		return (schedule->days >> day & 1) && now >= schedule->from_s &&
		       now < schedule->to_s;
	return ((schedule->days >> day & 1) && now >= schedule->from_s) ||
	       ((schedule->days >> (day + 6) % 7 & 1) && now < schedule->to_s);
}

static enum direction direction_of(const struct rule *rule)
{
	return rule->to.host     ? DIRECTION_INPUT
	       : rule->from.host ? DIRECTION_OUTPUT
				 : DIRECTION_FORWARD;
}

static const struct nat *find_nat(const struct policy *policy, const struct sample *p)
{
	for (size_t i = 0; i < policy->nat_count; i++) {
		const struct nat *nat = &policy->nats[i];

		for (size_t j = 0; j < nat->from_zone_count; j++)
			if (p->direction == DIRECTION_INPUT &&
			    nat->kind == NAT_FORWARD && nat->from_zones[j] == p->in &&
			    nat->target.family == p->family &&
			    nat->protocol == p->protocol &&
			    p->port >= nat->port.first && p->port <= nat->port.last)
				return nat;
	}
	return NULL;
}

static bool is_banned(const struct policy *policy, const struct sample *p)
{
	bool feed = policy->ban_feed_count > 0;

	if (address_set_contains(&policy->ban, p->destination) ||
	    (feed && p->destination_bad))
		return true;
	return p->direction != DIRECTION_OUTPUT &&
	       (address_set_contains(&policy->ban, p->source) ||
		(feed && p->source_bad));
}

/* @without: by rule, those that are left out; or NULL. */
static inline struct answer world_decide(const struct policy *policy,
					 const struct sample *original,
					 const bool *without)
{
	static const char *const defaults[] = { "default.input", "default.forward",
						"default.output" };
	const enum verdict verdicts[] = { policy->default_input,
					  policy->default_forward,
					  policy->default_output };
	struct sample p = *original;
	const struct nat *nat;

	if (is_banned(policy, &p))
		return (struct answer){ .id = "ban", .verdict = VERDICT_DROP };
	nat = find_nat(policy, &p);
	if (nat) {
		p.direction = DIRECTION_FORWARD;
		p.destination = nat->target;
		p.destination_bad = p.target_bad;
		p.port = (uint16_t)(p.port - nat->port.first + nat->target_port.first);
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (!(without && without[i]) && direction_of(rule) == p.direction &&
		    end_holds(&rule->from, p.in, p.source, p.source_bad) &&
		    end_holds(&rule->to, p.out, p.destination, p.destination_bad) &&
		    traffic_holds(&rule->traffic, p.protocol, p.port) &&
		    time_holds(&rule->schedule, p.week_s))
			return (struct answer){ rule->id, rule->verdict, rule, nat, i };
	}
	if (nat)
		return (struct answer){ nat->id, VERDICT_ALLOW, NULL, nat, 0 };
	return (struct answer){ .id = defaults[p.direction],
				.verdict = verdicts[p.direction] };
}

/* Every packet of a direction and family that policies can tell from others. */
struct world_walk {
	enum direction direction;
	enum family family;
	bool feeds; /* answers about feed bad differ too */
};

typedef void world_visitor(const struct sample *packet, void *context);

static void visit_services(struct sample *packet, world_visitor *visitor, void *context)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	bool v4 = packet->family == FAMILY_IPV4;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		packet->protocol = protocols[i];
		for (packet->port = 0; packet->port <= WORLD_PORTS + 1; packet->port++)
			visitor(packet, context);
	}
	packet->port = 0;
	packet->protocol = IPPROTO_GRE;
	visitor(packet, context);
	packet->protocol = 200;
	visitor(packet, context);
	packet->protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	packet->port = v4 ? 8 : 128;
	visitor(packet, context);
	packet->port = v4 ? 13 : 139;
	visitor(packet, context);
	packet->port = v4 ? 17 : 135;
	/* Neighbour discovery with this machine never comes to a rule. */
	if (v4 || packet->direction == DIRECTION_FORWARD)
		visitor(packet, context);
}

static void visit_feeds(struct sample *packet, bool feeds, world_visitor *visitor,
			void *context)
{
	for (uint32_t i = 0; i < (feeds ? 8 : 1); i++) {
		packet->source_bad = i & 1;
		packet->destination_bad = i >> 1 & 1;
		packet->target_bad = i >> 2 & 1;
		visit_services(packet, visitor, context);
	}
}

static inline void world_visit(const struct world_walk *walk, world_visitor *visitor,
			       void *context)
{
	/* Saturday 23:00, Monday 05:00, Monday 12:00, Tuesday 12:00. */
	static const uint32_t times[] = { 6 * 86400 + 23 * 3600, 86400 + 5 * 3600,
					  86400 + 12 * 3600, 2 * 86400 + 12 * 3600 };
	enum { HOSTS = WORLD_HOSTS + 1 };
	uint32_t ways = WORLD_ZONES * WORLD_ZONES * HOSTS * HOSTS;
	struct sample packet = { .direction = walk->direction, .family = walk->family };

	for (uint32_t i = 0; i < ways * ARRAY_SIZE(times); i++) {
		uint32_t rest = i;

		packet.in = rest % WORLD_ZONES;
		rest /= WORLD_ZONES;
		packet.out = rest % WORLD_ZONES;
		rest /= WORLD_ZONES;
		packet.source = world_address(walk->family, 0, rest % HOSTS);
		rest /= HOSTS;
		packet.destination = world_address(walk->family, 1, rest % HOSTS);
		packet.week_s = times[rest / HOSTS];
		visit_feeds(&packet, walk->feeds, visitor, context);
	}
}
