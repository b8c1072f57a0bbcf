/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy's tests become; what is refused is in tests/golden. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/packet.h"
#include "reading.h"

#define POLICY                                                                         \
	"version: 1\n"                                                                 \
	"zones: { wan: eth0, lan: eth1 }\n"                                            \
	"rules:\n"                                                                     \
	"  - { id: ssh, from: any, to: host, allow: ssh, limit: { rate: 5/minute } "   \
	"}\n"                                                                          \
	"nat:\n"                                                                       \
	"  - forward: { id: nas, from: wan, tcp: 8443, to: \"10.0.1.5:443\" }\n"       \
	"tests:\n"

static void reads_all_of_a_test(void **state)
{
	auto_policy struct policy *policy = read_good(
		POLICY "  - name: too many\n"
		       "    packet: { in: wan, src: \"192.0.2.1:4000\", dst: host, "
		       "tcp: 22, flags: syn, state: new, count: 9 }\n"
		       "    at: Sun 00:00\n"
		       "    expect: drop\n"
		       "    by: ssh.over\n");
	const struct test *test = &policy->tests[0];

	(void)state;
	assert_int_equal(policy->test_count, 1);
	assert_int_equal(test->position.line, 8);
	assert_string_equal(test->name, "too many");
	assert_int_equal(test->packet.direction, DIRECTION_INPUT);
	assert_string_equal(test->packet.in.interface, "eth0");
	assert_ptr_equal(test->packet.in.zone, policy->zones[0].name);
	assert_int_equal(test->packet.source.port, 4000);
	assert_int_equal(test->packet.destination.port, 22);
	assert_int_equal(test->packet.state, STATE_NEW);
	assert_int_equal(test->packet.count, 9);
	assert_true(test->at.set);
	assert_int_equal(test->expect, VERDICT_DROP);
	assert_string_equal(test->by, "ssh.over");
}

static void a_forward_tells_who_sends_it_on(void **state)
{
	auto_policy struct policy *policy = read_good(
		POLICY "  - { packet: { in: wan, dst: host, tcp: 8443 }, expect: "
		       "allow, by: nas }\n");

	(void)state;
	assert_int_equal(policy->tests[0].packet.direction, DIRECTION_FORWARD);
	assert_ptr_equal(policy->tests[0].packet.forward, &policy->nats[0]);
	assert_string_equal(policy->tests[0].packet.out.interface, "eth1");
}

static void the_rest_may_be_left_out(void **state)
{
	auto_policy struct policy *policy = read_good(
		POLICY "  - { packet: { in: none, dst: host, protocol: esp }, expect: "
		       "drop }\n");
	const struct test *test = &policy->tests[0];

	(void)state;
	assert_null(test->name);
	assert_null(test->by);
	assert_false(test->at.set);
	assert_null(test->packet.in.zone);
	assert_int_equal(test->packet.source.place, PLACE_ANY);
	assert_int_equal(test->packet.protocol, IPPROTO_ESP);
	assert_int_equal(test->packet.count, 1);
}

static void may_be_empty(void **state)
{
	auto_policy struct policy *policy = read_good(POLICY);

	(void)state;
	assert_int_equal(policy->test_count, 0);
}

static void too_many_are_refused(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, POLICY);
	for (int i = 0; i <= POLICY_TESTS_MAX; i++)
		buffer_text(&text, "  - a\n");
	expect_refusal(text.data, "10001 tests are too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_of_a_test),
		cmocka_unit_test(a_forward_tells_who_sends_it_on),
		cmocka_unit_test(the_rest_may_be_left_out),
		cmocka_unit_test(may_be_empty),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
