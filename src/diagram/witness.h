/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet out of a box, to try it on a kernel. */
#pragma once

#include "diagram/boxes.h"
#include "policy/packet.h"

/* A packet that opens a connection, as it is sent. */
struct witness {
	enum direction direction; /* to, through or from this machine */
	/* Where it comes from and leaves by. Input has a way out only where @target is
	 * set and matters. "" for none or any. */
	char in_interface[INTERFACE_MAX_CHARS + 1];
	char out_interface[INTERFACE_MAX_CHARS + 1];
	const char *in_zone; /* of the new policy, "" for none; borrowed from it */
	const char *out_zone;
	struct address source;
	struct address destination; /* input: any of this machine's, but where
				       @any_destination is false */
	bool any_source;            /* any address would do */
	bool any_destination;
	uint8_t protocol;
	uint16_t port;     /* destination port or ICMP type; 0 where there is none */
	bool timed;        /* at @week_s, else at any time */
	uint32_t week_s;   /* local time, seconds since Sunday */
	bool translated;   /* a port forward of the old or the new policy takes it */
	bool unknown_feed; /* an address must be in a feed, or not, that was not read */
};

/** witness_find() - @region: of @space, not empty. */
void witness_find(const struct space *space, const struct region *region,
		  struct witness *ret);

/** witness_packet() - The same as packet_settle() would have it; a name of its zones is
 *  borrowed. One that a port forward takes is still one to this machine. */
void witness_packet(const struct witness *witness, struct packet *ret);
