/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's end of the wall: helper_<op>() asks, vigil-helper performs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "helper/protocol.h"

/* Why the helper refused. */
struct helper_refusal {
	uint32_t line; /* of the script, 0 when it is not about a line */
	char text[HELPER_TEXT_MAX];
};

/**
 * helper_connect() - Connect to the helper's socket
 *
 * Return: a descriptor, or -errno of connect(2).
 */
int helper_connect(const char *path);

/**
 * helper_hello() - Agree on the version; the first request on a connection
 *
 * Return: 0, -EPROTO when it speaks another version, -EACCES when the helper turned us
 * away, or -errno of the socket (-ECONNRESET: it is gone). The same for all below;
 * after -ECONNRESET, -EPROTO and -ETIMEDOUT the connection is of no more use.
 */
int helper_hello(int fd, struct helper_refusal *refusal);

/*
 * For all below: -ECONNRESET leaves open whether an APPLY was carried out, and so do
 * -ETIME (it took longer than the helper allows), -EIO (its worker died) and
 * -ETIMEDOUT (no answer at all): list the table to see.
 */

/** helper_apply_script() - One transaction of statements. Return: 0, -EINVAL when
 * refused (nothing changed), -E2BIG when larger than HELPER_SCRIPT_MAX. */
int helper_apply_script(int fd, const char *script, size_t size_bytes,
			struct helper_refusal *refusal);

/**
 * helper_apply_elements() - Packed blocks, as one batch or as several
 * @atomic: all or nothing, for sets in use; -EMSGSIZE when that is too large for the
 *          helper. Otherwise none of the sets may be in use: what is large goes in
 *          pieces as small as it must be, and on a failure some may stay.
 *
 * Return: 0, -EINVAL when refused or malformed, -ENOENT when a set or a range to delete
 * is not there, -EEXIST when a range to add is or overlaps one, ...
 */
int helper_apply_elements(int fd, const void *data, size_t size_bytes, bool atomic,
			  struct helper_refusal *refusal);

struct helper_sockets {
	int conntrack, log, tables; /* owned by the caller; -1 when not asked for */
};

/**
 * helper_observe() - Event sockets, non-blocking and close-on-exec
 * @wanted: mask of 1 << HELPER_FD_*, or HELPER_FD_ALL
 * @ret:    set on success only
 *
 * Return: 0, or -errno (-EBUSY: another socket holds the log group).
 */
int helper_observe(int fd, uint32_t wanted, struct helper_sockets *ret,
		   struct helper_refusal *refusal);

/**
 * helper_dump() - A dump
 *
 * Return: a non-blocking, close-on-exec netlink socket that the caller owns and reads
 * until NLMSG_DONE, or -errno. Without the table a dump is empty, or an NLMSG_ERROR of
 * ENOENT.
 */
int helper_dump(int fd, enum helper_dump kind, struct helper_refusal *refusal);
