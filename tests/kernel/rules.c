/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of rule with real packets, both ways, IPv4 and IPv6. */
#include <time.h>

#include "tests/kernel/places.h"

static void allows_drops_and_rejects_input(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: a, from: wan, to: host, allow: [ssh, {udp: 5000}] }\n"
		"  - { id: d, from: wan, to: host, drop: [{tcp: 80}, {udp: 80}] }\n"
		"  - { id: r, from: wan, to: host, reject: all }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(WAN, at(WAN, 1, v6), 22, OPEN);
		EXPECT_UDP(WAN, at(WAN, 1, v6), 5000, OPEN);
		EXPECT_TCP(WAN, at(WAN, 1, v6), 80, SILENT);
		EXPECT_UDP(WAN, at(WAN, 1, v6), 80, SILENT);
		EXPECT_TCP(WAN, at(WAN, 1, v6), 443, REFUSED);
		EXPECT_UDP(WAN, at(WAN, 1, v6), 443, PROHIBITED);
		/* By default. */
		EXPECT_TCP(LAN, at(LAN, 1, v6), 22, SILENT);
	}
	assert_int_equal(counter("a"), 4);
	assert_in_range(counter("d"), 4, 8); /* TCP tries again */
	assert_int_equal(counter("r"), 4);
}

static void allows_drops_and_rejects_output(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: d, from: host, to: wan, drop: [{tcp: 80}, {udp: 80}] }\n"
		"  - { id: r, from: host, to: [wan, lan], reject: [{tcp: 25}, "
		"{udp: 25}] }\n"
		"  - { id: a, from: host, to: { address: [10.9.1.2, "
		"'fd09:1::2'] }, allow: all }\n"
		"  - { id: n, from: host, to: wan, reject: all }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(HOST, at(WAN, 2, v6), 22, OPEN);
		EXPECT_UDP(HOST, at(WAN, 2, v6), 53, OPEN);
		EXPECT_TCP(HOST, at(WAN, 2, v6), 80, SILENT);
		EXPECT_UDP(HOST, at(WAN, 2, v6), 80, SILENT);
		EXPECT_TCP(HOST, at(WAN, 2, v6), 25, REFUSED);
		EXPECT_UDP(HOST, at(WAN, 2, v6), 25, PROHIBITED);
		EXPECT_TCP(HOST, at(LAN, 2, v6), 25, REFUSED);
		EXPECT_TCP(HOST, at(WAN, 3, v6), 22, REFUSED);
		/* By default. */
		EXPECT_TCP(HOST, at(LAN, 2, v6), 22, OPEN);
	}
}

static void allows_drops_and_rejects_forwarding(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: r, from: lan, to: wan, reject: [{tcp: 25}, {udp: 25}] }\n"
		"  - { id: d, from: lan, to: wan, drop: {tcp: 80} }\n"
		"  - { id: a, from: lan, to: wan, allow: all }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(LAN, at(WAN, 2, v6), 22, OPEN);
		EXPECT_UDP(LAN, at(WAN, 2, v6), 53, OPEN);
		EXPECT_TCP(LAN, at(WAN, 2, v6), 80, SILENT);
		EXPECT_TCP(LAN, at(WAN, 2, v6), 25, REFUSED);
		EXPECT_UDP(LAN, at(WAN, 2, v6), 25, PROHIBITED);
		EXPECT_TCP(WAN, at(LAN, 2, v6), 22, SILENT);
		EXPECT_TCP(STRAY, at(WAN, 2, v6), 22, SILENT);
	}
}

static void obeys_each_default(void **state)
{
	(void)state;
	enforce(ZONES "defaults: { input: reject, forward: reject, output: reject }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(WAN, at(WAN, 1, v6), 22, REFUSED);
		EXPECT_UDP(STRAY, at(STRAY, 1, v6), 53, PROHIBITED);
		EXPECT_TCP(LAN, at(WAN, 2, v6), 22, REFUSED);
		EXPECT_TCP(HOST, at(WAN, 2, v6), 22, REFUSED);
	}
	enforce(ZONES "defaults: { input: allow, forward: allow, output: drop }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(WAN, at(WAN, 1, v6), 22, OPEN);
		EXPECT_UDP(STRAY, at(LAN, 2, v6), 53, OPEN);
		EXPECT_TCP(HOST, at(WAN, 2, v6), 22, SILENT);
	}
}

static void knows_zones_patterns_and_strays(void **state)
{
	(void)state;
	enforce(ZONES "rules:\n"
		      "  - { id: z, from: lan, to: host, allow: {tcp: 22} }\n"
		      "  - { id: any, from: any, to: host, allow: {tcp: 80} }\n"
		      "  - { id: out, from: lan, to: any, allow: {tcp: 443} }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_TCP(LAN, at(LAN, 1, v6), 22, OPEN);
		EXPECT_TCP(GUEST, at(GUEST, 1, v6), 22, OPEN);
		EXPECT_TCP(STRAY, at(STRAY, 1, v6), 22, SILENT);
		EXPECT_TCP(WAN, at(WAN, 1, v6), 80, OPEN);
		EXPECT_TCP(GUEST, at(GUEST, 1, v6), 80, OPEN);
		EXPECT_TCP(STRAY, at(STRAY, 1, v6), 80, OPEN);
		EXPECT_TCP(GUEST, at(STRAY, 2, v6), 443, OPEN);
		EXPECT_TCP(GUEST, at(LAN, 2, v6), 443, OPEN);
		EXPECT_TCP(STRAY, at(LAN, 2, v6), 443, SILENT);
	}
}

static void knows_groups_ranges_and_feeds(void **state)
{
	struct address_set feeds[1] = { ADDRESS_SET_NULL };
	struct address_range v4, v6;

	(void)state;
	assert_int_equal(range_parse("10.9.1.3", &v4), 0);
	assert_int_equal(range_parse("fd09:1::3-fd09:1::7", &v6), 0);
	assert_int_equal(address_set_add(&feeds[0], v4), 0);
	assert_int_equal(address_set_add(&feeds[0], v6), 0);
	address_set_finish(&feeds[0]);
	enforce_with_feeds(
		ZONES "groups: { g: [10.9.1.0/31, 10.9.1.2-10.9.1.2, 'fd09:1::2'] }\n"
		      "feeds: { f: { file: none } }\n"
		      "rules:\n"
		      "  - { id: g, from: { zone: wan, group: g }, to: host, "
		      "allow: {udp: 53} }\n"
		      "  - { id: f, from: { zone: wan, group: f }, to: host, "
		      "allow: {udp: 80} }\n"
		      "  - { id: both, from: { zone: wan, group: [f, g] }, to: { zone: "
		      "host, address: [10.9.1.1, 'fd09:1::1'] }, allow: {udp: 443} }\n",
		feeds);
	for (int six = 0; six < 2; six++) {
		const char *host = at(WAN, 1, six);

		EXPECT_UDP_BY(WAN, at(WAN, 2, six), host, 53, OPEN);
		EXPECT_UDP_BY(WAN, at(WAN, 3, six), host, 53, SILENT);
		EXPECT_UDP_BY(WAN, at(WAN, 2, six), host, 80, SILENT);
		EXPECT_UDP_BY(WAN, at(WAN, 3, six), host, 80, OPEN);
		EXPECT_UDP_BY(WAN, at(WAN, 2, six), host, 443, OPEN);
		EXPECT_UDP_BY(WAN, at(WAN, 3, six), host, 443, OPEN);
		EXPECT_UDP_BY(WAN, at(WAN, 2, six), at(LAN, 1, six), 443, SILENT);
	}
	address_set_done(&feeds[0]);
}

static void bans_both_ways(void **state)
{
	(void)state;
	enforce(ZONES "ban: [10.9.1.3, 'fd09:1::3']\n"
		      "defaults: { input: allow, forward: allow, output: allow }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_UDP_BY(WAN, at(WAN, 2, v6), at(WAN, 1, v6), 53, OPEN);
		EXPECT_UDP_BY(WAN, at(WAN, 3, v6), at(WAN, 1, v6), 53, SILENT);
		EXPECT_UDP(HOST, at(WAN, 2, v6), 53, OPEN);
		EXPECT_UDP(HOST, at(WAN, 3, v6), 53, SILENT);
		EXPECT_UDP(LAN, at(WAN, 2, v6), 53, OPEN);
		EXPECT_UDP(LAN, at(WAN, 3, v6), 53, SILENT);
	}
	assert_int_equal(counter("ban"), 6);
}

static void knows_icmp(void **state)
{
	(void)state;
	enforce(ZONES "rules:\n"
		      "  - { id: p, from: wan, to: host, allow: ping }\n"
		      "  - { id: f, from: lan, to: wan, allow: { icmpv6: all } }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(ping(WAN, at(WAN, 1, v6)), 0);
		assert_int_not_equal(ping(LAN, at(LAN, 1, v6)), 0);
		assert_int_equal(ping(HOST, at(LAN, 2, v6)), 0);
	}
	assert_int_not_equal(ping(LAN, at(WAN, 2, false)), 0);
	assert_int_equal(ping(LAN, at(WAN, 2, true)), 0);
	assert_int_equal(counter("p"), 2);
}

/* A packet of any protocol, by its number. */
static void send_raw(enum place from, const char *destination, int protocol,
		     const void *data, size_t size)
{
	pid_t pid = fork();
	struct sockaddr_storage to;
	socklen_t to_size;
	int fd;

	peers_must(pid >= 0, "fork");
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	harness_visit(places[from]);
	to_size = fill_address(destination, 0, &to);
	fd = socket(to.ss_family, SOCK_RAW, protocol);
	_exit(fd < 0 || sendto(fd, data, size, 0, (struct sockaddr *)&to, to_size) < 0);
}

static void knows_other_protocols(void **state)
{
	/* Port 1000 to 2905, tag 0, INIT. The checksum is checked on the way in. */
	static const uint8_t init[] = { 3, 232, 11, 89, 0,  0, 0, 0, 0, 0, 0,
					0, 1,   0,  0,  20, 1, 2, 3, 4, 0, 0,
					5, 220, 0,  1,  0,  1, 0, 0, 0, 1 };
	static const uint8_t data[] = { 0, 0, 8, 0, 1, 2, 3, 4 };

	(void)state;
	harness_must("sysctl -qw net.netfilter.nf_conntrack_checksum=0");
	enforce(ZONES "rules:\n"
		      "  - { id: gre, from: wan, to: host, drop: { protocol: gre } }\n"
		      "  - { id: esp, from: wan, to: host, drop: { protocol: 50 } }\n"
		      "  - { id: sctp, from: wan, to: host, drop: { sctp: 2905 } }\n"
		      "  - { id: sctps, from: wan, to: host, drop: { sctp: all } }\n");
	for (int v6 = 0; v6 < 2; v6++) {
		send_raw(WAN, at(WAN, 1, v6), IPPROTO_GRE, data, sizeof(data));
		send_raw(WAN, at(WAN, 1, v6), IPPROTO_ESP, data, sizeof(data));
		send_raw(WAN, at(WAN, 1, v6), IPPROTO_SCTP, init, sizeof(init));
		send_raw(LAN, at(LAN, 1, v6), IPPROTO_GRE, data, sizeof(data));
	}
	assert_int_equal(counter("gre"), 2);
	assert_int_equal(counter("esp"), 2);
	assert_int_equal(counter("sctp"), 2);
	assert_int_equal(counter("sctps"), 0);
}

static void keeps_to_the_time(void **state)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[1024];

	(void)state;
	gmtime_r(&now, &utc);
	snprintf(text, sizeof(text),
		 ZONES "rules:\n"
		       "  - { id: in, from: wan, to: host, allow: {udp: 53}, time: "
		       "{ from: \"%02d:00\", to: \"%02d:00\" } }\n"
		       "  - { id: out, from: wan, to: host, allow: {udp: 80}, time: "
		       "{ from: \"%02d:00\", to: \"%02d:00\" } }\n",
		 (utc.tm_hour + 22) % 24, (utc.tm_hour + 2) % 24,
		 (utc.tm_hour + 2) % 24, (utc.tm_hour + 22) % 24);
	enforce(text);
	for (int v6 = 0; v6 < 2; v6++) {
		EXPECT_UDP(WAN, at(WAN, 1, v6), 53, OPEN);
		EXPECT_UDP(WAN, at(WAN, 1, v6), 80, SILENT);
	}
}

/* An IPv6 neighbour must be found even when all is dropped. */
static void lets_neighbours_be_found(void **state)
{
	(void)state;
	enforce(ZONES "defaults: { input: drop, output: drop, forward: drop }\n"
		      "rules: [ { id: p, from: wan, to: host, allow: ping } ]\n");
	harness_must("ip -6 neigh flush dev w0");
	harness_must_in(places[WAN], "ip -6 neigh flush dev eth0");
	assert_int_equal(ping(WAN, at(WAN, 1, true)), 0);
	assert_true(counter("builtin.icmpv6") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(allows_drops_and_rejects_input, begin),
		cmocka_unit_test_setup(allows_drops_and_rejects_output, begin),
		cmocka_unit_test_setup(allows_drops_and_rejects_forwarding, begin),
		cmocka_unit_test_setup(obeys_each_default, begin),
		cmocka_unit_test_setup(knows_zones_patterns_and_strays, begin),
		cmocka_unit_test_setup(knows_groups_ranges_and_feeds, begin),
		cmocka_unit_test_setup(bans_both_ways, begin),
		cmocka_unit_test_setup(knows_icmp, begin),
		cmocka_unit_test_setup(knows_other_protocols, begin),
		cmocka_unit_test_setup(keeps_to_the_time, begin),
		cmocka_unit_test_setup(lets_neighbours_be_found, begin),
	};
	int failed;

	places_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	places_close();
	return failed;
}
