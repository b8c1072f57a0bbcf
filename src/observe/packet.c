/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets from nflog: the prefix our rules wrote, and the first bytes of the packet. */
#include "observe/decode.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <string.h>

#include "observe/netlink.h"

enum {
	IPV4_HEADER_BYTES = 20,
	IPV6_HEADER_BYTES = 40,
	EXTENSIONS_MAX = 8,
	NUMBER_DIGITS_MAX = 9, /* so that it fits 32 bits */
};

struct receiver {
	decode_on_flow on_flow;
	void *context;
};

static uint16_t be16_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void read_ports(struct flow *flow, const uint8_t *at, size_t left)
{
	switch (flow->protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (left >= 1)
			flow->port = at[0];
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		if (left >= 4) {
			flow->source_port = be16_at(at);
			flow->port = be16_at(at + 2);
		}
		break;
	default:
		break;
	}
}

static bool read_ipv4(struct flow *flow, const uint8_t *at, size_t left)
{
	size_t header_bytes;

	if (left < IPV4_HEADER_BYTES)
		return false;
	header_bytes = (size_t)(at[0] & 0x0f) * 4;
	if (header_bytes < IPV4_HEADER_BYTES)
		return false;
	flow->original.bytes = be16_at(at + 2);
	flow->protocol = at[9];
	flow->source = address_from_wire(FAMILY_IPV4, at + 12);
	flow->destination = address_from_wire(FAMILY_IPV4, at + 16);
	if (!(be16_at(at + 6) & 0x1fff) && header_bytes <= left)
		read_ports(flow, at + header_bytes, left - header_bytes);
	return true;
}

static bool is_extension(uint8_t header)
{
	return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING ||
	       header == IPPROTO_DSTOPTS || header == IPPROTO_AH ||
	       header == IPPROTO_FRAGMENT;
}

/* What follows the fixed header: RFC 8200 section 4, and RFC 4302 for AH, the one that
 * counts its length in units of 4. */
static void walk_extensions(struct flow *flow, const uint8_t *at, size_t left)
{
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(flow->protocol); i++) {
		uint8_t kind = flow->protocol;
		size_t size_bytes = 8;

		if (left < 8)
			return;
		if (kind == IPPROTO_AH)
			size_bytes = ((size_t)at[1] + 2) * 4;
		else if (kind != IPPROTO_FRAGMENT)
			size_bytes = ((size_t)at[1] + 1) * 8;
		flow->protocol = at[0];
		if (kind == IPPROTO_FRAGMENT && be16_at(at + 2) & 0xfff8)
			return;
		if (size_bytes > left)
			return;
		at += size_bytes;
		left -= size_bytes;
	}
	read_ports(flow, at, left);
}

static bool read_ipv6(struct flow *flow, const uint8_t *at, size_t left)
{
	if (left < IPV6_HEADER_BYTES)
		return false;
	flow->original.bytes = (uint64_t)IPV6_HEADER_BYTES + be16_at(at + 4);
	flow->protocol = at[6];
	flow->source = address_from_wire(FAMILY_IPV6, at + 8);
	flow->destination = address_from_wire(FAMILY_IPV6, at + 24);
	walk_extensions(flow, at + IPV6_HEADER_BYTES, left - IPV6_HEADER_BYTES);
	return true;
}

/* "NUMBER ID VERDICT". */
static void read_prefix(struct flow *flow, const char *prefix)
{
	const char *verdict = strrchr(prefix, ' ');
	size_t digits = strspn(prefix, "0123456789");
	uint32_t number = 0;

	flow->denied = !verdict || strcmp(verdict, " allow") != 0;
	if (digits == 0 || digits > NUMBER_DIGITS_MAX || prefix[digits] != ' ')
		return;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint32_t)(prefix[i] - '0');
	flow->number = number;
}

static bool read_packet(struct flow *flow, struct bytes payload)
{
	bool fits;

	flow->original = (struct flow_totals){ .known = true, .packets = 1 };
	if (payload.at[0] >> 4 == 4)
		fits = read_ipv4(flow, payload.at, payload.left);
	else
		fits = read_ipv6(flow, payload.at, payload.left);
	flow->translated = flow->destination;
	flow->translated_port = flow->port;
	return fits;
}

static enum message_result on_message(const struct message *message, void *context)
{
	const struct receiver *receiver = context;
	struct bytes log[NFULA_MAX + 1], payload;
	struct flow flow = { .event = FLOW_PACKET };
	const char *prefix = "";

	if (message->type != NFULNL_MSG_PACKET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, log, NFULA_MAX + 1))
		return MESSAGE_MALFORMED;
	payload = log[NFULA_PAYLOAD];
	if (!payload.left || (payload.at[0] >> 4 != 4 && payload.at[0] >> 4 != 6))
		return MESSAGE_SKIPPED;
	if (log[NFULA_PREFIX].at)
		prefix = bytes_text(log[NFULA_PREFIX]);
	if (!prefix || !read_packet(&flow, payload))
		return MESSAGE_MALFORMED;
	read_prefix(&flow, prefix);
	receiver->on_flow(&flow, receiver->context);
	return MESSAGE_TAKEN;
}

struct decode_summary decode_log(const void *data, size_t size_bytes,
				 decode_on_flow on_flow, void *context)
{
	struct receiver receiver = { on_flow, context };

	return netlink_each(data, size_bytes, NFNL_SUBSYS_ULOG, on_message, &receiver);
}
