/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct wire_packet make(const char *source, const char *destination,
			       uint8_t protocol)
{
	struct wire_packet packet = { .protocol = protocol,
				      .source_port = 4000,
				      .destination_port = 22,
				      .flags = TH_SYN,
				      .chunk = CHUNK_INIT,
				      .icmp_type = 8,
				      .icmp_id = 7 };

	assert_int_equal(address_parse(source, &packet.source), 0);
	assert_int_equal(address_parse(destination, &packet.destination), 0);
	return packet;
}

static uint32_t add(const uint8_t *data, size_t size_bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size_bytes; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 1071: over a sound packet, checksum and pseudo header included, all ones. */
static bool transport_is_sound(const struct wire_packet *packet, const uint8_t *bytes,
			       size_t size_bytes)
{
	bool v4 = packet->source.family == FAMILY_IPV4;
	size_t header = v4 ? 20 : 40;
	uint32_t sum = add(bytes + header, size_bytes - header);

	if (packet->protocol != IPPROTO_ICMP)
		sum += add(v4 ? bytes + 12 : bytes + 8, v4 ? 8 : 32) +
		       packet->protocol + (uint32_t)(size_bytes - header);
	return fold(sum) == 0xffff;
}

static void headers_and_checksums_are_sound(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					     IPPROTO_ICMPV6 };

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		bool v6 = protocols[i] != IPPROTO_ICMP;
		bool v4 = protocols[i] != IPPROTO_ICMPV6;
		uint8_t bytes[WIRE_BYTES_MAX];

		if (v4) {
			struct wire_packet packet =
				make("192.0.2.1", "198.51.100.255", protocols[i]);
			size_t size = wire_build(&packet, bytes);

			assert_int_equal(bytes[2] << 8 | bytes[3], size);
			assert_int_equal(fold(add(bytes, 20)), 0xffff);
			assert_true(transport_is_sound(&packet, bytes, size));
		}
		if (v6) {
			struct wire_packet packet =
				make("2001:db8::1", "fe80::ffff:1", protocols[i]);
			size_t size = wire_build(&packet, bytes);

			assert_int_equal(bytes[4] << 8 | bytes[5], size - 40);
			assert_true(transport_is_sound(&packet, bytes, size));
		}
	}
}

static void what_is_built_can_be_read(void **state)
{
	struct wire_packet packet = make("192.0.2.1", "192.0.2.9", IPPROTO_SCTP), read;
	uint8_t bytes[WIRE_BYTES_MAX];
	size_t size = wire_build(&packet, bytes);

	(void)state;
	assert_true(wire_read(bytes, 20, bytes + 20, size - 20, &read));
	assert_int_equal(read.protocol, IPPROTO_SCTP);
	assert_true(read.source.value == packet.source.value);
	assert_true(read.destination.value == packet.destination.value);
	assert_int_equal(read.source_port, 4000);
	assert_int_equal(read.destination_port, 22);
	packet = make("2001:db8::1", "2001:db8::2", IPPROTO_ICMPV6);
	size = wire_build(&packet, bytes);
	assert_true(wire_read(bytes, 40, bytes + 40, size - 40, &read));
	assert_int_equal(read.source.family, FAMILY_IPV6);
	assert_int_equal(read.icmp_type, 8);
	assert_int_equal(read.icmp_id, 7);
}

static void what_is_cut_short_is_read_as_far_as_it_goes(void **state)
{
	struct wire_packet packet = make("192.0.2.1", "192.0.2.9", IPPROTO_TCP), read;
	uint8_t bytes[WIRE_BYTES_MAX];

	(void)state;
	wire_build(&packet, bytes);
	assert_true(wire_read(bytes, 20, bytes + 20, 3, &read));
	assert_int_equal(read.source_port, 0);
	assert_false(wire_read(bytes, 19, NULL, 0, &read));
	assert_false(wire_read(NULL, 0, NULL, 0, &read));
	bytes[0] = 0x55;
	assert_false(wire_read(bytes, 20, NULL, 0, &read));
}

static void an_error_quotes_the_whole_of_what_it_is_about(void **state)
{
	struct wire_packet quoted = make("192.0.2.9", "192.0.2.1", IPPROTO_UDP);
	struct wire_packet packet = make("192.0.2.1", "192.0.2.9", IPPROTO_ICMP);
	uint8_t bytes[WIRE_BYTES_MAX], inner[WIRE_BYTES_MAX];
	size_t size, inner_size = wire_build(&quoted, inner);

	(void)state;
	packet.icmp_type = 3;
	packet.quoted = &quoted;
	size = wire_build(&packet, bytes);
	assert_int_equal(size, 28 + inner_size);
	assert_memory_equal(bytes + 28, inner, inner_size);
	assert_true(transport_is_sound(&packet, bytes, size));
}

static void a_corrupt_packet_is_not_sound(void **state)
{
	struct wire_packet packet = make("192.0.2.1", "192.0.2.9", IPPROTO_ICMP);
	uint8_t bytes[WIRE_BYTES_MAX];
	size_t size;

	(void)state;
	packet.corrupt = true;
	size = wire_build(&packet, bytes);
	assert_false(transport_is_sound(&packet, bytes, size));
	packet.protocol = IPPROTO_UDP;
	wire_build(&packet, bytes);
	assert_true((bytes[24] << 8 | bytes[25]) < 8);
}

static void reversing_twice_changes_nothing(void **state)
{
	struct wire_packet packet = make("192.0.2.1", "192.0.2.9", IPPROTO_TCP);
	struct wire_packet reversed = wire_reverse(&packet), again;

	(void)state;
	assert_true(reversed.source.value == packet.destination.value);
	assert_int_equal(reversed.source_port, 22);
	again = wire_reverse(&reversed);
	assert_int_equal(again.source_port, 4000);
	assert_true(again.source.value == packet.source.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_and_checksums_are_sound),
		cmocka_unit_test(what_is_built_can_be_read),
		cmocka_unit_test(what_is_cut_short_is_read_as_far_as_it_goes),
		cmocka_unit_test(an_error_quotes_the_whole_of_what_it_is_about),
		cmocka_unit_test(a_corrupt_packet_is_not_sound),
		cmocka_unit_test(reversing_twice_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
