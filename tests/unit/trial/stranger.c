/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/stranger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/unit/policy/reading.h"

#define RULES                                                                          \
	"rules:\n"                                                                     \
	"  - { id: a, from: { address: [203.0.113.0/24, \"2001:db8:ffff::/48\"] }, "   \
	"to: host, allow: ssh }\n"                                                     \
	"  - { id: b, from: { group: bad }, to: host, allow: http }\n"

static const char text[] =
	"version: 1\n"
	"feeds: { bad: { file: bad.txt } }\n"
	"ban: [198.51.100.0/24]\n" RULES
	"nat: [ { forward: { from: wan, tcp: 1, to: 198.18.0.9 } } ]\n"
	"zones: { wan: eth0 }\n";

static bool is(struct address address, const char *wanted)
{
	char shown[ADDRESS_TEXT_MAX];

	return strcmp(address_format(address, shown), wanted) == 0;
}

static void is_in_no_ban_rule_feed_or_forward(void **state)
{
	auto_policy struct policy *policy = read_good(text);
	auto_address_set struct address_set feed = ADDRESS_SET_NULL;
	const struct candidate candidate = { .policy = policy, .feeds = &feed };
	struct address_range range;

	(void)state;
	assert_int_equal(range_parse("192.0.2.0/24", &range), 0);
	address_set_add(&feed, range);
	address_set_finish(&feed);
	assert_true(is(stranger_find(&candidate, FAMILY_IPV4, STRANGER_SOURCE, 0),
		       "198.18.0.12"));
	assert_true(is(stranger_find(&candidate, FAMILY_IPV4, STRANGER_HOST, 0),
		       "198.19.255.11"));
	assert_true(is(stranger_find(&candidate, FAMILY_IPV4, STRANGER_HOST, 1),
		       "198.19.255.14"));
	assert_true(is(stranger_find(&candidate, FAMILY_IPV6, STRANGER_SOURCE, 0),
		       "3fff:ffff::9"));
}

static void where_all_are_known_it_is_one_of_them(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nban: [0.0.0.0/0, \"::/0\"]\n");
	const struct candidate candidate = { .policy = policy };

	(void)state;
	assert_true(is(stranger_find(&candidate, FAMILY_IPV4, STRANGER_DESTINATION, 7),
		       "203.0.113.10"));
	assert_true(is(stranger_find(&candidate, FAMILY_IPV6, STRANGER_SOURCE, 0),
		       "2001:db8:ffff::9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_in_no_ban_rule_feed_or_forward),
		cmocka_unit_test(where_all_are_known_it_is_one_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
