/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

static void warns_of_names_that_nothing_uses(void **state)
{
	(void)state;
	expect_warning("version: 1\ngroups: { a: [10.0.0.1] }\n",
		       "group \"a\" is not used");
	expect_warning("version: 1\ngroups: { a: [10.0.0.1], b: [a] }\n",
		       "group \"b\" is not used");
	expect_warning("version: 1\nfeeds: { a: { file: a.txt } }\n",
		       "feed \"a\" is not used");
	expect_warning("version: 1\nports: { a: { tcp: 1 } }\n",
		       "service \"a\" is not used");
	expect_warning("version: 1\nzones: { a: eth0 }\n", NULL);
	expect_warning("version: 1\ngroups: { a: [10.0.0.1] }\nfeeds: { b: { file: b, "
		       "never: a } }\nban: b\n",
		       NULL);
}

/* The first fault of a policy that stands: one about the whole file comes first. */
static void expect_closed(const char *text, bool wanted)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	static const char words[] =
		"nothing may come in: no rule allows anything to host";

	assert_int_equal(policy_read(text, strlen(text), &policy, &faults), 0);
	assert_int_equal(faults.count, wanted);
	if (wanted)
		assert_string_equal(faults.list[0].text, words);
}

static void warns_when_nothing_may_come_in(void **state)
{
	(void)state;
	expect_closed("version: 1\n", true);
	expect_closed("version: 1\ndefaults: { input: reject }\n", true);
	expect_closed("version: 1\ndefaults: { input: allow }\n", false);
	expect_closed("version: 1\nrules:\n"
		      "- { id: a, from: any, to: any, allow: all }\n"
		      "- { id: b, from: host, to: any, allow: all }\n"
		      "- { id: c, from: any, to: host, reject: ping }\n",
		      true);
	expect_closed("version: 1\nrules:\n"
		      "- { id: a, from: any, to: host, allow: ping }\n",
		      false);
}

static void warns_of_forwards_that_share_a_port(void **state)
{
	static const char zones[] = "version: 1\nzones: { a: eth0, b: eth1 }\nnat:\n";
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_printf(&text, "%s%s", zones,
		      "- forward: { id: x, from: [a, b], tcp: 10-20, to: 10.0.0.1 }\n"
		      "- forward: { id: y, from: b, tcp: 15, to: 10.0.0.2 }\n");
	expect_warning(text.data, "forward \"x\" in line 4 takes a port of this one");
	buffer_clear(&text);
	buffer_printf(&text, "%s%s", zones,
		      "- forward: { from: a, tcp: 10-20, to: 10.0.0.1 }\n"
		      "- forward: { from: b, tcp: 15, to: 10.0.0.2 }\n"
		      "- forward: { from: a, udp: 15, to: 10.0.0.2 }\n"
		      "- forward: { from: a, tcp: 15, to: \"2001:db8::1\" }\n"
		      "- masquerade: { from: a, to: b }\n");
	expect_warning(text.data, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warns_of_names_that_nothing_uses),
		cmocka_unit_test(warns_when_nothing_may_come_in),
		cmocka_unit_test(warns_of_forwards_that_share_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
