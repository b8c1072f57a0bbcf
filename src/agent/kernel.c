/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains, sets and counters come in a dump each. Nobody but Vigil changes the table; if
 * somebody does between two of them, the kernel refuses the transaction that follows.
 */
#include "agent/kernel.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "agent/dump.h"
#include "compile/compile.h"
#include "compile/inventory.h"
#include "observe/netlink.h"

enum { TRIES = 5 };

struct listing {
	struct inventory inventory;
	int error;
};

static void keep(struct listing *listing, const char ***names, size_t *count,
		 struct bytes table, struct bytes name)
{
	const char *owner = bytes_text(table), *text = bytes_text(name);

	if (!owner || !text || strcmp(owner, TABLE_NAME) != 0)
		return;
	listing->inventory.table = true;
	if (inventory_add_name(&listing->inventory, names, count, text) < 0)
		listing->error = -ENOMEM;
}

static enum message_result on_chain(const struct message *message, void *context)
{
	struct listing *listing = context;
	struct inventory *inventory = &listing->inventory;
	struct bytes chain[NFTA_CHAIN_MAX + 1];

	if (message->type != NFT_MSG_NEWCHAIN || message->family != NFPROTO_INET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, chain, NFTA_CHAIN_MAX + 1))
		return MESSAGE_MALFORMED;
	keep(listing, &inventory->chains, &inventory->chain_count,
	     chain[NFTA_CHAIN_TABLE], chain[NFTA_CHAIN_NAME]);
	return MESSAGE_TAKEN;
}

static enum message_result on_set(const struct message *message, void *context)
{
	struct listing *listing = context;
	struct inventory *inventory = &listing->inventory;
	struct bytes set[NFTA_SET_MAX + 1];
	uint32_t flags = 0;

	if (message->type != NFT_MSG_NEWSET || message->family != NFPROTO_INET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, set, NFTA_SET_MAX + 1))
		return MESSAGE_MALFORMED;
	/* Anonymous ones belong to their rule. */
	if (bytes_be32(set[NFTA_SET_FLAGS], &flags) && flags & NFT_SET_ANONYMOUS)
		return MESSAGE_SKIPPED;
	keep(listing, &inventory->sets, &inventory->set_count, set[NFTA_SET_TABLE],
	     set[NFTA_SET_NAME]);
	return MESSAGE_TAKEN;
}

static enum message_result on_counter(const struct message *message, void *context)
{
	struct listing *listing = context;
	struct inventory *inventory = &listing->inventory;
	struct bytes object[NFTA_OBJ_MAX + 1];

	if (message->type != NFT_MSG_NEWOBJ || message->family != NFPROTO_INET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, object, NFTA_OBJ_MAX + 1))
		return MESSAGE_MALFORMED;
	keep(listing, &inventory->counters, &inventory->counter_count,
	     object[NFTA_OBJ_TABLE], object[NFTA_OBJ_NAME]);
	return MESSAGE_TAKEN;
}

static struct decode_summary decode_chains(const void *data, size_t size_bytes,
					   void *context)
{
	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_chain, context);
}

static struct decode_summary decode_sets(const void *data, size_t size_bytes,
					 void *context)
{
	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_set, context);
}

static struct decode_summary decode_counter_names(const void *data, size_t size_bytes,
						  void *context)
{
	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_counter,
			    context);
}

static int list(int helper, struct listing *listing, struct helper_refusal *refusal)
{
	int error =
		dump_read(helper, HELPER_DUMP_CHAINS, decode_chains, listing, refusal);

	if (!error)
		error = dump_read(helper, HELPER_DUMP_SETS, decode_sets, listing,
				  refusal);
	/* Without the table; then there are no chains of it either. */
	if (error == -ENOENT)
		return listing->error;
	if (!error)
		error = dump_read(helper, HELPER_DUMP_COUNTERS, decode_counter_names,
				  listing, refusal);
	return error ? error : listing->error;
}

int kernel_inventory(int helper, struct inventory *ret, struct helper_refusal *refusal)
{
	int error = -EAGAIN;

	for (int i = 0; i < TRIES && error == -EAGAIN; i++) {
		struct listing listing = { 0 };

		error = list(helper, &listing, refusal);
		if (error) {
			inventory_done(&listing.inventory);
			continue;
		}
		inventory_finish(&listing.inventory);
		*ret = listing.inventory;
	}
	return error;
}
