/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets as bytes. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

enum {
	WIRE_BYTES_MAX = 256,
	WIRE_OUTER_BYTES_MAX = 128, /* of a packet that an ICMP error quotes */
};

/* Chunks of SCTP, RFC 9260 section 3.2. */
enum { CHUNK_DATA = 0, CHUNK_INIT = 1, CHUNK_INIT_ACK = 2, CHUNK_COOKIE_ECHO = 10 };

struct wire_packet {
	struct address source, destination;
	uint8_t protocol;
	uint16_t source_port, destination_port; /* TCP, UDP and SCTP */
	uint8_t flags;                          /* TCP: TH_* */
	uint32_t sequence, acknowledgment;      /* TCP */
	uint8_t chunk;                          /* SCTP */
	uint32_t tag;                           /* SCTP: of the association */
	uint32_t own_tag; /* SCTP: what INIT and its answer ask for */
	uint8_t icmp_type;
	uint16_t icmp_id;
	const struct wire_packet *quoted; /* by an ICMP error */
	bool corrupt; /* with a length or checksum that no sound packet has */
};

/**
 * wire_build() - The bytes of a packet, from its IP header on
 *
 * Return: how many.
 */
size_t wire_build(const struct wire_packet *packet, uint8_t out[static WIRE_BYTES_MAX]);

/** wire_reverse() - What the other end would send: addresses and ports swapped. */
struct wire_packet wire_reverse(const struct wire_packet *packet);

/**
 * wire_read() - What the beginnings of two headers tell
 * @network:   an IPv4 or IPv6 header, may be cut short
 * @transport: what follows, may be cut short
 * @ret:       addresses and protocol, and ports where they are there
 *
 * Return: whether there was an IP header.
 */
bool wire_read(const uint8_t *network, size_t network_bytes, const uint8_t *transport,
	       size_t transport_bytes, struct wire_packet *ret);
