/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy model: what a checked policy file says, with every name resolved. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/fault.h"

/* Bounds on what a policy file may hold. Beyond them it is refused with a sentence. */
enum {
	POLICY_BYTES_MAX = 8 * 1024 * 1024,
	POLICY_MEMORY_MAX = 256 * 1024 * 1024,
	POLICY_DEPTH_MAX = 16,      /* nesting of YAML collections */
	POLICY_NODES_MAX = 2000000, /* YAML nodes after aliases are followed */
	NAME_MAX_CHARS = 63,        /* of zones, groups, ports, feeds and rule ids */
	INTERFACE_MAX_CHARS = 15,   /* IFNAMSIZ - 1 */
	POLICY_ZONES_MAX = 250,
	POLICY_RULES_MAX = 50000,
	POLICY_TESTS_MAX = 10000,
};

enum verdict { VERDICT_ALLOW, VERDICT_DROP, VERDICT_REJECT };

enum direction { DIRECTION_INPUT, DIRECTION_FORWARD, DIRECTION_OUTPUT };

/* A named set of network interfaces. */
struct zone {
	const char *name;
	struct position position;
	const char **interfaces; /* a name of at most 15 characters, or such a prefix
				    and "*" */
	size_t interface_count;
};

/* A long address list in a file of its own (or at a URL, fetched into a file
 * elsewhere). */
struct feed {
	const char *name;
	struct position position;
	const char *file;   /* as written; relative to the policy file's directory */
	uint32_t refresh_s; /* 0: only at reload */
	struct address_set never; /* taken out whatever the list says */
	uint32_t max_entries;
	bool keep_on_error; /* keep the last good list when this one cannot be used */
	bool allow_empty;   /* an empty file empties the list */
};

/* Addresses that have a name, with those of the groups in it. Ends of rules have them
 * merged already; this is for those who tell a person what a set of addresses is. */
struct address_group {
	const char *name;
	struct position position;
	struct address_set addresses; /* finished */
};

struct port_range {
	uint16_t first;
	uint16_t last;
};

/*
 * Traffic of one protocol. For TCP, UDP and SCTP the ranges are destination ports, for
 * ICMP and ICMPv6 they are types (0 to 255). No ranges: all of the protocol. Ranges are
 * sorted and disjoint.
 */
struct traffic {
	uint8_t protocol; /* IPPROTO_* */
	struct port_range *ranges;
	size_t range_count;
};

/* What a rule speaks of: one entry a protocol, sorted by protocol; none at all means
 * all. */
struct traffic_list {
	struct traffic *items;
	size_t count;
};

/*
 * One end of a rule. Without @restricted any address matches; with it an address must
 * be in @addresses or in one of the @feeds.
 */
struct endpoint {
	struct position position;
	bool host;     /* this machine; then there are no zones */
	bool any_zone; /* every interface, in a zone or in none; then there are no zones
			*/
	uint32_t *zones; /* indices into policy.zones, ascending */
	size_t zone_count;
	bool restricted;
	/* Finished. All groups merged, or all addresses; where an end names both, what
	 * they have in common. A restricted end without feeds is never empty. */
	struct address_set addresses;
	uint32_t *feeds; /* indices into policy.feeds, ascending */
	size_t feed_count;
};

enum limit_scope { LIMIT_NONE, LIMIT_PER_RULE, LIMIT_PER_SOURCE };

struct limit {
	enum limit_scope scope;
	uint32_t count;    /* packets that open a connection ... */
	uint32_t period_s; /* ... in this many seconds: 1, 60, 3600 or 86400 */
	uint32_t burst;
};

struct connection_limit {
	enum limit_scope scope;
	uint32_t max;
};

/* A weekly window in local time. */
struct schedule {
	bool set;
	uint8_t days;    /* bit 0 is Sunday, as struct tm counts */
	uint32_t from_s; /* seconds since midnight */
	uint32_t to_s;   /* exclusive, up to 86400; at or below from_s: over midnight */
};

struct rule {
	const char *id;
	struct position position; /* of its id */
	const char *comment;      /* may be NULL */
	struct endpoint from;
	struct endpoint to;
	enum verdict verdict;
	struct traffic_list traffic;
	struct limit limit;                  /* only with VERDICT_ALLOW */
	struct connection_limit connections; /* only with VERDICT_ALLOW */
	bool log;
	struct schedule schedule;
};

enum nat_kind { NAT_MASQUERADE, NAT_FORWARD };

/* Address translation. A forward also lets the translated traffic through. */
struct nat {
	enum nat_kind kind;
	const char *id; /* given, or "masquerade.N", "forward.N" counting from 1 */
	struct position position;
	uint32_t *from_zones; /* ascending; never empty */
	size_t from_zone_count;
	uint32_t *to_zones; /* masquerade: ascending, never empty; forward: none */
	size_t to_zone_count;
	bool ipv4, ipv6;  /* masquerade: which families (IPv4 alone unless asked) */
	uint8_t protocol; /* forward: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP */
	struct port_range
		port; /* forward: the port on this machine; a single one or a range */
	struct address target;         /* forward */
	struct port_range target_port; /* forward: as wide as @port */
};

/* One end of a packet that is to be tried. */
enum packet_place {
	PLACE_ANY,    /* some address that the policy knows nothing of */
	PLACE_HOST,   /* this machine, by @address where that is given */
	PLACE_ADDRESS /* @address */
};

struct packet_end {
	struct position position;
	enum packet_place place;
	bool has_address;
	struct address address;
	bool has_port;
	uint16_t port;
};

/* What the packet is to connection tracking. */
enum packet_state {
	STATE_UNSAID, /* it begins a connection, or is whatever the kernel says */
	STATE_NEW,
	STATE_ESTABLISHED,
	STATE_RELATED,
	STATE_INVALID,
};

/* An interface by which a packet passes. */
struct packet_side {
	char interface[INTERFACE_MAX_CHARS + 1]; /* "" for none */
	const char *zone; /* borrowed from the policy; NULL: in no zone */
};

/* A packet to be tried, see policy/packet.h. */
struct packet {
	struct position position;
	uint8_t protocol; /* IPPROTO_* */
	enum family family;
	struct packet_end source, destination;
	uint8_t icmp_type;
	uint8_t tcp_flags; /* TH_*; 0: those that the state asks for */
	enum packet_state state;
	uint32_t count; /* how many of them */
	enum direction direction;
	struct packet_side in, out;
	const struct nat *forward; /* what sends it on elsewhere, or NULL */
};

/* A moment of the week, in local time. */
struct moment {
	bool set;
	uint8_t day; /* 0 is Sunday */
	uint32_t second;
};

/* One entry of `tests`. */
struct test {
	struct position position;
	const char *name; /* may be NULL */
	struct packet packet;
	struct moment at; /* not set: now, whenever that is */
	enum verdict expect;
	const char *by; /* an id, or one with ".over" behind it; may be NULL */
};

struct flow_settings {
	uint32_t keep_s;         /* 30 days */
	uint64_t max_size_bytes; /* 1 GiB */
	bool denied;             /* remember denied packets; true */
	uint32_t mark_mask; /* contiguous bits of the connection mark; 0xffff0000 */
};

struct policy {
	struct arena arena; /* owns all but the address sets */
	struct zone *zones;
	size_t zone_count;
	struct address_group *groups;
	size_t group_count;
	struct feed *feeds;
	size_t feed_count;
	struct address_set ban; /* groups and addresses of `ban`, merged */
	uint32_t *ban_feeds;
	size_t ban_feed_count;
	enum verdict default_input, default_forward, default_output;
	struct rule *rules;
	size_t rule_count;
	struct nat *nats;
	size_t nat_count;
	struct flow_settings flows;
	struct test *tests;
	size_t test_count;
};

/**
 * policy_read() - Read and check a policy
 * @text:   borrowed; needs no NUL at its end and may hold any bytes
 * @ret:    set on success only; free with policy_free()
 * @faults: without errors before; all errors and warnings found, sorted; the caller
 *          releases it
 *
 * Return: 0, -EINVAL when @faults holds at least one error, -ENOMEM.
 */
int policy_read(const char *text, size_t size_bytes, struct policy **ret,
		struct faults *faults);

/**
 * policy_load() - Read a policy's text, ready for policy_read()
 * @path:   "-" reads standard input, unless @regular
 * @regular: as the agent reads: what is no regular file is refused, since it could be
 *          waited for without end
 * @ret:    set on success only; the caller frees it
 * @faults: why it could not be read, in words and without a line
 *
 * Return: 0, -EINVAL with @faults, or -ENOMEM.
 */
int policy_load(const char *path, bool regular, char **ret, size_t *ret_bytes,
		struct faults *faults);

void policy_free(struct policy *policy);

static inline void policy_cleanup(struct policy **policy)
{
	policy_free(*policy);
}

#define auto_policy __attribute__((cleanup(policy_cleanup)))

/** verdict_name(), direction_name() - "allow", "drop", "reject"; "input", "forward",
 * "output". */
const char *verdict_name(enum verdict verdict);
const char *direction_name(enum direction direction);
