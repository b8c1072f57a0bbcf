/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/cleanup.h"

static void expect_range(const char *text, const char *first, const char *last,
			 const char *written)
{
	struct address_range range;
	char out[RANGE_TEXT_MAX];

	assert_int_equal(range_parse(text, &range), 0);
	assert_string_equal(
		address_format((struct address){ range.family, range.first }, out),
		first);
	assert_string_equal(
		address_format((struct address){ range.family, range.last }, out),
		last);
	assert_string_equal(range_format(range, out), written);
}

static void reads_addresses_prefixes_and_ranges(void **state)
{
	(void)state;
	expect_range("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1");
	expect_range("10.0.0.1/32", "10.0.0.1", "10.0.0.1", "10.0.0.1");
	expect_range("10.0.0.0/8", "10.0.0.0", "10.255.255.255", "10.0.0.0/8");
	expect_range("0.0.0.0/0", "0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	expect_range("10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9", "10.0.0.1-10.0.0.9");
	expect_range("10.0.0.0-10.0.0.255", "10.0.0.0", "10.0.0.255", "10.0.0.0/24");
	expect_range("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0");
	expect_range("2001:DB8::/32",
		     "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		     "2001:db8::/32");
	expect_range("::1-::5", "::1", "::5", "::1-::5");
	expect_range("::1/128", "::1", "::1", "::1");
}

static void tells_what_is_wrong_with_a_range(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ "", RANGE_NOT_ADDRESS },
		{ "/", RANGE_NOT_ADDRESS },
		{ "-", RANGE_NOT_ADDRESS },
		{ "10.0.0", RANGE_NOT_ADDRESS },
		{ "10.0.0.256", RANGE_NOT_ADDRESS },
		{ "010.0.0.1", RANGE_NOT_ADDRESS },
		{ " 10.0.0.1", RANGE_NOT_ADDRESS },
		{ "10.0.0.1 ", RANGE_NOT_ADDRESS },
		{ "fe80::1%eth0", RANGE_NOT_ADDRESS },
		{ "10.0.0.1-", RANGE_NOT_ADDRESS },
		{ "10.0.0.1-10.0.0.2-10.0.0.3", RANGE_NOT_ADDRESS },
		{ "example.org", RANGE_NOT_ADDRESS },
		{ "10.0.0.0/", RANGE_BAD_LENGTH },
		{ "10.0.0.0/33", RANGE_BAD_LENGTH },
		{ "10.0.0.0/08", RANGE_BAD_LENGTH },
		{ "10.0.0.0/+8", RANGE_BAD_LENGTH },
		{ "10.0.0.0/8/8", RANGE_BAD_LENGTH },
		{ "::/129", RANGE_BAD_LENGTH },
		{ "::/4294967296", RANGE_BAD_LENGTH },
		{ "10.0.0.5/24", RANGE_HOST_BITS },
		{ "::1/127", RANGE_HOST_BITS },
		{ "10.0.0.2-10.0.0.1", RANGE_REVERSED },
		{ "10.0.0.2-::5", RANGE_MIXED },
	};
	char long_text[RANGE_TEXT_MAX + 10];
	struct address_range range;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error = range_parse(cases[i].text, &range);

		if (error != cases[i].error)
			fail_msg("%s: %d", cases[i].text, error);
	}
	memset(long_text, '1', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(range_parse(long_text, &range), RANGE_NOT_ADDRESS);
}

static void names_the_network_of_a_prefix_with_host_bits(void **state)
{
	struct address_range range;
	char out[RANGE_TEXT_MAX];

	(void)state;
	assert_int_equal(range_parse("10.0.0.5/24", &range), RANGE_HOST_BITS);
	assert_string_equal(range_format(range, out), "10.0.0.0/24");
	assert_int_equal(range_parse("2001:db8::1/48", &range), RANGE_HOST_BITS);
	assert_string_equal(range_format(range, out), "2001:db8::/48");
}

static void keeps_addresses_in_host_byte_order(void **state)
{
	struct address address;

	(void)state;
	assert_int_equal(address_parse("1.2.3.4", &address), 0);
	assert_int_equal(address.family, FAMILY_IPV4);
	assert_true(address.value == 0x01020304);
	assert_int_equal(address_parse("2001:db8::1", &address), 0);
	assert_int_equal(address.family, FAMILY_IPV6);
	assert_true(address.value == ((uint128_t)0x20010db8 << 96 | 1));
	assert_int_equal(address_parse("1.2.3.4/8", &address), -EINVAL);
}

static void knows_addresses_of_many_machines(void **state)
{
	static const char *const many[] = { "224.0.0.0", "239.255.255.255",
					    "255.255.255.255", "ff02::1" };
	static const char *const one[] = { "223.255.255.255", "240.0.0.1",
					   "255.255.255.254", "fe80::1", "::" };
	struct address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		assert_int_equal(address_parse(many[i], &address), 0);
		assert_true(address_is_multicast(address));
	}
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		assert_int_equal(address_parse(one[i], &address), 0);
		assert_false(address_is_multicast(address));
	}
}

static void reads_back_every_prefix_it_writes(void **state)
{
	struct address_range range, again;
	char out[RANGE_TEXT_MAX];

	(void)state;
	for (unsigned int length = 0; length <= 128; length++) {
		uint128_t host = length == 128 ? 0 : ~(uint128_t)0 >> length;
		uint128_t value = (uint128_t)0x20010db812345678 << 64 | 0x9abcdef;

		range = (struct address_range){ FAMILY_IPV6, value & ~host,
						value | host };
		assert_int_equal(range_parse(range_format(range, out), &again), 0);
		assert_true(again.first == range.first && again.last == range.last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses_prefixes_and_ranges),
		cmocka_unit_test(tells_what_is_wrong_with_a_range),
		cmocka_unit_test(names_the_network_of_a_prefix_with_host_bits),
		cmocka_unit_test(keeps_addresses_in_host_byte_order),
		cmocka_unit_test(knows_addresses_of_many_machines),
		cmocka_unit_test(reads_back_every_prefix_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
