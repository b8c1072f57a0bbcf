/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request after another of one connection. */
#pragma once

#include <stdbool.h>

/**
 * dispatch() - Receive one request, perform it, reply
 * @fd:      readable
 * @greeted: whether this connection's HELLO was; kept by the caller
 *
 * Return: 0, or -errno when the connection must be closed: it was by the other end, the
 * request was malformed or out of order, or the reply is not being read.
 */
int dispatch(int fd, bool *greeted);
