/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small texts that would be large policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "base/cleanup.h"
#include "reading.h"

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The text must be refused with these words, and in a time that a sanitizer's build
 * needs at most. */
static void expect_quick_refusal(struct buffer *text, const char *words)
{
	double start = now_s();

	expect_refusal_of(text->data, text->size_bytes, words);
	assert_true(now_s() - start < 10);
}

static void refuses_a_billion_laughs(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\ngroups:\n  a0: &a0 [10.0.0.1]\n");
	for (int i = 1; i < 12; i++) {
		buffer_printf(&text, "  a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buffer_printf(&text, "*a%d, ", i - 1);
		buffer_text(&text, "]\n");
	}
	expect_quick_refusal(&text, "more than 2000000 values");
}

static void refuses_deep_nesting_of_any_kind(void **state)
{
	static const char *const openings[] = { "[", "{a: ", "- ", "? ", "{? ", "[[{" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(openings); i++) {
		auto_buffer struct buffer text = BUFFER_NULL;

		for (int j = 0; j < 500000; j++)
			buffer_text(&text, openings[i]);
		expect_quick_refusal(&text, "nested more than 16 deep");
	}
}

static void refuses_too_many_values(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "[");
	for (int i = 0; i < 3000000; i++)
		buffer_text(&text, "a,");
	expect_quick_refusal(&text, "more than 2000000 values");
}

static void refuses_too_many_anchors(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "[");
	for (int i = 0; i < 200000; i++)
		buffer_printf(&text, "&a%d x,", i);
	expect_quick_refusal(&text, "more than 1000 anchors");
}

static void many_faults_cost_no_more_than_few(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\ngroups: {");
	for (int i = 0; i < 100000; i++)
		buffer_printf(&text, "group-%d: [grupo-%d], ", i, i);
	buffer_text(&text, "}\n");
	expect_quick_refusal(&text, "no group or feed is named");
}

/* Each group holds the one before: the sum of all is what is bounded. */
static void groups_in_groups_are_bounded_together(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\ngroups:\n  g: [");
	for (int i = 0; i < 50000; i++)
		buffer_printf(&text, "10.%d.%d.%d, ", i >> 14, i >> 7 & 127,
			      (i & 127) * 2);
	buffer_text(&text, "]\nrules:\n");
	for (int i = 0; i < 10000; i++)
		buffer_printf(&text,
			      "- {id: r%d, from: {group: g}, to: host, allow: ssh}\n",
			      i);
	expect_quick_refusal(&text, "more than 8000000 ranges");
}

static void many_zones_in_many_rules_are_bounded(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\nzones: {");
	for (int i = 0; i < POLICY_ZONES_MAX; i++)
		buffer_printf(&text, "z%d: e%d, ", i, i);
	buffer_text(&text, "}\nrules:\n- {id: r, from: &z [");
	for (int i = 0; i < POLICY_ZONES_MAX; i++)
		buffer_printf(&text, "z%d, ", i);
	buffer_text(&text, "], to: *z, allow: ssh}\n");
	for (int i = 0; i < POLICY_RULES_MAX; i++)
		buffer_printf(&text, "- {id: r%d, from: *z, to: *z, allow: ssh}\n", i);
	expect_quick_refusal(&text, "more than 2000000 values");
}

static void refuses_too_many_rules_and_zones(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\nzones: {");
	for (int i = 0; i < POLICY_ZONES_MAX + 1; i++)
		buffer_printf(&text, "z%d: e%d, ", i, i);
	buffer_text(&text, "}\n");
	expect_quick_refusal(&text, "251 zones are too many");
	buffer_text(&text, "rules:\n");
	for (int i = 0; i < POLICY_RULES_MAX + 1; i++)
		buffer_printf(&text, "- {id: r%d, from: any, to: host, allow: ssh}\n",
			      i);
	expect_quick_refusal(&text, "50001 rules are too many");
}

static void reads_a_large_honest_policy(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	double start = now_s();

	(void)state;
	buffer_text(&text, "version: 1\nrules:\n");
	for (int i = 0; i < POLICY_RULES_MAX; i++)
		buffer_printf(&text,
			      "- {id: r%d, from: {address: 10.%d.%d.%d}, to: host, "
			      "allow: {tcp: %d}}\n",
			      i, i >> 16, i >> 8 & 255, i & 255, i % 60000 + 1);
	assert_int_equal(policy_read(text.data, text.size_bytes, &policy, &faults), 0);
	assert_int_equal(policy->rule_count, POLICY_RULES_MAX);
	assert_true(now_s() - start < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_billion_laughs),
		cmocka_unit_test(refuses_deep_nesting_of_any_kind),
		cmocka_unit_test(refuses_too_many_values),
		cmocka_unit_test(refuses_too_many_anchors),
		cmocka_unit_test(many_faults_cost_no_more_than_few),
		cmocka_unit_test(groups_in_groups_are_bounded_together),
		cmocka_unit_test(many_zones_in_many_rules_are_bounded),
		cmocka_unit_test(refuses_too_many_rules_and_zones),
		cmocka_unit_test(reads_a_large_honest_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
