/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/packet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "reading.h"

static struct packet parse(const char *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct packet packet = { 0 };

	if (packet_parse(text, &packet, &faults) < 0)
		fail_msg("%s: %s", text, faults.list[0].text);
	assert_int_equal(faults.count, 0);
	return packet;
}

static void expect_fault(const char *text, uint32_t column, const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct packet packet;

	assert_int_equal(packet_parse(text, &packet, &faults), -EINVAL);
	assert_int_equal(faults.list[0].position.line, 1);
	assert_int_equal(faults.list[0].position.column, column);
	if (!strstr(faults.list[0].text, words))
		fail_msg("%s: %s", text, faults.list[0].text);
}

static void reads_both_ends(void **state)
{
	struct packet packet = parse("tcp 203.0.113.9:4000 -> host:22 syn+ack");

	(void)state;
	assert_int_equal(packet.protocol, IPPROTO_TCP);
	assert_int_equal(packet.source.place, PLACE_ADDRESS);
	assert_int_equal(packet.source.port, 4000);
	assert_int_equal(packet.destination.place, PLACE_HOST);
	assert_false(packet.destination.has_address);
	assert_int_equal(packet.destination.port, 22);
	assert_int_equal(packet.tcp_flags, TH_SYN | TH_ACK);
	assert_int_equal(packet.count, 1);
}

static void reads_ipv6_with_and_without_a_port(void **state)
{
	struct packet packet = parse("  udp 2001:db8::1:53\t-> [2001:db8::2]:53 ");
	char text[RANGE_TEXT_MAX];

	(void)state;
	assert_false(packet.source.has_port);
	assert_true(packet.destination.has_port);
	assert_string_equal(packet_end_text(&packet.source, text), "2001:db8::1:53");
	assert_string_equal(packet_end_text(&packet.destination, text),
			    "[2001:db8::2]:53");
	packet = parse("udp host@[fe80::1]:9 -> any:9");
	assert_string_equal(packet_end_text(&packet.source, text), "host@[fe80::1]:9");
	assert_string_equal(packet_end_text(&packet.destination, text), "any:9");
}

static void an_icmp_packet_asks_for_an_echo_unless_told(void **state)
{
	(void)state;
	assert_int_equal(parse("icmp any -> host").icmp_type, 8);
	assert_int_equal(parse("icmpv6 any -> host").icmp_type, 128);
	assert_int_equal(parse("icmp any -> host time-exceeded").icmp_type, 11);
	assert_int_equal(parse("icmpv6 any -> host 135").icmp_type, 135);
	assert_int_equal(parse("47 any -> host").protocol, 47);
}

static void says_where_a_packet_is_wrong(void **state)
{
	(void)state;
	expect_fault("", 1, "write a packet as");
	expect_fault("tcp", 4, "write a packet as");
	expect_fault("tcp any host:22", 9, "write a packet as");
	expect_fault("tpc any -> host:22", 1, "did you mean \"tcp\"");
	expect_fault("tcp hots -> host:22", 5, "did you mean \"host\"");
	expect_fault("tcp any -> 10.0.0.300:22", 12, "no end of a packet");
	expect_fault("tcp any -> host:65536", 12, "ports go from 0 to 65535");
	expect_fault("tcp any -> [::1:22", 12, "no end of a packet");
	expect_fault("tcp any -> host:22 sny", 20, "no list of TCP flags");
	expect_fault("tcp any -> host:22 syn++ack", 20, "no list of TCP flags");
	expect_fault("udp any -> host:22 syn", 20, "nothing is expected");
	expect_fault("tcp any -> host:22 syn ack", 24, "nothing is expected");
	expect_fault("icmp any -> host ping", 18, "not an ICMP type");
	expect_fault("tcp any -> host:22 a b c d", 24, "more than a packet");
	expect_fault("tcp any -> h\xc3\xb6st:22", 12, "plain letters");
}

static struct packet settle(const char *policy_text, const char *text, const char *in,
			    const char *out, const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = read_good(policy_text);
	struct packet_way way = {
		.in = in, .out = out, .in_key = "--in", .out_key = "--out"
	};
	struct packet packet = parse(text);
	int error = packet_settle(policy, &way, &packet, &faults);

	if (words && (!error || !strstr(faults.list[0].text, words)))
		fail_msg("%s: %s", text, error ? faults.list[0].text : "no fault");
	if (!words && error)
		fail_msg("%s: %s", text, faults.list[0].text);
	packet.in.zone = packet.in.zone ? "zone" : NULL;
	packet.out.zone = packet.out.zone ? "zone" : NULL;
	packet.forward = NULL;
	return packet;
}

#define GATEWAY                                                                        \
	"version: 1\n"                                                                 \
	"zones: { wan: eth0, lan: [\"br-*\", eth1], guest: br-0 }\n"                   \
	"nat:\n"                                                                       \
	"  - forward: { from: wan, tcp: 8443, to: \"10.0.1.5:443\" }\n"
#define TWO "version: 1\nzones: { wan: eth0, lan: eth1 }\n"
#define ONE "version: 1\nzones: { wan: \"eth*\" }\n"

static void the_direction_follows_from_the_ends(void **state)
{
	(void)state;
	assert_int_equal(settle(ONE, "tcp any -> host:22", NULL, NULL, NULL).direction,
			 DIRECTION_INPUT);
	assert_int_equal(settle(ONE, "tcp host -> any:22", NULL, NULL, NULL).direction,
			 DIRECTION_OUTPUT);
	assert_int_equal(settle(ONE, "tcp any -> any:22", NULL, NULL, NULL).direction,
			 DIRECTION_FORWARD);
	assert_int_equal(
		settle(ONE, "udp any -> 224.0.0.251:5353", NULL, NULL, NULL).direction,
		DIRECTION_INPUT);
	assert_int_equal(
		settle(GATEWAY, "tcp any -> host:8443", "wan", "lan", NULL).direction,
		DIRECTION_FORWARD);
	assert_int_equal(
		settle(GATEWAY, "tcp any -> host:8443", "lan", NULL, NULL).direction,
		DIRECTION_INPUT);
	settle(GATEWAY, "tcp host -> host:22", "wan", NULL, "loopback");
}

static void an_interface_is_derived_where_only_one_makes_sense(void **state)
{
	struct packet packet = settle(ONE, "tcp any -> any:22", NULL, NULL, NULL);

	(void)state;
	assert_string_equal(packet.in.interface, "eth0");
	assert_string_equal(packet.out.interface, "eth0");
	packet = settle(TWO, "tcp any -> any:22", "lan", NULL, NULL);
	assert_string_equal(packet.out.interface, "eth0");
	settle(TWO, "tcp any -> host:22", NULL, NULL,
	       "--in is missing: where does the packet come in? It could be wan, lan "
	       "or none");
	settle(TWO, "tcp host -> any:22", NULL, NULL, "--out is missing");
}

static void a_sample_of_a_zone_is_of_no_other_zone(void **state)
{
	struct packet packet = settle(GATEWAY, "tcp any -> host:22", "lan", NULL, NULL);

	(void)state;
	assert_string_equal(packet.in.interface, "br-1");
	packet = settle(GATEWAY, "tcp any -> host:22", "br-7", NULL, NULL);
	assert_string_equal(packet.in.interface, "br-7");
	packet = settle(GATEWAY, "tcp any -> host:22", "none", NULL, NULL);
	assert_null(packet.in.zone);
	settle(GATEWAY, "tcp any -> host:22", "gest", NULL, "did you mean \"guest\"");
	settle(GATEWAY, "tcp any -> host:22", "eth9", NULL, "it could be wan, lan");
	settle(GATEWAY, "tcp any -> host:22", "br-*", NULL, "no zone");
}

static void the_family_is_that_of_the_addresses(void **state)
{
	(void)state;
	assert_int_equal(settle(ONE, "tcp any -> host:22", NULL, NULL, NULL).family,
			 FAMILY_IPV4);
	assert_int_equal(settle(ONE, "tcp ::2 -> host:22", NULL, NULL, NULL).family,
			 FAMILY_IPV6);
	assert_int_equal(settle(ONE, "icmpv6 any -> host", NULL, NULL, NULL).family,
			 FAMILY_IPV6);
	settle(ONE, "tcp ::2 -> 10.0.0.1:22", NULL, NULL, "IPv4 address in an IPv6");
	settle(ONE, "icmp ::2 -> host", NULL, NULL, "IPv6 address in an IPv4");
	settle(ONE, "tcp any -> host", NULL, NULL, "the port is missing");
	settle(ONE, "icmp any:1 -> host", NULL, NULL, "only tcp, udp and sctp");
}

static void reads_moments(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	static const char *const wrong[] = { "",          "Mon",       "Mon 8:00",
					     "Mon 24:00", "Mon 08:60", "Mon 08:00 ",
					     "Moon 08:00" };
	struct moment moment = { 0 };

	(void)state;
	assert_int_equal(packet_moment_parse("wed 23:59", (struct position){ 0 },
					     &moment, &faults),
			 0);
	assert_true(moment.set);
	assert_int_equal(moment.day, 3);
	assert_int_equal(moment.second, 86340);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(packet_moment_parse(wrong[i], (struct position){ 0 },
						     &moment, &faults),
				 -EINVAL);
}

static void a_line_is_read_back_as_it_was_written(void **state)
{
	static const char *const lines[] = {
		"tcp 203.0.113.9:4000 -> host:22",
		"udp host -> [2001:db8::1]:53",
		"icmp any -> host@192.0.2.1 timestamp-request",
		"icmpv6 2001:db8::1 -> any 200",
		"esp 203.0.113.9 -> 198.51.100.1",
		"253 any -> host",
	};
	char text[PACKET_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct packet packet = parse(lines[i]);

		assert_string_equal(packet_line(&packet, text), lines[i]);
	}
}

static void describes_a_packet_in_a_line(void **state)
{
	struct packet packet = parse("icmp any -> host");
	char text[PACKET_TEXT_MAX];

	(void)state;
	packet.state = STATE_INVALID;
	packet.count = 3;
	strcpy(packet.in.interface, "eth0");
	assert_string_equal(packet_describe(&packet, text),
			    "icmp any -> host echo-request in eth0, invalid, 3 times");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_ends),
		cmocka_unit_test(reads_ipv6_with_and_without_a_port),
		cmocka_unit_test(an_icmp_packet_asks_for_an_echo_unless_told),
		cmocka_unit_test(says_where_a_packet_is_wrong),
		cmocka_unit_test(the_direction_follows_from_the_ends),
		cmocka_unit_test(an_interface_is_derived_where_only_one_makes_sense),
		cmocka_unit_test(a_sample_of_a_zone_is_of_no_other_zone),
		cmocka_unit_test(the_family_is_that_of_the_addresses),
		cmocka_unit_test(reads_moments),
		cmocka_unit_test(a_line_is_read_back_as_it_was_written),
		cmocka_unit_test(describes_a_packet_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
