/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/wire.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	HOP_LIMIT = 64,
	HOP_LIMIT_OF_NEIGHBOURS =
		255, /* RFC 4861: what came through a router has less */
	PAYLOAD_BYTES = 8,
	ICMPV6_FIRST_INFORMATION = 128,
	ICMPV6_FIRST_NEIGHBOUR = 130,
};

struct writer {
	uint8_t *at;
	size_t used, room;
};

static void put8(struct writer *writer, uint8_t value)
{
	assert(writer->used < writer->room);
	writer->at[writer->used++] = value;
}

static void put16(struct writer *writer, uint32_t value)
{
	put8(writer, (uint8_t)(value >> 8));
	put8(writer, (uint8_t)value);
}

static void put32(struct writer *writer, uint32_t value)
{
	put16(writer, value >> 16);
	put16(writer, value & 0xffff);
}

static void put_address(struct writer *writer, struct address address)
{
	for (int bits = address.family == FAMILY_IPV4 ? 24 : 120; bits >= 0; bits -= 8)
		put8(writer, (uint8_t)(address.value >> bits));
}

static void set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* RFC 1071, over @size_bytes and what @sum begins with. */
static uint16_t checksum(uint32_t sum, const uint8_t *data, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 9260 asks for CRC-32c, least significant byte first. */
static uint32_t crc32c(const uint8_t *data, size_t size_bytes)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size_bytes; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return __builtin_bswap32(~crc);
}

/* The sum over the pseudo header: RFC 9293 and RFC 8200. */
static uint32_t pseudo_sum(const struct wire_packet *packet, size_t size_bytes)
{
	uint32_t sum = packet->protocol + (uint32_t)size_bytes;

	for (int bits = 0; bits < 128; bits += 16)
		sum += (uint32_t)(packet->source.value >> bits & 0xffff) +
		       (uint32_t)(packet->destination.value >> bits & 0xffff);
	return sum;
}

static void put_tcp(struct writer *writer, const struct wire_packet *packet)
{
	const uint32_t header_words = 5, window = 64000;

	put32(writer, packet->sequence);
	put32(writer, packet->flags & TH_ACK ? packet->acknowledgment : 0);
	put16(writer, header_words << 12 | packet->flags);
	put16(writer, window);
	put32(writer, 0);
}

static void put_chunk(struct writer *writer, const struct wire_packet *packet)
{
	bool init = packet->chunk == CHUNK_INIT || packet->chunk == CHUNK_INIT_ACK;

	put32(writer, packet->chunk == CHUNK_INIT ? 0 : packet->tag);
	put32(writer, 0);
	put8(writer, packet->chunk);
	put8(writer, packet->chunk == CHUNK_DATA ? 3 : 0);
	put16(writer, 20);
	put32(writer, init ? packet->own_tag : 1);
	put32(writer, 64000);
	put32(writer, 1 << 16 | 1);
	put32(writer, 1);
}

static size_t put_packet(struct writer *writer, const struct wire_packet *packet);

static void put_icmp(struct writer *writer, const struct wire_packet *packet)
{
	bool v6_error = packet->protocol == IPPROTO_ICMPV6 &&
			packet->icmp_type < ICMPV6_FIRST_INFORMATION;
	bool too_big = v6_error && packet->icmp_type == 2;

	put8(writer, packet->icmp_type);
	put8(writer, 0);
	put16(writer, 0);
	if (packet->quoted) {
		put32(writer, too_big ? 1280 : 0);
		put_packet(writer, packet->quoted);
		return;
	}
	put16(writer, packet->icmp_id);
	put16(writer, 1);
	/* Enough for the targets and times that some types carry. */
	for (int i = 0; i < 6; i++)
		put32(writer, 0);
}

static void put_transport(struct writer *writer, const struct wire_packet *packet)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		put16(writer, packet->source_port);
		put16(writer, packet->destination_port);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put_icmp(writer, packet);
		return;
	default:
		for (int i = 0; i < PAYLOAD_BYTES; i++)
			put8(writer, 0);
		return;
	}
	if (packet->protocol == IPPROTO_TCP) {
		put_tcp(writer, packet);
	} else if (packet->protocol == IPPROTO_SCTP) {
		put_chunk(writer, packet);
	} else {
		put16(writer, packet->corrupt ? 4 : 8 + PAYLOAD_BYTES);
		put16(writer, 0);
		for (int i = 0; i < PAYLOAD_BYTES; i++)
			put8(writer, 0);
	}
}

static void seal_transport(const struct wire_packet *packet, uint8_t *at,
			   size_t size_bytes)
{
	uint32_t sum = pseudo_sum(packet, size_bytes), crc;

	switch (packet->protocol) {
	case IPPROTO_TCP:
		set16(at + 16, checksum(sum, at, size_bytes));
		break;
	case IPPROTO_UDP:
		set16(at + 6, checksum(sum, at, size_bytes));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (packet->protocol == IPPROTO_ICMP)
			sum = 0;
		set16(at + 2,
		      checksum(sum, at, size_bytes) ^ (packet->corrupt ? 0x5555u : 0));
		break;
	case IPPROTO_SCTP:
		crc = crc32c(at, size_bytes);
		set16(at + 8, crc >> 16);
		set16(at + 10, crc & 0xffff);
		break;
	}
}

static void put_ipv4(struct writer *writer, const struct wire_packet *packet)
{
	put16(writer, 0x4500);
	put16(writer, 0);
	put16(writer, 1);
	put16(writer, 0x4000); /* don't fragment */
	put8(writer, HOP_LIMIT);
	put8(writer, packet->protocol);
	put16(writer, 0);
	put_address(writer, packet->source);
	put_address(writer, packet->destination);
}

static void put_ipv6(struct writer *writer, const struct wire_packet *packet)
{
	bool neighbour = packet->protocol == IPPROTO_ICMPV6 &&
			 packet->icmp_type >= ICMPV6_FIRST_NEIGHBOUR;

	put32(writer, 6u << 28);
	put16(writer, 0);
	put8(writer, packet->protocol);
	put8(writer, neighbour ? HOP_LIMIT_OF_NEIGHBOURS : HOP_LIMIT);
	put_address(writer, packet->source);
	put_address(writer, packet->destination);
}

static size_t put_packet(struct writer *writer, const struct wire_packet *packet)
{
	bool v4 = packet->source.family == FAMILY_IPV4;
	size_t header_bytes = v4 ? IPV4_BYTES : IPV6_BYTES;
	uint8_t *begin = writer->at + writer->used;
	size_t before = writer->used, size_bytes;

	if (v4)
		put_ipv4(writer, packet);
	else
		put_ipv6(writer, packet);
	put_transport(writer, packet);
	size_bytes = writer->used - before;
	if (v4) {
		set16(begin + 2, (uint32_t)size_bytes);
		set16(begin + 10, checksum(0, begin, IPV4_BYTES));
	} else {
		set16(begin + 4, (uint32_t)(size_bytes - IPV6_BYTES));
	}
	seal_transport(packet, begin + header_bytes, size_bytes - header_bytes);
	return size_bytes;
}

size_t wire_build(const struct wire_packet *packet, uint8_t out[static WIRE_BYTES_MAX])
{
	struct writer writer = { .at = out, .room = WIRE_BYTES_MAX };

	/* A quote inside a quote would have no bound. */
	assert(!packet->quoted || !packet->quoted->quoted);
	return put_packet(&writer, packet);
}

struct wire_packet wire_reverse(const struct wire_packet *packet)
{
	struct wire_packet reversed = *packet;

	reversed.source = packet->destination;
	reversed.destination = packet->source;
	reversed.source_port = packet->destination_port;
	reversed.destination_port = packet->source_port;
	return reversed;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static struct address get_address(enum family family, const uint8_t *at)
{
	struct address address = { .family = family };

	for (int i = 0; i < (family == FAMILY_IPV4 ? 4 : 16); i++)
		address.value = address.value << 8 | at[i];
	return address;
}

bool wire_read(const uint8_t *network, size_t network_bytes, const uint8_t *transport,
	       size_t transport_bytes, struct wire_packet *ret)
{
	uint8_t version = network_bytes > 0 ? network[0] >> 4 : 0;

	*ret = (struct wire_packet){ 0 };
	if (version == 4 && network_bytes >= IPV4_BYTES) {
		ret->protocol = network[9];
		ret->source = get_address(FAMILY_IPV4, network + 12);
		ret->destination = get_address(FAMILY_IPV4, network + 16);
	} else if (version == 6 && network_bytes >= IPV6_BYTES) {
		ret->protocol = network[6];
		ret->source = get_address(FAMILY_IPV6, network + 8);
		ret->destination = get_address(FAMILY_IPV6, network + 24);
	} else {
		return false;
	}
	if ((ret->protocol == IPPROTO_TCP || ret->protocol == IPPROTO_UDP ||
	     ret->protocol == IPPROTO_SCTP) &&
	    transport_bytes >= 4) {
		ret->source_port = get16(transport);
		ret->destination_port = get16(transport + 2);
	}
	if ((ret->protocol == IPPROTO_ICMP || ret->protocol == IPPROTO_ICMPV6) &&
	    transport_bytes >= 8) {
		ret->icmp_type = transport[0];
		ret->icmp_id = get16(transport + 4);
	}
	return true;
}
