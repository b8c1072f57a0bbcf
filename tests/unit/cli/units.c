/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void bytes_have_two_or_three_digits(void **state)
{
	char out[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_bytes(0, out), "0 B");
	assert_string_equal(units_bytes(1023, out), "1023 B");
	assert_string_equal(units_bytes(1024, out), "1.0 KiB");
	assert_string_equal(units_bytes(1536, out), "1.5 KiB");
	assert_string_equal(units_bytes(10240, out), "10 KiB");
	assert_string_equal(units_bytes(1048575, out), "1023 KiB");
	assert_string_equal(units_bytes(1048576, out), "1.0 MiB");
	assert_string_equal(units_bytes(5368709120, out), "5.0 GiB");
	assert_string_equal(units_bytes(UINT64_MAX, out), "15 EiB");
	assert_string_equal(units_bytes_short(1023, out), "1023");
	assert_string_equal(units_bytes_short(1288490188, out), "1.1G");
}

static void counts_stay_exact_below_a_hundred_thousand(void **state)
{
	char out[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_count(0, out), "0");
	assert_string_equal(units_count(99999, out), "99999");
	assert_string_equal(units_count(100000, out), "100k");
	assert_string_equal(units_count(999999, out), "999k");
	assert_string_equal(units_count(1234567, out), "1.2M");
	assert_string_equal(units_count(UINT64_MAX, out), "18E");
}

static void durations_name_their_largest_unit(void **state)
{
	char out[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_duration(-5, out), "0s");
	assert_string_equal(units_duration(59, out), "59s");
	assert_string_equal(units_duration(60, out), "1m");
	assert_string_equal(units_duration(7199, out), "1h");
	assert_string_equal(units_duration(86400 * 40, out), "40d");
}

static void numbers_are_digits_within_their_bound(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(units_parse_number("65535", 65535, &value), 0);
	assert_int_equal(value, 65535);
	assert_int_equal(units_parse_number("65536", 65535, &value), -ERANGE);
	assert_int_equal(units_parse_number("99999999999999999999", UINT64_MAX, &value),
			 -ERANGE);
	assert_int_equal(units_parse_number("", 10, &value), -EINVAL);
	assert_int_equal(units_parse_number("-1", 10, &value), -EINVAL);
	assert_int_equal(units_parse_number(" 1", 10, &value), -EINVAL);
	assert_int_equal(units_parse_number("1x", 10, &value), -EINVAL);
	assert_int_equal(value, 65535);
}

static void protocols_go_by_name_or_number(void **state)
{
	char out[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(units_protocol(6, out), "tcp");
	assert_string_equal(units_protocol(58, out), "icmpv6");
	assert_string_equal(units_protocol(253, out), "253");
	assert_int_equal(units_parse_protocol("udp"), 17);
	assert_int_equal(units_parse_protocol("132"), 132);
	assert_int_equal(units_parse_protocol("256"), -EINVAL);
	assert_int_equal(units_parse_protocol("tpc"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_two_or_three_digits),
		cmocka_unit_test(counts_stay_exact_below_a_hundred_thousand),
		cmocka_unit_test(durations_name_their_largest_unit),
		cmocka_unit_test(numbers_are_digits_within_their_bound),
		cmocka_unit_test(protocols_go_by_name_or_number),
	};

	return cmocka_run_group_tests_name("cli/units", tests, NULL, NULL);
}
