/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>

#include "message.h"

enum { LOG_PACKET = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET };

/* 192.0.2.9:12345 -> 10.0.0.1:22, 60 bytes of which 24 are here. */
static const uint8_t syn[] = {
	0x45, 0, 0, 60, 0,  0, 0x40, 0, 64,   IPPROTO_TCP, 0, 0,
	192,  0, 2, 9,  10, 0, 0,    1, 0x30, 0x39,        0, 22,
};

static struct decode_summary decode(const char *prefix, const uint8_t *packet,
				    size_t size_bytes, struct flow *ret)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught = { .count = 0 };
	struct decode_summary summary;

	message_begin(&datagram, LOG_PACKET, 0, AF_INET);
	if (prefix)
		mnl_attr_put_strz(datagram.last, NFULA_PREFIX, prefix);
	mnl_attr_put_u32(datagram.last, NFULA_IFINDEX_INDEV, htonl(3));
	mnl_attr_put(datagram.last, NFULA_PAYLOAD, size_bytes, packet);
	message_end(&datagram);
	summary = decode_log(datagram.data, datagram.size_bytes, catch_flow, &caught);
	*ret = caught.flows[0];
	return summary;
}

static void reads_who_was_denied_and_by_what(void **state)
{
	struct flow flow;

	(void)state;
	assert_int_equal(decode("17 ssh drop", syn, sizeof(syn), &flow).flows, 1);
	assert_int_equal(flow.event, FLOW_PACKET);
	assert_int_equal(flow.number, 17);
	assert_true(flow.denied);
	assert_true(same_address(flow.source, "192.0.2.9"));
	assert_true(same_address(flow.destination, "10.0.0.1"));
	assert_int_equal(flow.source_port, 12345);
	assert_int_equal(flow.port, 22);
	assert_int_equal(flow.protocol, IPPROTO_TCP);
	assert_true(flow.original.known);
	assert_int_equal(flow.original.packets, 1);
	assert_int_equal(flow.original.bytes, 60);
}

static void takes_the_end_of_a_batch(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught = { .count = 0 };
	struct decode_summary summary;

	(void)state;
	message_begin(&datagram, NLMSG_DONE, 0, 0);
	*(int *)mnl_nlmsg_put_extra_header(datagram.last, sizeof(int)) = -5;
	message_end(&datagram);
	summary = decode_log(datagram.data, datagram.size_bytes, catch_flow, &caught);
	assert_true(summary.done);
	assert_int_equal(summary.error, 0);
	assert_int_equal(summary.malformed, 0);
}

static void takes_the_verdict_from_the_last_word(void **state)
{
	struct flow flow;

	(void)state;
	decode("65535 web allow", syn, sizeof(syn), &flow);
	assert_int_equal(flow.number, 65535);
	assert_false(flow.denied);
	decode("5 allow drop", syn, sizeof(syn), &flow);
	assert_true(flow.denied);
	decode("5 web reject", syn, sizeof(syn), &flow);
	assert_true(flow.denied);
}

static void gives_no_number_for_a_foreign_prefix(void **state)
{
	static const char *const prefixes[] = {
		"",
		"hello",
		"17",
		"x17 ssh drop",
		"17ssh drop",
		"4294967297 ssh drop",
		" 17 ssh drop",
		"-1 ssh drop",
		NULL,
	};
	struct flow flow;

	(void)state;
	for (const char *const *prefix = prefixes; *prefix; prefix++) {
		decode(*prefix, syn, sizeof(syn), &flow);
		assert_int_equal(flow.number, 0);
		assert_true(flow.denied);
	}
	assert_int_equal(decode(NULL, syn, sizeof(syn), &flow).flows, 1);
	assert_int_equal(flow.number, 0);
}

static void gives_no_port_for_a_later_fragment(void **state)
{
	uint8_t packet[sizeof(syn)];
	struct flow flow;

	(void)state;
	memcpy(packet, syn, sizeof(syn));
	packet[7] = 1;
	assert_int_equal(decode("1 a drop", packet, sizeof(packet), &flow).flows, 1);
	assert_int_equal(flow.port, 0);
	assert_int_equal(flow.protocol, IPPROTO_TCP);
}

static void gives_no_port_for_a_packet_cut_short(void **state)
{
	struct flow flow;

	(void)state;
	assert_int_equal(decode("1 a drop", syn, 22, &flow).flows, 1);
	assert_int_equal(flow.port, 0);
	assert_int_equal(decode("1 a drop", syn, 19, &flow).malformed, 1);
}

static void skips_ipv4_options(void **state)
{
	uint8_t packet[sizeof(syn) + 4] = { 0 };
	struct flow flow;

	(void)state;
	memcpy(packet, syn, 20);
	packet[0] = 0x46;
	memcpy(packet + 24, syn + 20, 4);
	decode("1 a drop", packet, sizeof(packet), &flow);
	assert_int_equal(flow.port, 22);
	packet[0] = 0x44;
	assert_int_equal(decode("1 a drop", packet, sizeof(packet), &flow).malformed,
			 1);
}

/* The fixed header, with room for what follows. */
static size_t begin_ipv6(uint8_t *packet, uint8_t next)
{
	memset(packet, 0, 256);
	packet[0] = 0x60;
	packet[5] = 100;
	packet[6] = next;
	packet[8] = 0x20;
	packet[9] = 0x01;
	packet[23] = 1;
	packet[39] = 2;
	return 40;
}

static size_t add_header(uint8_t *packet, size_t at, uint8_t next, uint8_t length,
			 size_t size_bytes)
{
	memset(packet + at + 8, 0xff, size_bytes - 8);
	packet[at] = next;
	packet[at + 1] = length;
	return at + size_bytes;
}

static size_t add_ports(uint8_t *packet, size_t at)
{
	packet[at + 3] = 53;
	return at + 8;
}

static void walks_ipv6_extension_headers(void **state)
{
	uint8_t packet[256];
	struct flow flow;
	size_t at = begin_ipv6(packet, IPPROTO_HOPOPTS);

	(void)state;
	at = add_header(packet, at, IPPROTO_AH, 0, 8);
	at = add_header(packet, at, IPPROTO_ROUTING, 4, 24);
	at = add_header(packet, at, IPPROTO_DSTOPTS, 2, 24);
	at = add_header(packet, at, IPPROTO_FRAGMENT, 1, 16);
	at = add_header(packet, at, IPPROTO_UDP, 77, 8);
	at = add_ports(packet, at);
	assert_int_equal(decode("1 a drop", packet, at, &flow).flows, 1);
	assert_int_equal(flow.protocol, IPPROTO_UDP);
	assert_int_equal(flow.port, 53);
	assert_int_equal(flow.original.bytes, 140);
	assert_true(same_address(flow.source, "2001::1"));
	assert_int_equal(decode("1 a drop", packet, at - 8, &flow).flows, 1);
	assert_int_equal(flow.port, 0);
}

static void gives_up_after_eight_extension_headers(void **state)
{
	for (int headers = 8; headers <= 9; headers++) {
		uint8_t packet[256];
		struct flow flow;
		size_t at = begin_ipv6(packet, IPPROTO_DSTOPTS);

		for (int i = 1; i < headers; i++)
			at = add_header(packet, at, IPPROTO_DSTOPTS, 0, 8);
		at = add_header(packet, at, IPPROTO_UDP, 0, 8);
		at = add_ports(packet, at);
		decode("1 a drop", packet, at, &flow);
		assert_int_equal(flow.port, headers == 8 ? 53 : 0);
	}
	(void)state;
}

static void stops_at_a_later_ipv6_fragment(void **state)
{
	uint8_t packet[256];
	struct flow flow;
	size_t at = begin_ipv6(packet, IPPROTO_FRAGMENT);

	(void)state;
	packet[at + 3] = 8;
	at = add_header(packet, at, IPPROTO_UDP, 0, 8);
	at = add_ports(packet, at);
	decode("1 a drop", packet, at, &flow);
	assert_int_equal(flow.protocol, IPPROTO_UDP);
	assert_int_equal(flow.port, 0);
}

static void skips_what_is_no_ip(void **state)
{
	uint8_t arp[28] = { 0, 1, 8, 0 };
	struct flow flow;

	(void)state;
	assert_int_equal(decode("1 a drop", arp, sizeof(arp), &flow).skipped, 1);
	assert_int_equal(decode("1 a drop", arp, 0, &flow).skipped, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_who_was_denied_and_by_what),
		cmocka_unit_test(takes_the_end_of_a_batch),
		cmocka_unit_test(takes_the_verdict_from_the_last_word),
		cmocka_unit_test(gives_no_number_for_a_foreign_prefix),
		cmocka_unit_test(gives_no_port_for_a_later_fragment),
		cmocka_unit_test(gives_no_port_for_a_packet_cut_short),
		cmocka_unit_test(skips_ipv4_options),
		cmocka_unit_test(walks_ipv6_extension_headers),
		cmocka_unit_test(gives_up_after_eight_extension_headers),
		cmocka_unit_test(stops_at_a_later_ipv6_fragment),
		cmocka_unit_test(skips_what_is_no_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
