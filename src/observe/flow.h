/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of one connection or one packet, decoded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum flow_event {
	FLOW_NEW,     /* conntrack: a connection was confirmed */
	FLOW_END,     /* conntrack: it is gone; totals are final */
	FLOW_RUNNING, /* a dump: it exists; totals so far */
	FLOW_PACKET,  /* nflog: one packet, usually a denied one */
};

/* One direction's totals. Unknown when accounting was off as the flow began. */
struct flow_totals {
	bool known;
	uint64_t packets;
	uint64_t bytes; /* whole IP packets */
};

struct flow {
	enum flow_event event;
	uint64_t key;  /* names the connection while it lives: hash of conntrack id and
			  tuple */
	uint32_t mark; /* connection mark (FLOW_PACKET: 0) */
	uint32_t number;       /* FLOW_PACKET: decider from the log prefix, else 0 */
	bool denied;           /* FLOW_PACKET: the log prefix does not end in "allow" */
	uint8_t protocol;      /* IPPROTO_* */
	struct address source; /* original direction */
	struct address destination; /* original direction, before translation */
	uint16_t source_port;       /* 0 for protocols without */
	uint16_t port;              /* destination port, or ICMP type */
	struct address translated;  /* where the original direction really goes; equals
				       @destination when not translated */
	uint16_t translated_port;
	struct flow_totals original; /* FLOW_PACKET: this packet alone */
	struct flow_totals reply;
};
