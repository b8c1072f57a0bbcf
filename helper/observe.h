/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets that are opened here and read elsewhere. */
#pragma once

#include "helper/wire.h"

/** observe_open() - OBSERVE: open the event sockets that are asked for. Refuses with
 * -EBUSY when another socket holds the log group. */
void observe_open(struct exchange *exchange);

/** observe_dump() - DUMP: open a socket on which a dump is under way. */
void observe_dump(struct exchange *exchange);
