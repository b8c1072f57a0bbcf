/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/elements.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "helper/cleanup.h"
#include "helper/netlink.h"
#include "helper/wire.h"

/*
 * An attribute's length has 16 bits. A range of 8 bytes takes 40 as attributes, one of
 * 32 takes 64, and a block's header more than its message's; pages not used cost
 * nothing.
 */
enum { LIST_MAX = 65000, GROWTH = 6 };

struct batch {
	char *data;
	size_t used;
	struct nlmsghdr *last;
};

static void put_frame(struct batch *batch, int type)
{
	struct nlmsghdr *message = netlink_put(batch->data + batch->used, type, 0,
					       AF_UNSPEC, NFNL_SUBSYS_NFTABLES);

	batch->used += message->nlmsg_len;
}

static void put_key(struct nlmsghdr *message, const uint8_t *key, size_t key_bytes,
		    uint32_t flags)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM), *value;

	if (flags)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(flags));
	value = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	mnl_attr_put(message, NFTA_DATA_VALUE, key_bytes, key);
	mnl_attr_nest_end(message, value);
	mnl_attr_nest_end(message, element);
}

/* The kernel's intervals end with the first address that is not in them. One that
 * reaches the top of the number space has no end. */
static void put_range(struct nlmsghdr *message, const uint8_t *keys, size_t key_bytes)
{
	uint8_t after[16];

	put_key(message, keys, key_bytes, 0);
	memcpy(after, keys + key_bytes, key_bytes);
	if (wire_increment(after, key_bytes))
		put_key(message, after, key_bytes, NFT_SET_ELEM_INTERVAL_END);
}

/*
 * Safe with a hostile agent: the table is fixed; a set's name has a checked alphabet
 * and is looked up in that table alone, where the kernel checks elements against the
 * set; a tag names "at." and 32 hex digits. The elements' memory is
 * charged to this process' control group; that of notifications, see HELPER_FD_TABLES,
 * is not.
 */
static void put_block(struct batch *batch, const struct helper_block *block,
		      uint32_t seq)
{
	static const int types[] = { [HELPER_ADD] = NFT_MSG_NEWSETELEM,
				     [HELPER_DELETE] = NFT_MSG_DELSETELEM,
				     [HELPER_TAG_ADD] = NFT_MSG_NEWCHAIN,
				     [HELPER_TAG_DELETE] = NFT_MSG_DELCHAIN };
	bool add = block->op == HELPER_ADD || block->op == HELPER_TAG_ADD;
	int flags = add ? NLM_F_CREATE | NLM_F_EXCL : 0;
	const uint8_t *keys = (const uint8_t *)(block + 1);
	const uint8_t *end = keys + (size_t)block->count * 2 * block->key_bytes;
	char tag[HELPER_SET_NAME_MAX + sizeof(HELPER_TAG_PREFIX)];

	snprintf(tag, sizeof(tag), HELPER_TAG_PREFIX "%s", block->set);
	do {
		struct nlmsghdr *message =
			netlink_put(batch->data + batch->used,
				    NFNL_SUBSYS_NFTABLES << 8 | types[block->op], flags,
				    NFPROTO_INET, 0);
		struct nlattr *list;

		message->nlmsg_seq = seq;
		/* NFTA_CHAIN_TABLE is the same number. */
		mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, "vigil");
		if (block->key_bytes == 0) {
			mnl_attr_put_strz(message, NFTA_CHAIN_NAME, tag);
		} else {
			mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, block->set);
			list = mnl_attr_nest_start(message,
						   NFTA_SET_ELEM_LIST_ELEMENTS);
			for (; keys < end && message->nlmsg_len < LIST_MAX;
			     keys += 2 * block->key_bytes)
				put_range(message, keys, block->key_bytes);
			mnl_attr_nest_end(message, list);
		}
		batch->last = message;
		batch->used += message->nlmsg_len;
	} while (keys < end);
}

/* Send all as one batch, which the kernel carries out as a whole or not at all. Return:
 * 0 or -errno; @fault: the number of the block that failed, 0 for none in particular.
 */
static int send_batch(const struct batch *batch, uint32_t *fault)
{
	int bytes = (int)batch->used, error;
	auto_fd int fd = netlink_open(0);

	if (fd < 0)
		return fd;
	/* The first is refused in a user namespace; the second then gives what may be.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	error = netlink_send(fd, batch->data, batch->used);
	return error ? error : netlink_result(fd, fault);
}

void elements_apply(const struct work *work, struct helper_reply *reply)
{
	size_t capacity = GROWTH * (work->payload_bytes + 64), step;
	const char *data = work->payload;
	struct batch batch = { 0 };
	uint32_t fault = 0;
	int error;

	batch.data = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (batch.data == MAP_FAILED)
		_exit(1);
	put_frame(&batch, NFNL_MSG_BATCH_BEGIN);
	for (size_t at = 0; at < work->payload_bytes; at += step) {
		step = wire_block_check(data + at, work->payload_bytes - at);
		if (!step) {
			wire_refuse(reply, -EINVAL, "malformed elements at %zu", at);
			return;
		}
		put_block(&batch, (const void *)(data + at), (uint32_t)at + 1);
	}
	/* The end of a batch is acknowledged only since 6.10. */
	batch.last->nlmsg_flags |= NLM_F_ACK;
	put_frame(&batch, NFNL_MSG_BATCH_END);
	error = send_batch(&batch, &fault);
	data += fault ? fault - 1 : 0;
	if (error)
		wire_refuse(reply, error, "%s: %s",
			    ((const struct helper_block *)data)->set, strerror(-error));
}
