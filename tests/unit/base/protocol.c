/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/protocol.h"

static void names_and_numbers_of_protocols_agree(void **state)
{
	(void)state;
	assert_int_equal(protocol_number("tcp"), IPPROTO_TCP);
	assert_int_equal(protocol_number("udp"), IPPROTO_UDP);
	assert_int_equal(protocol_number("sctp"), IPPROTO_SCTP);
	assert_int_equal(protocol_number("icmp"), IPPROTO_ICMP);
	assert_int_equal(protocol_number("icmpv6"), IPPROTO_ICMPV6);
	assert_int_equal(protocol_number("esp"), IPPROTO_ESP);
	assert_int_equal(protocol_number("ah"), IPPROTO_AH);
	assert_int_equal(protocol_number("gre"), IPPROTO_GRE);
	assert_int_equal(protocol_number("igmp"), IPPROTO_IGMP);
	assert_int_equal(protocol_number("pim"), IPPROTO_PIM);
	assert_int_equal(protocol_number("TCP"), -ENOENT);
	assert_string_equal(protocol_name(IPPROTO_ICMPV6), "icmpv6");
	assert_null(protocol_name(250));
}

static void every_name_leads_to_a_number_and_back(void **state)
{
	(void)state;
	for (const char *const *name = protocol_names(); *name; name++) {
		int number = protocol_number(*name);

		assert_in_range(number, 1, 255);
		assert_int_equal(protocol_number(protocol_name((uint8_t)number)),
				 number);
	}
	for (enum icmp_version version = ICMP_V4; version <= ICMP_V6; version++)
		for (const char *const *name = icmp_type_names(version); *name;
		     name++) {
			int type = icmp_type_number(version, *name);

			assert_in_range(type, 0, 255);
		}
}

static void knows_the_types_that_matter(void **state)
{
	(void)state;
	assert_int_equal(icmp_type_number(ICMP_V4, "echo-reply"), 0);
	assert_int_equal(icmp_type_number(ICMP_V4, "echo-request"), 8);
	assert_int_equal(icmp_type_number(ICMP_V4, "time-exceeded"), 11);
	assert_int_equal(icmp_type_number(ICMP_V6, "packet-too-big"), 2);
	assert_int_equal(icmp_type_number(ICMP_V6, "echo-request"), 128);
	assert_int_equal(icmp_type_number(ICMP_V6, "nd-neighbor-advert"), 136);
	assert_int_equal(icmp_type_number(ICMP_V4, "packet-too-big"), -ENOENT);
	assert_int_equal(icmp_type_number(ICMP_V6, "mld2-listener-report"), 143);
	assert_string_equal(icmp_type_name(ICMP_V4, 8), "echo-request");
	assert_string_equal(icmp_type_name(ICMP_V6, 128), "echo-request");
	assert_null(icmp_type_name(ICMP_V4, 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers_of_protocols_agree),
		cmocka_unit_test(every_name_leads_to_a_number_and_back),
		cmocka_unit_test(knows_the_types_that_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
