/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "base/cleanup.h"
#include "reading.h"

static struct policy *read_nat_text(const char *nat)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	buffer_printf(&text,
		      "version: 1\nzones: { lan: eth1, wan: [eth0], vpn: wg0 }\n%s%s",
		      "nat:\n", nat);
	return read_good(text.data);
}

static void reads_masquerades(void **state)
{
	auto_policy struct policy *policy =
		read_nat_text("- masquerade: { from: [vpn, lan], to: wan }\n"
			      "- masquerade: { from: lan, to: [wan], family: ipv6 }\n"
			      "- masquerade: { id: both, from: lan, to: vpn, family: "
			      "any }\n");
	const struct nat *nats = policy->nats;

	(void)state;
	assert_int_equal(policy->nat_count, 3);
	assert_int_equal(nats[0].kind, NAT_MASQUERADE);
	assert_string_equal(nats[0].id, "masquerade.1");
	assert_int_equal(nats[0].from_zone_count, 2);
	assert_int_equal(nats[0].from_zones[1], 2);
	assert_int_equal(nats[0].to_zones[0], 1);
	assert_true(nats[0].ipv4 && !nats[0].ipv6);
	assert_string_equal(nats[1].id, "masquerade.2");
	assert_true(!nats[1].ipv4 && nats[1].ipv6);
	assert_string_equal(nats[2].id, "both");
	assert_true(nats[2].ipv4 && nats[2].ipv6);
}

static void expect_target(const struct nat *nat, const char *address, uint16_t first,
			  uint16_t last)
{
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(nat->target, text), address);
	assert_int_equal(nat->target_port.first, first);
	assert_int_equal(nat->target_port.last, last);
}

static void warns_of_ports_that_went_into_the_address(void **state)
{
	static const struct {
		const char *to, *words;
	} cases[] = {
		{ "fd00::5:80",
		  "this is an address without a port; did you mean \"[fd00::5]:80\"? "
		  "Write \"[fd00::5:80]\" if not" },
		{ "2001:db8::1:8443", "did you mean \"[2001:db8::1]:8443\"?" },
		{ "\"[fd00::5:80]\"", NULL },
		{ "\"[fd00::5]:80\"", NULL },
		{ "fd00::5", NULL },
		{ "fd00::5:a0", NULL },
		{ "fd00::5:0", NULL },
		{ "2001:db8:1:2:3:4:5:80", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buffer struct buffer text = BUFFER_NULL;

		buffer_printf(&text,
			      "version: 1\nzones: { wan: eth0 }\nnat:\n"
			      "- forward: { from: wan, tcp: 80, to: %s }\n",
			      cases[i].to);
		expect_warning(text.data, cases[i].words);
	}
}

static void reads_all_forms_of_targets(void **state)
{
	auto_policy struct policy *policy = read_nat_text(
		"- forward: { id: nas, from: wan, tcp: 8443, to: \"10.0.1.5:443\" }\n"
		"- forward: { from: [wan, vpn], udp: 53, to: 10.0.1.5 }\n"
		"- forward: { from: wan, sctp: 1, to: \"[2001:db8::5]:2\" }\n"
		"- forward: { from: wan, tcp: 1, to: \"2001:db8::5\" }\n"
		"- forward: { from: wan, tcp: 2, to: \"[2001:db8::5]\" }\n"
		"- forward: { from: wan, tcp: 8000-8010, to: \"10.0.1.5:9000-9010\" }\n"
		"- forward: { from: wan, udp: 8000-8010, to: 10.0.1.5 }\n");
	const struct nat *nats = policy->nats;

	(void)state;
	assert_int_equal(policy->nat_count, 7);
	assert_int_equal(nats[0].kind, NAT_FORWARD);
	assert_string_equal(nats[0].id, "nas");
	assert_int_equal(nats[0].protocol, IPPROTO_TCP);
	assert_int_equal(nats[0].port.first, 8443);
	expect_target(&nats[0], "10.0.1.5", 443, 443);
	assert_string_equal(nats[1].id, "forward.2");
	assert_int_equal(nats[1].from_zone_count, 2);
	assert_int_equal(nats[1].to_zone_count, 0);
	expect_target(&nats[1], "10.0.1.5", 53, 53);
	assert_int_equal(nats[2].protocol, IPPROTO_SCTP);
	expect_target(&nats[2], "2001:db8::5", 2, 2);
	expect_target(&nats[3], "2001:db8::5", 1, 1);
	expect_target(&nats[4], "2001:db8::5", 2, 2);
	expect_target(&nats[5], "10.0.1.5", 9000, 9010);
	expect_target(&nats[6], "10.0.1.5", 8000, 8010);
}

static void an_id_belongs_to_one_rule_or_translation(void **state)
{
	(void)state;
	expect_refusal("version: 1\nzones: { wan: eth0 }\n"
		       "rules: [{ id: forward.1, from: any, to: host, allow: ssh }]\n"
		       "nat: [{ forward: { from: wan, tcp: 1, to: 10.0.0.1 } }]\n",
		       "id \"forward.1\" is already used in line 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_masquerades),
		cmocka_unit_test(warns_of_ports_that_went_into_the_address),
		cmocka_unit_test(reads_all_forms_of_targets),
		cmocka_unit_test(an_id_belongs_to_one_rule_or_translation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
