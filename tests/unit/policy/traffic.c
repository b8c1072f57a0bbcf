/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/services.h"
#include "policy/traffic.h"
#include "reading.h"

/* The traffic of one rule with this value for its verb. */
static void expect(const char *from, const char *value, const char *wanted)
{
	auto_policy struct policy *policy = NULL;
	auto_buffer struct buffer text = BUFFER_NULL;

	buffer_printf(&text,
		      "version: 1\nrules: [{ id: r, from: %s, to: host, allow: %s }]\n",
		      from, value);
	policy = read_good(text.data);
	expect_traffic(&policy->rules[0].traffic, wanted);
}

static void reads_all_forms(void **state)
{
	(void)state;
	expect("any", "all", "");
	expect("any", "[all]", "");
	expect("any", "ssh", "6:22-22, ");
	expect("any", "dns", "6:53-53, 17:53-53, ");
	expect("any", "{ tcp: 22 }", "6:22-22, ");
	expect("any", "{ tcp: \"22\" }", "6:22-22, ");
	expect("any", "{ tcp: all }", "6: ");
	expect("any", "{ icmp: all }", "1: ");
	expect("any", "{ sctp: [1, 65535] }", "132:1-1,65535-65535, ");
	expect("any", "{ icmp: [echo-request, 0], icmpv6: 128 }",
	       "1:0-0,8-8, 58:128-128, ");
	expect("any", "{ protocol: [esp, 51] }", "50: 51: ");
	expect("any", "{ protocol: tcp }", "6: ");
	expect("any", "ping", "1:8-8, 58:128-128, ");
	expect("any", "ipsec", "17:500-500,4500-4500, 50: ");
	expect("any", "[ssh, { tcp: 80, udp: 443 }, https]",
	       "6:22-22,80-80,443-443, 17:443-443, ");
}

static void ports_are_sorted_and_merged(void **state)
{
	(void)state;
	expect("any", "{ tcp: [90, 80-85, 86, 84-88, 65534-65535, 91] }",
	       "6:80-88,90-91,65534-65535, ");
	expect("any", "[{ tcp: 80 }, { tcp: all }, { tcp: 90 }]", "6: ");
}

static void a_service_gives_only_what_the_ends_can_meet(void **state)
{
	(void)state;
	expect("{ address: 10.0.0.1 }", "ping", "1:8-8, ");
	expect("{ address: \"::2\" }", "ping", "58:128-128, ");
	expect("{ address: \"::2\" }", "[ping, ssh]", "6:22-22, 58:128-128, ");
}

static void own_services_are_as_good_as_built_in_ones(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "ports:\n"
			  "  web: { tcp: [80, 443], udp: 443 }\n"
			  "  more: [{ tcp: 8080 }, { icmp: all }, { protocol: gre }]\n"
			  "rules:\n"
			  "  - { id: a, from: any, to: host, allow: [web, more] }\n");

	(void)state;
	expect_traffic(&policy->rules[0].traffic,
		       "1: 6:80-80,443-443,8080-8080, 17:443-443, 47: ");
}

static void built_in_services_are_sorted_and_well_formed(void **state)
{
	const struct builtin_service *before = NULL;

	(void)state;
	for (size_t i = 0; builtin_service_at(i); i++) {
		const struct builtin_service *service = builtin_service_at(i);

		assert_true(!before || strcmp(before->name, service->name) < 0);
		assert_ptr_equal(builtin_service_find(service->name), service);
		assert_true(service->parts[0].protocol != 0);
		for (size_t j = 0; j < SERVICE_PARTS_MAX && service->parts[j].protocol;
		     j++)
			assert_true(service->parts[j].range.first <=
				    service->parts[j].range.last);
		before = service;
	}
	assert_null(builtin_service_find("no-such-service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_forms),
		cmocka_unit_test(ports_are_sorted_and_merged),
		cmocka_unit_test(a_service_gives_only_what_the_ends_can_meet),
		cmocka_unit_test(own_services_are_as_good_as_built_in_ones),
		cmocka_unit_test(built_in_services_are_sorted_and_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
