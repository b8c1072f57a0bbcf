/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams from a netlink socket, many at a time. */
#pragma once

#include <stddef.h>

/* A dump's datagrams are at most 32 KiB (net/netlink/af_netlink.c, netlink_dump). */
enum { RECEIVE_BATCH = 16, RECEIVE_BYTES = 32 * 1024 };

struct receiver;

struct receiver *receiver_new(void);
void receiver_free(struct receiver *receiver);

typedef void (*receive_on_datagram)(const void *data, size_t size_bytes, void *context);

/**
 * receive() - One batch
 * @fd:          a netlink socket; what does not come from the kernel is left out
 * @on_datagram: called for each; one that did not fit is given cut, so that its lengths
 *               do not add up
 *
 * Return: number of datagrams; 0 when none waits; -ENOBUFS when the kernel had no room
 * and dropped some (those that are queued can still be read), or -errno.
 */
int receive(struct receiver *receiver, int fd, receive_on_datagram on_datagram,
	    void *context);
