/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/receive.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"

struct receiver {
	struct mmsghdr messages[RECEIVE_BATCH];
	struct iovec pieces[RECEIVE_BATCH];
	struct sockaddr_nl senders[RECEIVE_BATCH];
	unsigned char data[RECEIVE_BATCH][RECEIVE_BYTES];
};

struct receiver *receiver_new(void)
{
	return calloc(1, sizeof(struct receiver));
}

void receiver_free(struct receiver *receiver)
{
	free(receiver);
}

static void prepare(struct receiver *receiver)
{
	for (size_t i = 0; i < RECEIVE_BATCH; i++) {
		receiver->pieces[i].iov_base = receiver->data[i];
		receiver->pieces[i].iov_len = RECEIVE_BYTES;
		receiver->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &receiver->senders[i],
			.msg_namelen = sizeof(receiver->senders[i]),
			.msg_iov = &receiver->pieces[i],
			.msg_iovlen = 1,
		};
	}
}

int receive(struct receiver *receiver, int fd, receive_on_datagram on_datagram,
	    void *context)
{
	int count;

	prepare(receiver);
	do
		count = recvmmsg(fd, receiver->messages, RECEIVE_BATCH, MSG_DONTWAIT,
				 NULL);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (int i = 0; i < count; i++)
		if (receiver->messages[i].msg_hdr.msg_namelen ==
			    sizeof(struct sockaddr_nl) &&
		    receiver->senders[i].nl_pid == 0)
			on_datagram(receiver->data[i], receiver->messages[i].msg_len,
				    context);
	return count;
}
