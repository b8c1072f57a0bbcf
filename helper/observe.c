/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/observe.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

#include "helper/netlink.h"

enum { LOG_DELAY = 20 }; /* in 1/100 s */

static const uint32_t groups[] = { [HELPER_FD_CONNTRACK] = NF_NETLINK_CONNTRACK_NEW |
							   NF_NETLINK_CONNTRACK_DESTROY,
				   [HELPER_FD_TABLES] = 1U << (NFNLGRP_NFTABLES - 1) };

static int add_socket(struct exchange *exchange, uint32_t group_mask)
{
	int fd = netlink_open(group_mask);

	if (fd < 0)
		return fd;
	exchange->sent[exchange->sent_count++] = fd;
	return 0;
}

/* The group is ours alone by number; only headers' worth of each packet leaves. */
static int bind_log(int fd)
{
	struct nfulnl_msg_config_cmd bind_group = { NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(HELPER_LOG_BYTES),
					       .copy_mode = NFULNL_COPY_PACKET };
	char buffer[256] = { 0 };
	struct nlmsghdr *message =
		netlink_put(buffer, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
			    NLM_F_ACK, AF_UNSPEC, HELPER_LOG_GROUP);
	int error;

	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(bind_group), &bind_group);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(LOG_DELAY));
	mnl_attr_put_u16(message, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	error = netlink_send(fd, message, message->nlmsg_len);
	error = error ? error : netlink_result(fd, NULL);
	/* EPERM is what the kernel says when the group is another socket's. */
	return error == -EPERM ? -EBUSY : error;
}

/*
 * Safe with a hostile agent: what it reads are events of its own network namespace,
 * which it is trusted to record, and of packets no more than their first 128 bytes. It
 * can't send on these sockets (the kernel looks at the sender's capabilities as well)
 * nor join other groups. It could set NETLINK_BROADCAST_ERROR and stop reading, which
 * keeps ended connections in the kernel's table until that is full: a denial of
 * service, no more than rules that drop everything.
 */
void observe_open(struct exchange *exchange)
{
	int error = 0;

	for (uint32_t i = 0; i < HELPER_FDS_MAX && !error; i++) {
		if (!(exchange->request.kind >> i & 1))
			continue;
		error = add_socket(exchange, groups[i]);
		if (!error && i == HELPER_FD_LOG)
			error = bind_log(exchange->sent[exchange->sent_count - 1]);
	}
	if (error)
		wire_refuse(&exchange->reply, error, "event sockets: %s",
			    strerror(-error));
}

static const struct {
	int subsystem, type;
	uint8_t family;
	uint16_t table; /* attribute that names the table, 0 for none */
} dumps[] = {
	[HELPER_DUMP_CONNTRACK] = { NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, 0, 0 },
	[HELPER_DUMP_COUNTERS] = { NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ, NFPROTO_INET,
				   NFTA_OBJ_TABLE },
	[HELPER_DUMP_SETS] = { NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSET, NFPROTO_INET,
			       NFTA_SET_TABLE },
	[HELPER_DUMP_CHAINS] = { NFNL_SUBSYS_NFTABLES, NFT_MSG_GETCHAIN, NFPROTO_INET,
				 0 },
};

/*
 * Safe with a hostile agent: a request of fixed contents, for connections of this
 * network namespace, for counters and sets of Vigil's own table, or for chains of
 * family inet, of which the kernel knows no narrower dump: names and hooks, no rules.
 * Nothing is changed by it, and the holder can't ask again, see above. libnftables has
 * no part in it: even a terse listing reads all elements of all sets, which takes
 * minutes.
 */
void observe_dump(struct exchange *exchange)
{
	uint32_t kind = exchange->request.kind;
	char buffer[256] = { 0 };
	struct nlmsghdr *message =
		netlink_put(buffer, dumps[kind].subsystem << 8 | dumps[kind].type,
			    NLM_F_DUMP, dumps[kind].family, 0);
	int error = add_socket(exchange, 0);

	if (dumps[kind].table)
		mnl_attr_put_strz(message, dumps[kind].table, "vigil");
	if (!error)
		error = netlink_send(exchange->sent[0], message, message->nlmsg_len);
	if (error)
		wire_refuse(&exchange->reply, error, "dump: %s", strerror(-error));
}
