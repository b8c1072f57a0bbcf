/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conntrack's events and dumps. */
#include "observe/decode.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "observe/netlink.h"
#include "observe/siphash.h"

struct tuple {
	struct address source;
	struct address destination;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t port; /* or the ICMP type */
	uint16_t icmp_id;
};

struct receiver {
	decode_on_flow on_flow;
	void *context;
};

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_UDPLITE;
}

static bool read_addresses(struct bytes attributes, uint8_t family, struct tuple *ret)
{
	bool ipv4 = family == AF_INET;
	enum family as = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	size_t size_bytes = ipv4 ? 4 : 16;
	struct bytes ip[CTA_IP_MAX + 1], source, destination;

	if (!netlink_split(attributes, ip, CTA_IP_MAX + 1))
		return false;
	source = ip[ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC];
	destination = ip[ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST];
	if (!source.at || source.left != size_bytes || !destination.at ||
	    destination.left != size_bytes)
		return false;
	ret->source = address_from_wire(as, source.at);
	ret->destination = address_from_wire(as, destination.at);
	return true;
}

static bool read_icmp(const struct bytes *proto, bool v6, struct tuple *ret)
{
	struct bytes type = proto[v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE];

	if (!type.at || type.left != 1)
		return false;
	ret->port = type.at[0];
	return bytes_be16(proto[v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID],
			  &ret->icmp_id);
}

static bool read_protocol(struct bytes attributes, struct tuple *ret)
{
	struct bytes proto[CTA_PROTO_MAX + 1];

	if (!netlink_split(attributes, proto, CTA_PROTO_MAX + 1) ||
	    !proto[CTA_PROTO_NUM].at || proto[CTA_PROTO_NUM].left != 1)
		return false;
	ret->protocol = proto[CTA_PROTO_NUM].at[0];
	if (ret->protocol == IPPROTO_ICMP || ret->protocol == IPPROTO_ICMPV6)
		return read_icmp(proto, ret->protocol == IPPROTO_ICMPV6, ret);
	/* The kernel says GRE's keys in the same attributes: those are no ports. */
	if (!has_ports(ret->protocol))
		return true;
	return bytes_be16(proto[CTA_PROTO_SRC_PORT], &ret->source_port) &&
	       bytes_be16(proto[CTA_PROTO_DST_PORT], &ret->port);
}

static bool read_tuple(struct bytes attributes, uint8_t family, struct tuple *ret)
{
	struct bytes tuple[CTA_TUPLE_MAX + 1];

	*ret = (struct tuple){ 0 };
	return netlink_split(attributes, tuple, CTA_TUPLE_MAX + 1) &&
	       tuple[CTA_TUPLE_IP].at && tuple[CTA_TUPLE_PROTO].at &&
	       read_addresses(tuple[CTA_TUPLE_IP], family, ret) &&
	       read_protocol(tuple[CTA_TUPLE_PROTO], ret);
}

static bool read_totals(struct bytes attributes, struct flow_totals *ret)
{
	struct bytes counters[CTA_COUNTERS_MAX + 1];

	if (!attributes.at)
		return true;
	if (!netlink_split(attributes, counters, CTA_COUNTERS_MAX + 1) ||
	    !bytes_be64(counters[CTA_COUNTERS_PACKETS], &ret->packets) ||
	    !bytes_be64(counters[CTA_COUNTERS_BYTES], &ret->bytes))
		return false;
	ret->known = true;
	return true;
}

/* The kernel's id is a keyed hash of its own, so nobody can aim at a collision, and a
 * key of ours would only make this function impure. */
static uint64_t name_connection(const struct tuple *tuple, uint32_t id)
{
	struct {
		uint128_t source, destination;
		uint32_t id;
		uint16_t source_port, port, icmp_id;
		uint8_t protocol, family;
		uint32_t zero;
	} text;

	memset(&text, 0, sizeof(text));
	text.source = tuple->source.value;
	text.destination = tuple->destination.value;
	text.id = id;
	text.source_port = tuple->source_port;
	text.port = tuple->port;
	text.icmp_id = tuple->icmp_id;
	text.protocol = tuple->protocol;
	text.family = (uint8_t)tuple->source.family;
	return siphash((struct siphash_key){ 0, 0 }, &text, sizeof(text));
}

static void fill_flow(struct flow *flow, const struct tuple *original)
{
	flow->protocol = original->protocol;
	flow->source = original->source;
	flow->destination = original->destination;
	flow->source_port = original->source_port;
	flow->port = original->port;
	flow->translated = original->destination;
	flow->translated_port = original->port;
}

/* Answers come from where the original direction really went. */
static void fill_translated(struct flow *flow, const struct tuple *reply)
{
	flow->translated = reply->source;
	if (has_ports(reply->protocol))
		flow->translated_port = reply->source_port;
}

static bool event_of(const struct message *message, enum flow_event *ret)
{
	if (message->type == IPCTNL_MSG_CT_DELETE)
		*ret = FLOW_END;
	else if (message->type != IPCTNL_MSG_CT_NEW)
		return false;
	else if (message->flags & NLM_F_CREATE)
		*ret = FLOW_NEW;
	else if (message->flags & NLM_F_MULTI)
		*ret = FLOW_RUNNING;
	else
		return false; /* an update: it never carries counters */
	return true;
}

static enum message_result on_message(const struct message *message, void *context)
{
	const struct receiver *receiver = context;
	struct bytes ct[CTA_MAX + 1];
	struct tuple original, reply;
	struct flow flow = { 0 };
	uint32_t id = 0;

	if ((message->family != AF_INET && message->family != AF_INET6) ||
	    !event_of(message, &flow.event))
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, ct, CTA_MAX + 1) ||
	    !read_tuple(ct[CTA_TUPLE_ORIG], message->family, &original) ||
	    !read_totals(ct[CTA_COUNTERS_ORIG], &flow.original) ||
	    !read_totals(ct[CTA_COUNTERS_REPLY], &flow.reply) ||
	    (ct[CTA_MARK].at && !bytes_be32(ct[CTA_MARK], &flow.mark)) ||
	    (ct[CTA_ID].at && !bytes_be32(ct[CTA_ID], &id)))
		return MESSAGE_MALFORMED;
	fill_flow(&flow, &original);
	if (ct[CTA_TUPLE_REPLY].at) {
		if (!read_tuple(ct[CTA_TUPLE_REPLY], message->family, &reply))
			return MESSAGE_MALFORMED;
		fill_translated(&flow, &reply);
	}
	flow.key = name_connection(&original, id);
	receiver->on_flow(&flow, receiver->context);
	return MESSAGE_TAKEN;
}

struct decode_summary decode_conntrack(const void *data, size_t size_bytes,
				       decode_on_flow on_flow, void *context)
{
	struct receiver receiver = { on_flow, context };

	return netlink_each(data, size_bytes, NFNL_SUBSYS_CTNETLINK, on_message,
			    &receiver);
}
