/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/elements.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "helper/netlink.h"
#include "helper/wire.h"

enum {
	/* What the elements of one message take at most: an attribute's length has 16
	   bits. */
	LIST_MAX = 65000,
	HEADERS_MAX = 256, /* all else in a message */
	SPLIT_MAX = 16 * 1024 * 1024,
};

struct batch {
	int fd;
	char *data;
	size_t used, capacity;
	struct nlmsghdr *last; /* NULL while nothing is in it */
	uint32_t fault; /* number of the block that failed; 0: none in particular */
};

/* Attributes around the two keys of a range take 32 bytes. */
static size_t range_bytes(const struct helper_block *block)
{
	return 32 + 2 * (size_t)block->key_bytes;
}

static size_t encoded_bytes(const struct helper_block *block)
{
	size_t lists = block->count * range_bytes(block);

	return lists + (lists / (LIST_MAX / 2) + 1) * HEADERS_MAX;
}

/* Number the messages by their block, so an error tells which. */
static struct nlmsghdr *put(struct batch *batch, int type, int flags, uint32_t number)
{
	bool frame = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
	struct nlmsghdr *message = netlink_put(
		batch->data + batch->used,
		frame ? type : NFNL_SUBSYS_NFTABLES << 8 | type, flags,
		frame ? AF_UNSPEC : NFPROTO_INET, frame ? NFNL_SUBSYS_NFTABLES : 0);

	message->nlmsg_seq = number;
	batch->last = message;
	return message;
}

/*
 * Send what is in the batch: the kernel carries out all of it or nothing. It
 * acknowledges the end of a batch only since 6.10, so the last message asks for that.
 */
static int commit(struct batch *batch)
{
	struct nlmsghdr *last = batch->last;
	int error;

	if (!last)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	batch->used += put(batch, NFNL_MSG_BATCH_END, 0, 0)->nlmsg_len;
	error = netlink_send(batch->fd, batch->data, batch->used);
	batch->used = 0;
	batch->last = NULL;
	return error ? error : netlink_result(batch->fd, &batch->fault);
}

/* Begin a message, in a new batch when it might not fit this one. */
static int begin(struct batch *batch, int type, int flags, uint32_t number,
		 struct nlmsghdr **ret)
{
	int error = batch->used + LIST_MAX + 2 * HEADERS_MAX > batch->capacity
			    ? commit(batch)
			    : 0;

	if (error)
		return error;
	if (batch->used == 0)
		batch->used = put(batch, NFNL_MSG_BATCH_BEGIN, 0, 0)->nlmsg_len;
	*ret = put(batch, type, flags, number);
	return 0;
}

static void put_key(struct nlmsghdr *message, const uint8_t *key, size_t key_bytes,
		    bool end)
{
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *value;

	if (end)
		mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS,
				 htonl(NFT_SET_ELEM_INTERVAL_END));
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
	size_t i = key_bytes;

	put_key(message, keys, key_bytes, false);
	memcpy(after, keys + key_bytes, key_bytes);
	while (i > 0 && ++after[i - 1] == 0)
		i--;
	if (i > 0)
		put_key(message, after, key_bytes, true);
}

/*
 * Safe with a hostile agent: the table is fixed here, the name has a checked alphabet
 * and is looked up in that table alone, and the kernel checks the elements against the
 * set. The memory they take is charged to this process' control group.
 */
static int put_elements(struct batch *batch, const struct helper_block *block,
			uint32_t number)
{
	const uint8_t *keys = (const uint8_t *)(block + 1);
	bool add = block->op == HELPER_ADD;

	for (size_t i = 0, stop; i < block->count; i = stop) {
		struct nlmsghdr *message;
		struct nlattr *list;
		int error =
			begin(batch, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
			      add ? NLM_F_CREATE | NLM_F_EXCL : 0, number, &message);

		if (error)
			return error;
		mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, "vigil");
		mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, block->set);
		list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
		stop = i + LIST_MAX / range_bytes(block);
		if (stop > block->count)
			stop = block->count;
		for (; i < stop; i++, keys += 2 * block->key_bytes)
			put_range(message, keys, block->key_bytes);
		mnl_attr_nest_end(message, list);
		batch->used += message->nlmsg_len;
	}
	return 0;
}

/* Safe: it can name chains "at." and 32 hex digits in table inet vigil, nothing else.
 */
static int put_tag(struct batch *batch, const struct helper_block *block,
		   uint32_t number)
{
	bool add = block->op == HELPER_TAG_ADD;
	char name[sizeof(HELPER_TAG_PREFIX) + HELPER_TAG_DIGITS];
	struct nlmsghdr *message;
	int error = begin(batch, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN,
			  add ? NLM_F_CREATE | NLM_F_EXCL : 0, number, &message);

	if (error)
		return error;
	snprintf(name, sizeof(name), HELPER_TAG_PREFIX "%.*s", HELPER_TAG_DIGITS,
		 block->set);
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, "vigil");
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, name);
	batch->used += message->nlmsg_len;
	return 0;
}

/* Check everything before anything is done. Return: bytes that it takes as messages. */
static size_t measure(const struct work *work, struct helper_reply *reply)
{
	const char *data = work->payload;
	size_t total = 0;

	for (size_t at = 0, step; at < work->payload_bytes; at += step) {
		step = wire_block_check(data + at, work->payload_bytes - at);
		if (!step) {
			wire_refuse(reply, -EPROTO, "malformed elements at byte %zu",
				    at);
			return 0;
		}
		total += encoded_bytes((const void *)(data + at));
	}
	return total + 2 * (LIST_MAX + HEADERS_MAX);
}

/* A socket and a buffer that take @total bytes at once; fewer will do for a split. */
static int open_batch(struct batch *batch, size_t total, bool split)
{
	int wanted = total < INT_MAX / 2 ? (int)total : INT_MAX / 2;
	socklen_t size = sizeof(wanted);

	batch->capacity = split && total > SPLIT_MAX ? SPLIT_MAX : total;
	batch->fd = netlink_open(0);
	if (batch->fd < 0)
		return batch->fd;
	if (setsockopt(batch->fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, size) < 0)
		setsockopt(batch->fd, SOL_SOCKET, SO_SNDBUF, &wanted, size);
	/* The kernel doubles what it is asked for, and takes some for itself. */
	if (getsockopt(batch->fd, SOL_SOCKET, SO_SNDBUF, &wanted, &size) < 0)
		return -errno;
	if (split && batch->capacity > (size_t)wanted - HEADERS_MAX)
		batch->capacity = (size_t)wanted - HEADERS_MAX;
	if (batch->capacity < LIST_MAX + 4 * HEADERS_MAX)
		return -EMSGSIZE;
	batch->data = mmap(NULL, batch->capacity, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return batch->data == MAP_FAILED ? -ENOMEM : 0;
}

static void explain(const struct work *work, const struct batch *batch, int error,
		    struct helper_reply *reply)
{
	const char *data = work->payload;
	const char *why = error == -ENOENT   ? "it, or a range in it, is not there"
			  : error == -EEXIST ? "it, or a range in it, is there already"
			  : error == -ENOTEMPTY ? "a range overlaps one that is there"
			  : error == -EMSGSIZE  ? "more than one batch can hold here"
						: strerror(-error);
	const char *name = "elements";

	for (uint32_t number = 1; number <= batch->fault; number++) {
		name = ((const struct helper_block *)data)->set;
		data += wire_block_check(data, work->payload_bytes);
	}
	wire_refuse(reply, error, "%s: %s", name, why);
}

void elements_apply(const struct work *work, struct helper_reply *reply)
{
	bool split = work->kind == HELPER_ELEMENTS_SPLIT;
	const char *end = (const char *)work->payload + work->payload_bytes;
	size_t total = measure(work, reply);
	struct batch batch = { 0 };
	uint32_t number = 0;
	int error;

	if (!total)
		return;
	error = open_batch(&batch, total, split);
	for (const char *at = work->payload; at < end && !error;) {
		const struct helper_block *block = (const void *)at;

		error = block->key_bytes ? put_elements(&batch, block, ++number)
					 : put_tag(&batch, block, ++number);
		at += wire_block_check(at, (size_t)(end - at));
	}
	if (!error)
		error = commit(&batch);
	if (error)
		explain(work, &batch, error, reply);
}
