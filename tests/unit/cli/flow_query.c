/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_query.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define NOW 1743330896LL

static struct store_query query;
static char problem[PROBLEM_MAX];

#define ASK(...)                                                                       \
	ask((const char *const[]){ "vigil", "flows", __VA_ARGS__ __VA_OPT__(, ) NULL })

static int ask(const char *const *words)
{
	struct arguments arguments;
	int count = 0;

	while (words[count])
		count++;
	assert_int_equal(
		arguments_parse(count, (char *const *)words, &arguments, problem), 0);
	return flow_query_parse(&arguments, NOW, &query, problem);
}

static void without_options_everything_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(ASK(), 0);
	assert_int_equal(query.since, 0);
	assert_int_equal(query.until, 0);
	assert_null(query.rule);
	assert_int_equal(query.denied, -1);
	assert_false(query.has_source || query.has_destination);
	assert_int_equal(query.port, -1);
	assert_int_equal(query.protocol, -1);
	assert_int_equal(query.group, GROUP_NONE);
	assert_int_equal(query.limit, LINES_DEFAULT);
}

static void each_option_narrows_the_question(void **state)
{
	(void)state;
	assert_int_equal(ASK("--since", "1h", "--until", "30m", "--rule", "ssh",
			     "--denied", "--src", "192.0.2.0/24", "--dst",
			     "2001:db8::1-2001:db8::9", "--port", "0", "--protocol",
			     "udp", "--top", "dst", "--limit", "7"),
			 0);
	assert_int_equal(query.since, NOW - 3600);
	assert_int_equal(query.until, NOW - 1800);
	assert_string_equal(query.rule, "ssh");
	assert_int_equal(query.denied, 1);
	assert_true(query.has_source && query.has_destination);
	assert_true(query.source.first == 0xc0000200 &&
		    query.source.last == 0xc00002ff);
	assert_int_equal(query.destination.family, FAMILY_IPV6);
	assert_int_equal(query.port, 0);
	assert_int_equal(query.protocol, 17);
	assert_int_equal(query.group, GROUP_DESTINATION);
	assert_int_equal(query.limit, 7);
}

static void programs_get_all_lines_unless_they_say_how_many(void **state)
{
	(void)state;
	assert_int_equal(ASK("--json"), 0);
	assert_int_equal(query.limit, 0);
	assert_int_equal(ASK("--json", "--limit", "5"), 0);
	assert_int_equal(query.limit, 5);
}

static void every_field_has_its_group(void **state)
{
	static const struct {
		const char *name;
		enum store_group group;
	} fields[] = {
		{ "rule", GROUP_RULE },           { "src", GROUP_SOURCE },
		{ "dst", GROUP_DESTINATION },     { "port", GROUP_PORT },
		{ "protocol", GROUP_PROTOCOL },   { "zone", GROUP_ZONE },
		{ "direction", GROUP_DIRECTION },
	};
	const char *const *choice = option_specs[OPTION_TOP].choices;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		assert_int_equal(ASK("--top", fields[i].name), 0);
		assert_int_equal(query.group, fields[i].group);
	}
	for (; *choice; choice++) {
		assert_int_equal(ASK("--top", *choice), 0);
		assert_int_not_equal(query.group, GROUP_NONE);
	}
}

#define REFUSES(sentence, ...)                                                         \
	do {                                                                           \
		assert_int_equal(ASK(__VA_ARGS__), -EINVAL);                           \
		assert_string_equal(problem, sentence);                                \
	} while (0)

static void says_what_is_wrong_with_a_value(void **state)
{
	(void)state;
	REFUSES("--since: '1x' is not a time; write 30m, 1h, 7d, today, yesterday, "
		"14:30, 2025-01-31, '2025-01-31 14:30' or @SECONDS",
		"--since", "1x");
	REFUSES("--src: '10.0.0.1/8' has bits beyond its prefix length; the network is "
		"10.0.0.0/8",
		"--src", "10.0.0.1/8");
	REFUSES("--dst: 'example.org' is neither an address, a prefix nor a range",
		"--dst", "example.org");
	REFUSES("--dst: '10.0.0.9-10.0.0.1' begins above its end", "--dst",
		"10.0.0.9-10.0.0.1");
	REFUSES("--port: 70000 is above 65535", "--port", "70000");
	REFUSES("--port: 'shh' is neither a number nor the name of a service", "--port",
		"shh");
	REFUSES("--port: service 'ipsec' has not exactly one port", "--port", "ipsec");
	REFUSES("--protocol: 'tpc' is no protocol, did you mean 'tcp'?", "--protocol",
		"tpc");
	REFUSES("--limit: '-1' is not a number", "--limit=-1");
	REFUSES("--since is not before --until", "--since", "1h", "--until", "2h");
	REFUSES("--top is about what is remembered and does not go with --follow",
		"--follow", "--top", "src");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_everything_is_asked_for),
		cmocka_unit_test(each_option_narrows_the_question),
		cmocka_unit_test(programs_get_all_lines_unless_they_say_how_many),
		cmocka_unit_test(every_field_has_its_group),
		cmocka_unit_test(says_what_is_wrong_with_a_value),
	};

	return cmocka_run_group_tests_name("cli/flow_query", tests, NULL, NULL);
}
