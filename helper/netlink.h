/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netfilter's netlink, as far as the helper speaks it itself, and the kernel's words.
 */
#pragma once

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

enum { NETLINK_RECEIVE_BYTES = 16 * 1024 * 1024 }; /* 13,000 events; by default 166 */

/** netlink_open() - A bound socket, non-blocking and close-on-exec, with a receive
 * buffer of 16 MiB or what the kernel allows. @groups: legacy
 * mask of multicast groups. Return: it, or -errno. */
int netlink_open(uint32_t groups);

/** netlink_put() - Begin a message at @buffer: netlink and nfnetlink headers.
 * @resource: host byte order. Return: it. */
struct nlmsghdr *netlink_put(void *buffer, int type, int flags, int family,
			     int resource);

/** netlink_send() - Send @size_bytes of messages as one datagram. Return: 0 or -errno.
 */
int netlink_send(int fd, const void *data, size_t size_bytes);

/**
 * netlink_result() - What the kernel said to what was sent
 * @seq: set to the sequence number of the first message that failed; may be NULL
 *
 * The kernel carries a request out within netlink_send(), so its answers are waiting.
 *
 * Return: 0 when a message was acknowledged and none failed; -errno of the first that
 * failed; -EIO without any acknowledgement.
 */
int netlink_result(int fd, uint32_t *seq);

/** netlink_probe() - Whether nf_tables is there and may be changed. Return: 0 or
 * -errno. */
int netlink_probe(void);
