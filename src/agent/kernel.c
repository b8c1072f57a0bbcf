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
#include "base/cleanup.h"
#include "compile/compile.h"
#include "compile/inventory.h"
#include "observe/netlink.h"

enum { TRIES = 5 };

/* One of the three kinds: what its messages are, and where their names go. */
struct kind {
	enum helper_dump dump;
	uint8_t type;
	size_t table, name, flags; /* attributes; 0 for no flags */
};

static const struct kind kinds[] = {
	{ HELPER_DUMP_CHAINS, NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, 0 },
	{ HELPER_DUMP_SETS, NFT_MSG_NEWSET, NFTA_SET_TABLE, NFTA_SET_NAME,
	  NFTA_SET_FLAGS },
	{ HELPER_DUMP_COUNTERS, NFT_MSG_NEWOBJ, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, 0 },
};

enum { ATTRIBUTES = 8 }; /* more than the numbers of those above */

struct listing {
	struct inventory inventory;
	const struct kind *kind;
	int error;
};

static void keep(struct listing *listing, const char *name)
{
	struct inventory *inventory = &listing->inventory;
	const char ***names[] = { &inventory->chains, &inventory->sets,
				  &inventory->counters };
	size_t *counts[] = { &inventory->chain_count, &inventory->set_count,
			     &inventory->counter_count };
	size_t i = (size_t)(listing->kind - kinds);

	inventory->table = true;
	if (inventory_add_name(inventory, names[i], counts[i], name) < 0)
		listing->error = -ENOMEM;
}

static enum message_result on_object(const struct message *message, void *context)
{
	struct listing *listing = context;
	const struct kind *kind = listing->kind;
	struct bytes parts[ATTRIBUTES];
	const char *table, *name;
	uint32_t flags = 0;

	if (message->type != kind->type || message->family != NFPROTO_INET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, parts, ATTRIBUTES))
		return MESSAGE_MALFORMED;
	/* Anonymous sets belong to their rule. */
	if (kind->flags && bytes_be32(parts[kind->flags], &flags) &&
	    flags & NFT_SET_ANONYMOUS)
		return MESSAGE_SKIPPED;
	table = bytes_text(parts[kind->table]);
	name = bytes_text(parts[kind->name]);
	if (table && name && strcmp(table, TABLE_NAME) == 0)
		keep(listing, name);
	return MESSAGE_TAKEN;
}

static struct decode_summary decode(const void *data, size_t size_bytes, void *context)
{
	return netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_object, context);
}

static int list(int helper, struct listing *listing, struct helper_refusal *refusal)
{
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !error; i++) {
		listing->kind = &kinds[i];
		error = dump_read(helper, kinds[i].dump, decode, listing, refusal);
	}
	/* Without the table; then there is nothing in it either. */
	if (error == -ENOENT)
		return listing->error;
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
