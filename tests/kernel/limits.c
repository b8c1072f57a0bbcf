/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits on rates and connections, with real packets. */
#include "tests/kernel/places.h"

/* Ask so many times; the first ones are answered, and no other. */
static void expect_first(enum place from, const char *source, const char *destination,
			 unsigned int times, unsigned int open)
{
	for (unsigned int i = 0; i < times; i++)
		EXPECT_UDP_BY(from, source, destination, 5000,
			      i < open ? OPEN : SILENT);
}

static void limits_each_source(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: l, from: any, to: host, allow: {udp: 5000}, limit: { rate: "
		"1/hour, burst: 3, per: source } }\n"
		"  - { id: later, from: any, to: host, allow: all }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		const char *host = at(WAN, 1, v6);

		expect_first(WAN, at(WAN, 2, v6), host, 5, 3);
		/* Of IPv6 a whole network is one source. */
		expect_first(WAN, at(WAN, 3, v6), host, 4, v6 ? 0 : 3);
		/* Through another zone it is still the same rule. */
		expect_first(LAN, at(LAN, 2, v6), at(LAN, 1, v6), 4, 3);
	}
	assert_int_equal(counter("l"), 15);
	assert_int_equal(counter("l.over"), 11);
	assert_int_equal(counter("later"), 0);
}

/* As one who makes up addresses would: all places are taken by others. */
static void fill_table(void)
{
	harness_must(
		"{ echo 'add element inet vigil l.l.1-3600-3.4 {'; "
		"for a in $(seq 0 255); do for b in $(seq 0 255); do "
		"[ $a.$b = 255.255 ] || echo 10.77.$a.$b,; done; done; echo '}'; } "
		"| nft -f -");
}

static void shares_one_allowance_among_those_who_find_no_room(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: l, from: any, to: host, allow: {udp: 5000}, limit: { rate: "
		"1/hour, burst: 3, per: source } }\n"
		"  - { id: later, from: any, to: host, allow: all }\n");
	expect_first(WAN, at(WAN, 2, false), at(WAN, 1, false), 1, 1);
	harness_must("nft flush set inet vigil l.l.1-3600-3.4");
	fill_table();
	expect_first(WAN, at(WAN, 2, false), at(WAN, 1, false), 2, 2);
	expect_first(WAN, at(WAN, 3, false), at(WAN, 1, false), 3, 1);
	assert_int_equal(counter("l"), 4);
	assert_int_equal(counter("l.over"), 2);
	assert_int_equal(counter("later"), 0);
}

static void limits_a_rule_as_a_whole(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: l, from: any, to: host, allow: {udp: 5000}, limit: { rate: "
		"1/hour, burst: 3, per: rule } }\n"
		"  - { id: later, from: any, to: host, allow: all }\n");
	expect_first(WAN, at(WAN, 2, false), at(WAN, 1, false), 2, 2);
	expect_first(LAN, at(LAN, 2, true), at(LAN, 1, true), 3, 1);
	expect_first(STRAY, NULL, at(STRAY, 1, false), 1, 0);
	assert_int_equal(counter("l.over"), 3);
}

static void keeps_a_limit_across_a_reload(void **state)
{
	static const char limited[] =
		"  - { id: l, from: wan, to: host, allow: {udp: 5000}, limit: { "
		"rate: 1/hour, burst: 2 } }\n";
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), ZONES "rules:\n%s", limited);
	enforce(text);
	expect_first(WAN, NULL, at(WAN, 1, false), 3, 2);
	snprintf(text, sizeof(text), ZONES "rules:\n%s%s", limited,
		 "  - { id: more, from: wan, to: host, allow: ssh }\n");
	enforce(text);
	expect_first(WAN, NULL, at(WAN, 1, false), 1, 0);
	EXPECT_TCP(WAN, at(WAN, 1, false), 22, OPEN);
}

static void limits_connections(void **state)
{
	(void)state;
	enforce(ZONES "rules:\n"
		      "  - { id: s, from: wan, to: host, allow: {tcp: 5000}, "
		      "connections: { max: 2 } }\n"
		      "  - { id: w, from: any, to: host, allow: {tcp: 5001}, "
		      "connections: { max: 1, per: rule } }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		const char *host = at(WAN, 1, v6);
		struct stream one = stream_open(places[WAN], host, 5000, true);
		struct stream two = stream_open(places[WAN], host, 5000, true);
		struct stream three = stream_open(places[WAN], host, 5000, false);

		assert_true(one.open && two.open);
		assert_false(three.open);
		assert_true(stream_talk(&one));
		stream_close(&one);
		stream_close(&two);
		stream_close(&three);
	}
	struct stream first = stream_open(places[WAN], at(WAN, 1, false), 5001, true);

	assert_true(first.open);
	EXPECT_TCP(LAN, at(LAN, 1, true), 5001, SILENT);
	assert_true(counter("s.over") >= 2 && counter("w.over") >= 1);
	stream_close(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(limits_each_source, begin),
		cmocka_unit_test_setup(
			shares_one_allowance_among_those_who_find_no_room, begin),
		cmocka_unit_test_setup(limits_a_rule_as_a_whole, begin),
		cmocka_unit_test_setup(keeps_a_limit_across_a_reload, begin),
		cmocka_unit_test_setup(limits_connections, begin),
	};
	int failed;

	places_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	places_close();
	return failed;
}
