/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets that are opened here and read elsewhere. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "helper/protocol.h"

/**
 * observe_open() - Event sockets for OBSERVE
 * @wanted: mask of 1 << HELPER_FD_*
 * @fds:    those wanted, in the order of HELPER_FD_*; the caller owns them, also on
 *          failure
 *
 * Return: 0, or -errno in @reply (-EBUSY: another socket holds the log group).
 */
int observe_open(uint32_t wanted, struct helper_reply *reply, int fds[], size_t *count);

/** observe_dump() - The same with one socket, on which a dump is under way. */
int observe_dump(enum helper_dump kind, struct helper_reply *reply, int fds[],
		 size_t *count);
