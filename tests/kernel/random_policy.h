/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random policies for the property test, and the little world they speak of:
 * sources 10.0.0.x, this machine 10.1.0.x, and behind device D the net 10.2.D.x; the
 * same with 2001:db8:0::x, 2001:db8:1::x and 2001:db8:2:D::x. x is below WORLD_HOSTS.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/policy.h"

enum { WORLD_HOSTS = 64, WORLD_DEVICES = 5, WORLD_PORTS = 12, WORLD_FEEDS = 3 };

/* Zones: wan is t0; lan is t1 and every tb but tb1; dmz is tb1; x0 is in none. */
static const char *const world_devices[WORLD_DEVICES] = { "t0", "t1", "tb0", "tb1",
							  "x0" };
static const char *const world_zones[WORLD_DEVICES] = { "wan", "lan", "lan", "dmz",
							"" };

/* A packet in that world. */
struct probe_packet {
	enum direction direction;
	uint32_t device; /* in for input and forward, out for output */
	struct address source;
	struct address destination;
	uint8_t protocol;
	uint16_t port; /* or ICMP type */
	uint32_t serial;
};

static uint64_t random_state = 1;

/* Each seed is a run of its own. */
static inline void random_start(uint64_t seed)
{
	random_state = seed * 2654435761u + 88172645463325252u;
}

/* A number in the environment that chooses another run. */
static inline uint64_t random_setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % limit;
}

static bool random_chance(uint32_t percent)
{
	return random_below(100) < percent;
}

/* @net: 0 for sources, 1 for this machine, 2 for what is behind devices. */
static void write_host(struct buffer *out, uint32_t net, uint32_t device, uint32_t host,
		       bool v6)
{
	if (v6 && net == 2)
		buffer_printf(out, "2001:db8:2:%x::%x", device, host);
	else if (v6)
		buffer_printf(out, "2001:db8:%x::%x", net, host);
	else
		buffer_printf(out, "10.%u.%u.%u", net, net == 2 ? device : 0, host);
}

static void write_random_range(struct buffer *out, uint32_t net)
{
	static const char *const wide[] = { "0.0.0.0/0", "::/0", "10.0.0.0/8",
					    "2001:db8::/32", "10.2.0.0/16" };
	bool v6 = random_chance(40);
	uint32_t device = random_below(WORLD_DEVICES);
	uint32_t first = random_below(WORLD_HOSTS), bits = random_below(6);

	if (random_chance(6)) {
		buffer_text(out, wide[random_below(ARRAY_SIZE(wide))]);
		return;
	}
	if (random_chance(40)) {
		write_host(out, net, device, first, v6);
	} else if (random_chance(50)) {
		write_host(out, net, device, first & ~((1u << bits) - 1), v6);
		buffer_printf(out, "/%u", (v6 ? 128 : 32) - bits);
	} else {
		write_host(out, net, device, first, v6);
		buffer_text(out, "-");
		write_host(out, net, device, first + random_below(20), v6);
	}
}

static void write_random_ranges(struct buffer *out, uint32_t net, uint32_t count)
{
	buffer_text(out, "[");
	for (uint32_t i = 0; i < count; i++) {
		buffer_text(out, i ? ", \"" : "\"");
		write_random_range(out, net);
		buffer_text(out, "\"");
	}
	buffer_text(out, "]");
}

static uint32_t random_count(void)
{
	return random_chance(60) ? 1 : 1 + random_below(4);
}

/* Both families, so that no two ends miss each other. */
static void write_both_families(struct buffer *out, uint32_t net)
{
	buffer_text(out, "[");
	write_host(out, net, random_below(WORLD_DEVICES), random_below(WORLD_HOSTS),
		   false);
	buffer_text(out, ", \"");
	write_host(out, net, random_below(WORLD_DEVICES), random_below(WORLD_HOSTS),
		   true);
	buffer_text(out, "\", \"");
	write_random_range(out, net);
	buffer_text(out, "\"]");
}

static void write_zones(struct buffer *out)
{
	static const char *const zones[] = { "any", "wan",        "lan",
					     "dmz", "[wan, lan]", "[dmz, lan]" };

	buffer_printf(out, "zone: %s", zones[random_below(ARRAY_SIZE(zones))]);
}

/* @net: -1 for the host without addresses. @groups: of this net. */
static void write_end(struct buffer *out, const char *key, uint32_t net, bool host)
{
	buffer_printf(out, ", %s: { ", key);
	if (host)
		buffer_text(out, "zone: host");
	else
		write_zones(out);
	if (random_chance(45)) {
		static const char *const named[] = { "few", "many", "list" };

		if (random_chance(45)) {
			buffer_text(out, ", address: ");
			write_both_families(out, net);
		} else if (random_chance(20)) {
			buffer_printf(out, ", group: [few%u, list%u]", net, net);
		} else {
			buffer_printf(out, ", group: %s%u",
				      named[random_below(ARRAY_SIZE(named))], net);
		}
	}
	buffer_text(out, " }");
}

static void write_ports(struct buffer *out)
{
	uint32_t count = random_count();

	buffer_text(out, "[");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = 1 + random_below(WORLD_PORTS);

		if (random_chance(50))
			buffer_printf(out, i ? ", %u" : "%u", first);
		else
			buffer_printf(out, i ? ", %u-%u" : "%u-%u", first,
				      first + random_below(6));
	}
	buffer_text(out, "]");
}

static void write_traffic_item(struct buffer *out)
{
	switch (random_below(9)) {
	case 0:
		buffer_text(out, "{ icmp: [echo-request] }");
		break;
	case 1:
		buffer_text(out, "{ icmp: [8, 13], icmpv6: 128 }");
		break;
	case 2:
		buffer_text(out, "{ icmp: all, icmpv6: all }");
		break;
	case 3:
		buffer_text(out, "{ protocol: 47 }");
		break;
	case 4:
		buffer_text(out, random_chance(50) ? "{ tcp: all }" : "{ udp: all }");
		break;
	case 5:
		buffer_text(out, "{ sctp: ");
		write_ports(out);
		buffer_text(out, " }");
		break;
	default:
		buffer_printf(out, "{ %s: ", random_chance(60) ? "tcp" : "udp");
		write_ports(out);
		buffer_text(out, " }");
	}
}

static void write_traffic(struct buffer *out)
{
	if (random_chance(20)) {
		buffer_text(out, "all");
		return;
	}
	/* One with ports, so that a rule's families always meet. */
	buffer_printf(out, "[{ tcp: %u }, ", 1 + random_below(WORLD_PORTS));
	write_traffic_item(out);
	buffer_text(out, "]");
}

/* @now_s: since midnight, local time. Far enough from any limit. */
static void write_time(struct buffer *out, int32_t now_s)
{
	int32_t hour = now_s / 3600;
	int32_t from = (hour + 22) % 24, to = (hour + 3) % 24;

	if (random_chance(50)) {
		int32_t swapped = from;

		from = to;
		to = swapped;
	}
	buffer_printf(out, ", time: { from: \"%02d:00\", to: \"%02d:00\" }", from, to);
}

static void write_rule(struct buffer *out, uint32_t number, int32_t now_s)
{
	static const char *const verbs[] = { "allow", "drop", "reject" };
	uint32_t direction = random_below(3);

	buffer_printf(out, "  - { id: rule%u, log: true", number);
	write_end(out, "from", direction == 2 ? 1 : 0, direction == 2);
	write_end(out, "to", direction == 0 ? 1 : 2, direction == 0);
	buffer_printf(out, ", %s: ", verbs[random_below(3)]);
	write_traffic(out);
	if (random_chance(10))
		write_time(out, now_s);
	buffer_text(out, " }\n");
}

/* Groups "few", "many" and feeds "list" for each of the three nets. */
static void write_groups(struct buffer *out)
{
	buffer_text(out, "groups:\n");
	for (uint32_t net = 0; net < 3; net++) {
		buffer_printf(out, "  few%u: ", net);
		write_both_families(out, net);
		buffer_printf(out, "\n  many%u: ", net);
		write_random_ranges(out, net, 70);
		buffer_text(out, "\n");
	}
	buffer_text(out, "feeds:\n");
	for (uint32_t net = 0; net < 3; net++)
		buffer_printf(out, "  list%u: { file: none }\n", net);
}

/* The policy's text. */
static void write_policy(struct buffer *out, int32_t now_s)
{
	static const char *const verdicts[] = { "allow", "drop", "reject" };
	uint32_t count = random_chance(15) ? 60 : 1 + random_below(25);

	buffer_text(out, "version: 1\n"
			 "zones: { wan: t0, lan: [t1, \"tb*\"], dmz: [tb1] }\n");
	buffer_printf(out, "defaults: { input: %s, forward: %s, output: %s }\n",
		      verdicts[random_below(3)], verdicts[random_below(3)],
		      verdicts[random_below(3)]);
	if (random_chance(20)) {
		buffer_text(out, "ban: ");
		write_random_ranges(out, random_below(3), 1);
		buffer_text(out, "\n");
	}
	write_groups(out);
	buffer_text(out, "rules:\n");
	for (uint32_t i = 0; i < count; i++)
		write_rule(out, i, now_s);
}

static inline void random_feed(struct address_set *feed, uint32_t net)
{
	uint32_t count = random_below(40);

	for (uint32_t i = 0; i < count; i++) {
		auto_buffer struct buffer text = BUFFER_NULL;
		struct address_range range;

		write_random_range(&text, net);
		/* Some are too wide for a list, and some have no place. */
		if (range_parse(text.data, &range) == 0 && !strstr(text.data, "/0"))
			address_set_add(feed, range);
	}
	address_set_finish(feed);
}

/* A policy that must be good. */
static inline struct policy *read_policy(const char *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct policy *policy;

	if (policy_read(text, strlen(text), &policy, &faults) < 0) {
		fprintf(stderr, "%s\n%u: %s\n", text, faults.list[0].position.line,
			faults.list[0].text);
		exit(1);
	}
	return policy;
}
