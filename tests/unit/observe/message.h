/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages as the kernel would write them, and a place to catch flows. */
#pragma once

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "observe/decode.h"

struct datagram {
	char data[8192];
	size_t size_bytes;
	struct nlmsghdr *last;
};

static inline struct nlmsghdr *message_begin(struct datagram *datagram, uint16_t type,
					     uint16_t flags, uint8_t family)
{
	struct nfgenmsg *generic;

	datagram->last = mnl_nlmsg_put_header(datagram->data + datagram->size_bytes);
	datagram->last->nlmsg_type = type;
	datagram->last->nlmsg_flags = flags;
	if (type < NLMSG_MIN_TYPE)
		return datagram->last;
	generic = mnl_nlmsg_put_extra_header(datagram->last, sizeof(*generic));
	generic->nfgen_family = family;
	return datagram->last;
}

static inline void message_end(struct datagram *datagram)
{
	datagram->size_bytes += ((size_t)datagram->last->nlmsg_len + 3) / 4 * 4;
}

struct test_tuple {
	const char *source;
	const char *destination;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t port;
};

static inline void put_address(struct nlmsghdr *message, uint16_t v4_type,
			       const char *text)
{
	uint8_t wire[16];

	if (inet_pton(AF_INET, text, wire) == 1)
		mnl_attr_put(message, v4_type, 4, wire);
	else if (inet_pton(AF_INET6, text, wire) == 1)
		mnl_attr_put(message, (uint16_t)(v4_type + 2), 16, wire);
}

static inline void put_tuple(struct nlmsghdr *message, uint16_t type,
			     const struct test_tuple *tuple)
{
	struct nlattr *outer = mnl_attr_nest_start(message, type), *inner;

	inner = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	put_address(message, CTA_IP_V4_SRC, tuple->source);
	put_address(message, CTA_IP_V4_DST, tuple->destination);
	mnl_attr_nest_end(message, inner);
	inner = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, tuple->protocol);
	if (tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6) {
		uint16_t first = tuple->protocol == IPPROTO_ICMP ? CTA_PROTO_ICMP_ID
								 : CTA_PROTO_ICMPV6_ID;

		mnl_attr_put_u16(message, first, htons(tuple->source_port));
		mnl_attr_put_u8(message, (uint16_t)(first + 1), (uint8_t)tuple->port);
		mnl_attr_put_u8(message, (uint16_t)(first + 2), 0);
	} else {
		mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT,
				 htons(tuple->source_port));
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(tuple->port));
	}
	mnl_attr_nest_end(message, inner);
	mnl_attr_nest_end(message, outer);
}

static inline void put_counters(struct nlmsghdr *message, uint16_t type,
				uint64_t packets, uint64_t bytes)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put_u64(message, CTA_COUNTERS_PACKETS, htobe64(packets));
	mnl_attr_put_u64(message, CTA_COUNTERS_BYTES, htobe64(bytes));
	mnl_attr_nest_end(message, nest);
}

struct caught {
	struct flow flows[16];
	size_t count;
};

static inline void catch_flow(const struct flow *flow, void *context)
{
	struct caught *caught = context;

	if (caught->count < 16)
		caught->flows[caught->count] = *flow;
	caught->count++;
}

static inline bool same_address(struct address address, const char *text)
{
	struct address other;

	return address_parse(text, &other) == 0 && other.family == address.family &&
	       other.value == address.value;
}
