/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/observe.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

#include "helper/netlink.h"
#include "helper/wire.h"

enum {
	RECEIVE_BYTES = 16 * 1024 * 1024, /* 13,000 events; the default holds 166 */
	LOG_DELAY = 20,                   /* in 1/100 s */
};

static const uint32_t groups[] = {
	[HELPER_FD_CONNTRACK] = NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY,
	[HELPER_FD_LOG] = 0,
	[HELPER_FD_TABLES] = 1U << (NFNLGRP_NFTABLES - 1),
};

/* Add a socket to @fds. */
static int open_events(uint32_t group_mask, int fds[], size_t *count)
{
	int size = RECEIVE_BYTES / 2; /* the kernel doubles it */
	int fd = netlink_open(group_mask);

	if (fd < 0)
		return fd;
	/* The first is refused in a user namespace; the second then gives what may be.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	fds[(*count)++] = fd;
	return fd;
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
int observe_open(uint32_t wanted, struct helper_reply *reply, int fds[], size_t *count)
{
	socklen_t size = sizeof(int);
	int bytes = 0;

	for (int i = 0; i < HELPER_FDS_MAX; i++) {
		int fd = wanted >> i & 1 ? open_events(groups[i], fds, count) : 0;
		int error = i == HELPER_FD_LOG && fd > 0 ? bind_log(fd) : fd;

		if (error < 0)
			return wire_refuse(reply, error, "event socket %d: %s", i,
					   error == -EBUSY
						   ? "another holds the log group"
						   : strerror(-error));
	}
	getsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &bytes, &size);
	reply->size_bytes = (uint64_t)bytes;
	return 0;
}

static const struct {
	int type;
	int family;
	int table; /* attribute that names the table, 0 for none */
} dumps[] = {
	[HELPER_DUMP_CONNTRACK] = { NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
				    AF_UNSPEC, 0 },
	[HELPER_DUMP_COUNTERS] = { NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ,
				   NFPROTO_INET, NFTA_OBJ_TABLE },
	[HELPER_DUMP_SETS] = { NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET, NFPROTO_INET,
			       NFTA_SET_TABLE },
	[HELPER_DUMP_CHAINS] = { NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
				 NFPROTO_INET, 0 },
};

/*
 * Safe with a hostile agent: a request of fixed contents, for connections of this
 * network namespace, for counters and sets of Vigil's own table, or for names of
 * chains; nothing is changed by it. The holder can't ask again, see above. libnftables
 * has no part in it: even a terse listing reads all elements of all sets, which takes
 * minutes.
 */
int observe_dump(enum helper_dump kind, struct helper_reply *reply, int fds[],
		 size_t *count)
{
	int fd = open_events(0, fds, count), error = fd;
	char buffer[256] = { 0 };
	struct nlmsghdr *message = netlink_put(buffer, dumps[kind].type, NLM_F_DUMP,
					       (uint8_t)dumps[kind].family, 0);

	if (dumps[kind].table)
		mnl_attr_put_strz(message, (uint16_t)dumps[kind].table, "vigil");
	if (kind == HELPER_DUMP_COUNTERS)
		mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	if (fd >= 0)
		error = netlink_send(fd, message, message->nlmsg_len);
	return error < 0 ? wire_refuse(reply, error, "dump: %s", strerror(-error)) : 0;
}
