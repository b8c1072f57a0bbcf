/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink bytes to flows. Pure: never trusts a length, keeps nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "observe/flow.h"

/* What a datagram from netlink held, besides the flows. */
struct decode_summary {
	uint32_t flows;     /* handed over (or counters) */
	uint32_t skipped;   /* well-formed, but of no interest here (other families,
			       types) */
	uint32_t malformed; /* lengths that do not fit */
	bool done;          /* NLMSG_DONE was seen: the dump is complete (nflog: a batch
			       of packets is) */
	bool interrupted;   /* NLM_F_DUMP_INTR was set: the dump may have gaps */
	int error;          /* -errno of an NLMSG_ERROR, or 0 */
};

typedef void (*decode_on_flow)(const struct flow *flow, void *context);

/**
 * decode_conntrack() - All messages of one datagram of a conntrack socket
 * @on_flow: called for each NEW, END and RUNNING flow; the flow is borrowed
 *
 * Updates are skipped: the kernel puts counters only into what it destroys and dumps.
 * Source: linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c.
 */
struct decode_summary decode_conntrack(const void *data, size_t size_bytes,
				       decode_on_flow on_flow, void *context);

/**
 * decode_log() - All messages of one datagram of an nflog socket
 *
 * The log prefix is "NUMBER ID VERDICT"; a packet with another prefix has number 0.
 * Later fragments, and packets cut short, have port 0. IPv6 extension headers are
 * walked, at most 8. The size is the one in the IP header, so it holds for packets of
 * which only the beginning was sent.
 * Source: linux/netfilter/nfnetlink_log.h.
 */
struct decode_summary decode_log(const void *data, size_t size_bytes,
				 decode_on_flow on_flow, void *context);

struct counter {
	const char *name; /* borrowed from the datagram, NUL-terminated */
	uint64_t packets;
	uint64_t bytes;
};

typedef void (*decode_on_counter)(const struct counter *counter, void *context);

/** decode_counters() - All messages of one datagram of a dump of nf_tables counters. */
struct decode_summary decode_counters(const void *data, size_t size_bytes,
				      decode_on_counter on_counter, void *context);
