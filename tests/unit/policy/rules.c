/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

static const char zones[] =
	"version: 1\n"
	"zones: { lan: eth1, wan: eth0, dmz: eth2 }\n"
	"groups: { four: [10.0.0.0/8], six: [\"2001:db8::/32\"] }\n"
	"feeds: { bad: { file: bad.txt }, worse: { file: w.txt } }\n"
	"ban: [four, six, bad, worse]\n"
	"rules:\n";

static struct policy *read_rules_text(const char *rules)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	buffer_printf(&text, "%s%s", zones, rules);
	return read_good(text.data);
}

static void reads_all_forms_of_ends(void **state)
{
	auto_policy struct policy *policy = read_rules_text(
		"- { id: a, from: wan, to: host, allow: ssh }\n"
		"- { id: b, from: [dmz, lan], to: any, allow: ssh }\n"
		"- { id: c, from: host, to: { zone: [wan, dmz], group: four }, drop: "
		"ssh }\n"
		"- { id: d, from: { group: [four, bad, worse, bad] }, to: host, "
		"reject: ssh }\n"
		"- { id: e, from: { zone: host, address: 10.0.0.1 }, to: { address: "
		"[10.0.0.2, 10.0.0.3] }, allow: ssh }\n"
		"- { id: f, from: { zone: any }, to: { zone: lan }, allow: ssh }\n");
	const struct rule *rules = policy->rules;

	(void)state;
	assert_int_equal(policy->rule_count, 6);
	assert_int_equal(rules[0].from.zone_count, 1);
	assert_int_equal(rules[0].from.zones[0], 1);
	assert_true(rules[0].to.host);
	assert_false(rules[0].from.restricted);
	assert_int_equal(rules[1].from.zone_count, 2);
	assert_int_equal(rules[1].from.zones[0], 0);
	assert_int_equal(rules[1].from.zones[1], 2);
	assert_true(rules[1].to.any_zone);
	assert_int_equal(rules[2].verdict, VERDICT_DROP);
	assert_true(rules[2].to.restricted);
	expect_addresses(&rules[2].to.addresses, "10.0.0.0/8 ");
	assert_int_equal(rules[3].verdict, VERDICT_REJECT);
	assert_true(rules[3].from.any_zone);
	assert_int_equal(rules[3].from.feed_count, 2);
	assert_int_equal(rules[3].from.feeds[0], 0);
	assert_int_equal(rules[3].from.feeds[1], 1);
	assert_true(rules[4].from.host && rules[4].from.restricted);
	expect_addresses(&rules[4].to.addresses, "10.0.0.2/31 ");
	assert_true(rules[5].from.any_zone && !rules[5].from.restricted);
	assert_int_equal(rules[5].position.line, 12);
	assert_int_equal(rules[5].position.column, 9);
}

static void reads_options(void **state)
{
	auto_policy struct policy *policy = read_rules_text(
		"- { id: a, from: wan, to: host, allow: ssh, log: yes, comment: Größe, "
		"limit: { rate: 3/hour } }\n"
		"- { id: b, from: wan, to: host, allow: http, limit: { rate: "
		"100/second, burst: 7, per: rule } }\n"
		"- { id: c, from: wan, to: host, allow: https, connections: { max: 20 "
		"} }\n"
		"- { id: d, from: wan, to: host, allow: dns, connections: { max: 9, "
		"per: rule }, limit: { rate: 1000000/day } }\n");
	const struct rule *rules = policy->rules;

	(void)state;
	assert_true(rules[0].log);
	assert_string_equal(rules[0].comment, "Größe");
	assert_int_equal(rules[0].limit.scope, LIMIT_PER_SOURCE);
	assert_int_equal(rules[0].limit.count, 3);
	assert_int_equal(rules[0].limit.period_s, 3600);
	assert_int_equal(rules[0].limit.burst, 5);
	assert_int_equal(rules[0].connections.scope, LIMIT_NONE);
	assert_int_equal(rules[1].limit.scope, LIMIT_PER_RULE);
	assert_int_equal(rules[1].limit.burst, 7);
	assert_int_equal(rules[2].connections.scope, LIMIT_PER_SOURCE);
	assert_int_equal(rules[2].connections.max, 20);
	assert_int_equal(rules[2].limit.scope, LIMIT_NONE);
	assert_int_equal(rules[3].connections.scope, LIMIT_PER_RULE);
	assert_int_equal(rules[3].limit.burst, 65535);
	assert_int_equal(rules[3].limit.period_s, 86400);
	assert_null(rules[3].comment);
}

static void a_schedule_has_defaults_for_what_is_left_out(void **state)
{
	auto_policy struct policy *policy = read_rules_text(
		"- { id: a, from: wan, to: host, allow: ssh, time: { days: [mon, sun] "
		"} "
		"}\n"
		"- { id: b, from: wan, to: host, allow: ssh, time: { from: \"22:00\", "
		"to: \"06:30\" } }\n"
		"- { id: c, from: wan, to: host, allow: ssh, time: { days: sat, to: "
		"\"24:00\" } }\n"
		"- { id: d, from: wan, to: host, allow: ssh }\n");
	const struct rule *rules = policy->rules;

	(void)state;
	assert_true(rules[0].schedule.set);
	assert_int_equal(rules[0].schedule.days, 3);
	assert_int_equal(rules[0].schedule.from_s, 0);
	assert_int_equal(rules[0].schedule.to_s, 86400);
	assert_int_equal(rules[1].schedule.days, 127);
	assert_int_equal(rules[1].schedule.from_s, 22 * 3600);
	assert_int_equal(rules[1].schedule.to_s, 6 * 3600 + 1800);
	assert_int_equal(rules[2].schedule.days, 64);
	assert_int_equal(rules[2].schedule.to_s, 86400);
	assert_false(rules[3].schedule.set);
}

/* A feed may hold either family, so an end with one meets anything. */
static void ends_with_feeds_meet_both_families(void **state)
{
	auto_policy struct policy *policy = read_rules_text(
		"- { id: a, from: { group: [four, bad] }, to: { group: six }, allow: { "
		"icmpv6: all } }\n");

	(void)state;
	expect_traffic(&policy->rules[0].traffic, "58: ");
}

static void names_may_have_63_characters(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_policy struct policy *policy = NULL;
	char id[65];

	(void)state;
	memset(id, 'a', 64);
	id[64] = '\0';
	buffer_printf(&text, "- { id: %s, from: any, to: host, allow: ssh }\n", id + 1);
	policy = read_rules_text(text.data);
	assert_string_equal(policy->rules[0].id, id + 1);
	buffer_clear(&text);
	buffer_printf(&text,
		      "version: 1\nrules: [{ id: %s, from: any, to: host, allow: ssh "
		      "}]\n",
		      id);
	expect_refusal(text.data, "has more than 63 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_forms_of_ends),
		cmocka_unit_test(reads_options),
		cmocka_unit_test(a_schedule_has_defaults_for_what_is_left_out),
		cmocka_unit_test(ends_with_feeds_meet_both_families),
		cmocka_unit_test(names_may_have_63_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
