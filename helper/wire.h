/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the wall, as both ends send and receive them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "helper/protocol.h"

/**
 * wire_send() - Send one packet without waiting
 * @fds: borrowed, at most HELPER_FDS_MAX
 *
 * Return: 0, -EAGAIN when the other end does not read, or -errno.
 */
int wire_send(int fd, const void *data, size_t size_bytes, const int *fds,
	      size_t fd_count);

/**
 * wire_receive() - Receive one packet of exactly @size_bytes
 * @fds: room for HELPER_FDS_MAX; the caller owns those received, close-on-exec
 *
 * Return: 0; -ECONNRESET when the other end is gone (an empty packet looks the same);
 * -EPROTO for another size or too many descriptors; or -errno. Unless 0, no descriptor
 * is left open.
 */
int wire_receive(int fd, void *data, size_t size_bytes, int fds[static HELPER_FDS_MAX],
		 size_t *fd_count);

#define WIRE_NAME_CHARACTERS                                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* A request, what came with it, and what goes back. It owns the descriptors. */
struct exchange {
	struct helper_request request;
	struct helper_reply reply;
	int received[HELPER_FDS_MAX], sent[HELPER_FDS_MAX];
	size_t received_count, sent_count;
};

/** wire_request_valid() - Whether a request has the form that its operation asks for.
 */
bool wire_request_valid(const struct helper_request *request, size_t fd_count);

/** wire_name_valid() - Whether an object of the table may have this name: 1..127 of
 * [A-Za-z0-9._-], the first a letter or digit. */
bool wire_name_valid(const char *name);

/** wire_increment() - Add one to a big-endian number. Return: false when it became 0.
 */
bool wire_increment(uint8_t *number, size_t size_bytes);

/** wire_refuse() - Fill a reply's status and its text, what is not printable ASCII as
 * "?". Return: @status. */
int wire_refuse(struct helper_reply *reply, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * wire_block_check() - Check the block of elements that begins at @data
 * @data:       aligned to 8 bytes, unchanging
 * @left_bytes: up to the end of the payload
 *
 * Return: bytes to the next block, or 0 when anything about it is not as protocol.h
 * says.
 */
size_t wire_block_check(const void *data, size_t left_bytes);
