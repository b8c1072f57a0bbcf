/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

static void reads_defaults_and_flows(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "defaults: { input: reject, output: drop }\n"
			  "flows: { keep: 2w, max_size: 500MB, denied: no, mark: "
			  "0x0ff00000 }\n");

	(void)state;
	assert_int_equal(policy->default_input, VERDICT_REJECT);
	assert_int_equal(policy->default_forward, VERDICT_DROP);
	assert_int_equal(policy->default_output, VERDICT_DROP);
	assert_int_equal(policy->flows.keep_s, 14 * 86400);
	assert_int_equal(policy->flows.max_size_bytes, 500000000);
	assert_false(policy->flows.denied);
	assert_int_equal(policy->flows.mark_mask, 0x0ff00000);
}

static void reads_feeds(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "groups: { admin: [10.0.0.1] }\n"
			  "feeds:\n"
			  "  a: { file: a.txt }\n"
			  "  b: { file: /b, refresh: 6h, never: [admin, 10.0.0.2], "
			  "max_entries: 5, on_error: fail, on_empty: allow }\n"
			  "ban: [a, b, 192.0.2.0/24]\n");
	const struct feed *feeds = policy->feeds;

	(void)state;
	assert_int_equal(policy->feed_count, 2);
	assert_string_equal(feeds[0].name, "a");
	assert_string_equal(feeds[0].file, "a.txt");
	assert_int_equal(feeds[0].refresh_s, 0);
	assert_int_equal(feeds[0].max_entries, 2000000);
	assert_true(feeds[0].keep_on_error && !feeds[0].allow_empty);
	assert_true(address_set_empty(&feeds[0].never));
	assert_int_equal(feeds[1].refresh_s, 6 * 3600);
	assert_int_equal(feeds[1].max_entries, 5);
	assert_true(!feeds[1].keep_on_error && feeds[1].allow_empty);
	expect_addresses(&feeds[1].never, "10.0.0.1-10.0.0.2 ");
	assert_int_equal(policy->ban_feed_count, 2);
	expect_addresses(&policy->ban, "192.0.2.0/24 ");
}

static void a_single_ban_needs_no_list(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\nban: 192.0.2.0/24\n");

	(void)state;
	expect_addresses(&policy->ban, "192.0.2.0/24 ");
}

static void names_of_verdicts_and_directions(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_REJECT), "reject");
	assert_string_equal(direction_name(DIRECTION_FORWARD), "forward");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_defaults_and_flows),
		cmocka_unit_test(reads_feeds),
		cmocka_unit_test(a_single_ban_needs_no_list),
		cmocka_unit_test(names_of_verdicts_and_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
