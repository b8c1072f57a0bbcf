/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/trace.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "observe/netlink.h"

struct decoding {
	trace_on_event on_event;
	void *context;
};

/* NFTA_TRACE_VERDICT, or the same written as a policy. */
static bool read_verdict(struct bytes nest, struct trace_event *event)
{
	struct bytes table[NFTA_VERDICT_MAX + 1];
	uint32_t code;

	if (!netlink_split(nest, table, NFTA_VERDICT_MAX + 1) ||
	    !bytes_be32(table[NFTA_VERDICT_CODE], &code))
		return false;
	event->verdict = (int)code;
	event->target = bytes_text(table[NFTA_VERDICT_CHAIN]);
	return true;
}

static bool read_end(const struct bytes *table, struct trace_event *event)
{
	uint32_t policy;

	if (event->kind == TRACE_POLICY) {
		if (!bytes_be32(table[NFTA_TRACE_POLICY], &policy))
			return false;
		event->verdict = (int)policy;
		return true;
	}
	/* The end of a chain that no rule decided is told as a rule without a handle.
	 */
	if (event->kind == TRACE_RULE && !table[NFTA_TRACE_RULE_HANDLE].at)
		event->kind = TRACE_RETURN;
	else if (event->kind == TRACE_RULE &&
		 !bytes_be64(table[NFTA_TRACE_RULE_HANDLE], &event->handle))
		return false;
	return read_verdict(table[NFTA_TRACE_VERDICT], event);
}

static bool known_kind(uint32_t kind)
{
	return kind == TRACE_RULE || kind == TRACE_RETURN || kind == TRACE_POLICY;
}

static enum message_result read_event(const struct message *message, void *context)
{
	const struct decoding *decoding = context;
	struct bytes table[NFTA_TRACE_MAX + 1];
	struct trace_event event = { 0 };
	uint32_t kind;

	if (message->type != NFT_MSG_TRACE)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, table, NFTA_TRACE_MAX + 1) ||
	    !bytes_be32(table[NFTA_TRACE_ID], &event.id) ||
	    !bytes_be32(table[NFTA_TRACE_TYPE], &kind))
		return MESSAGE_MALFORMED;
	if (!known_kind(kind))
		return MESSAGE_SKIPPED;
	event.kind = (enum trace_kind)kind;
	event.table = bytes_text(table[NFTA_TRACE_TABLE]);
	event.chain = bytes_text(table[NFTA_TRACE_CHAIN]);
	if (!event.table || !event.chain || !read_end(table, &event))
		return MESSAGE_MALFORMED;
	bytes_be32(table[NFTA_TRACE_IIF], &event.in);
	bytes_be32(table[NFTA_TRACE_OIF], &event.out);
	event.has_packet =
		wire_read(table[NFTA_TRACE_NETWORK_HEADER].at,
			  table[NFTA_TRACE_NETWORK_HEADER].left,
			  table[NFTA_TRACE_TRANSPORT_HEADER].at,
			  table[NFTA_TRACE_TRANSPORT_HEADER].left, &event.packet);
	decoding->on_event(&event, decoding->context);
	return MESSAGE_TAKEN;
}

uint32_t trace_decode(const void *data, size_t size_bytes, trace_on_event on_event,
		      void *context)
{
	struct decoding decoding = { on_event, context };

	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, read_event,
			    &decoding)
		.malformed;
}

const char *trace_verdict_name(int verdict)
{
	switch (verdict) {
	case TRACE_DROP:
		return "drop";
	case TRACE_ACCEPT:
		return "accept";
	case TRACE_STOLEN:
		return "stolen";
	case TRACE_QUEUE:
		return "queue";
	case TRACE_CONTINUE:
		return "continue";
	case TRACE_BREAK:
		return "break";
	case TRACE_JUMP:
		return "jump";
	case TRACE_GOTO:
		return "goto";
	case TRACE_RETURNED:
		return "return";
	default:
		return "unknown";
	}
}
