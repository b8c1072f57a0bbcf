/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/cleanup.h"

int netlink_open(uint32_t groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int one = 1;
	auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				NETLINK_NETFILTER);

	/* Reports of errors need not repeat the message, which may be 64 KiB. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
		return -errno;
	return take_fd(fd);
}

struct nlmsghdr *netlink_put(void *buffer, int type, int flags, uint8_t family,
			     uint16_t resource)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic =
		mnl_nlmsg_put_extra_header(message, sizeof(*generic));

	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	generic->nfgen_family = family;
	generic->res_id = htons(resource);
	return message;
}

int netlink_send(int fd, const void *data, size_t size_bytes)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(fd, data, size_bytes, 0, (struct sockaddr *)&kernel,
		      sizeof(kernel)) < 0
		       ? -errno
		       : 0;
}

/* Results of one datagram: the first error wins over all that follows. */
static int scan(const struct nlmsghdr *message, int left, int result, uint32_t *seq)
{
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		const struct nlmsgerr *report = mnl_nlmsg_get_payload(message);

		if (message->nlmsg_type != NLMSG_ERROR ||
		    mnl_nlmsg_get_payload_len(message) < sizeof(*report) ||
		    (result && result != -EIO))
			continue;
		result = report->error;
		if (seq)
			*seq = message->nlmsg_seq;
	}
	return result;
}

int netlink_result(int fd, uint32_t *seq)
{
	_Alignas(struct nlmsghdr) char buffer[8192];
	int result = -EIO;

	for (;;) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

		/* ENOBUFS: there were more errors than fit; the first are here. */
		if (got < 0 && errno != ENOBUFS && errno != EINTR)
			return errno == EAGAIN ? result : -errno;
		if (got > 0)
			result = scan((void *)buffer, (int)got, result, seq);
	}
}

int netlink_ask(int fd, const struct nlmsghdr *message)
{
	int error = netlink_send(fd, message, message->nlmsg_len);

	return error ? error : netlink_result(fd, NULL);
}

int netlink_probe(void)
{
	char buffer[64] = { 0 };
	auto_fd int fd = netlink_open(0);

	if (fd < 0)
		return fd;
	return netlink_ask(fd, netlink_put(buffer,
					   NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
					   NLM_F_ACK, NFPROTO_UNSPEC, 0));
}
