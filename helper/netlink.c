/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/netlink.h"

#include <errno.h>

#include "helper/cleanup.h"

int netlink_open(uint32_t groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int size = NETLINK_RECEIVE_BYTES / 2, one = 1; /* the kernel doubles it */
	auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				NETLINK_NETFILTER);

	/* Reports of errors need not repeat messages of 64 KiB. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
		return -errno;
	/* The first is refused in a user namespace; the second then gives what may be.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return take_fd(fd);
}

struct nlmsghdr *netlink_put(void *buffer, int type, int flags, int family,
			     int resource)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic =
		mnl_nlmsg_put_extra_header(message, sizeof(*generic));

	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	*generic = (struct nfgenmsg){ (uint8_t)family, 0, htons((uint16_t)resource) };
	return message;
}

int netlink_send(int fd, const void *data, size_t size_bytes)
{
	return send(fd, data, size_bytes, 0) < 0 ? -errno : 0;
}

int netlink_result(int fd, uint32_t *seq)
{
	_Alignas(struct nlmsghdr) char buffer[8192];
	const struct nlmsghdr *message = (void *)buffer;
	int result = -EIO;

	for (;;) {
		int left = (int)recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsgerr *report = mnl_nlmsg_get_payload(message);

		/* ENOBUFS: there were more reports than fit; the first are here. */
		if (left < 0 && errno != ENOBUFS)
			return errno == EAGAIN ? result : -errno;
		if (!mnl_nlmsg_ok(message, left) || message->nlmsg_type != NLMSG_ERROR)
			continue;
		if (seq && report->error)
			*seq = message->nlmsg_seq;
		if (report->error)
			return report->error;
		result = 0;
	}
}

int netlink_probe(void)
{
	char buffer[64] = { 0 };
	auto_fd int fd = netlink_open(0);
	struct nlmsghdr *message = netlink_put(
		buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, 0, 0);

	return fd < 0 || netlink_send(fd, message, message->nlmsg_len) < 0
		       ? -errno
		       : netlink_result(fd, NULL);
}
