/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump of nf_tables' named counters. */
#include "observe/decode.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "observe/netlink.h"

struct receiver {
	decode_on_counter on_counter;
	void *context;
};

static enum message_result on_message(const struct message *message, void *context)
{
	const struct receiver *receiver = context;
	struct bytes object[NFTA_OBJ_MAX + 1], data[NFTA_COUNTER_MAX + 1];
	struct counter counter;
	uint32_t type;

	if (message->type != NFT_MSG_NEWOBJ)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, object, NFTA_OBJ_MAX + 1) ||
	    !bytes_be32(object[NFTA_OBJ_TYPE], &type))
		return MESSAGE_MALFORMED;
	if (type != NFT_OBJECT_COUNTER)
		return MESSAGE_SKIPPED;
	counter.name = bytes_text(object[NFTA_OBJ_NAME]);
	if (!counter.name ||
	    !netlink_split(object[NFTA_OBJ_DATA], data, NFTA_COUNTER_MAX + 1) ||
	    !bytes_be64(data[NFTA_COUNTER_PACKETS], &counter.packets) ||
	    !bytes_be64(data[NFTA_COUNTER_BYTES], &counter.bytes))
		return MESSAGE_MALFORMED;
	receiver->on_counter(&counter, receiver->context);
	return MESSAGE_TAKEN;
}

struct decode_summary decode_counters(const void *data, size_t size_bytes,
				      decode_on_counter on_counter, void *context)
{
	struct receiver receiver = { on_counter, context };

	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_message,
			    &receiver);
}
