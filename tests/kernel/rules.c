/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every kind of rule with real packets, both ways, IPv4 and IPv6. This machine has four
 * neighbours: "wan" behind w0, "lan" behind l0, "guest" behind br-g, which only a
 * pattern puts into the lan zone, and "stray" behind x0, which is in no zone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "agent/helper.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/transition.h"
#include "policy/policy.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/peers.h"

#define ZONES "version: 1\nzones: { wan: w0, lan: [l0, \"br-*\"] }\n"

enum place { HOST, WAN, LAN, GUEST, STRAY, PLACES };

static const char *const interfaces[PLACES] = { NULL, "w0", "l0", "br-g", "x0" };
static pid_t places[PLACES];
static pid_t servers[PLACES];
static pid_t helper_pid;
static int helper;
static struct numbering *numbering;
static struct image *current;

/* 10.9.NET.x and fd09:NET::x; this machine is .1, the neighbour .2 and .3. */
static const char *at(enum place net, unsigned int host, bool v6)
{
	static char texts[8][INET6_ADDRSTRLEN];
	static size_t next;
	char *text = texts[next++ % 8];

	snprintf(text, INET6_ADDRSTRLEN, v6 ? "fd09:%x::%x" : "10.9.%u.%u",
		 (unsigned int)net, host);
	return text;
}

static void make_places(void)
{
	harness_must("sysctl -qw net.ipv4.ip_forward=1 "
		     "net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 "
		     "net.ipv6.icmp.ratelimit=0 net.netfilter.nf_conntrack_acct=1");
	for (unsigned int i = WAN; i < PLACES; i++) {
		places[i] = harness_neighbour(interfaces[i]);
		harness_must("ip addr add 10.9.%u.1/24 dev %s && "
			     "ip addr add fd09:%x::1/64 dev %s nodad",
			     i, interfaces[i], i, interfaces[i]);
		harness_must_in(places[i],
				"sysctl -qw net.ipv4.icmp_ratelimit=0 && "
				"ip addr add 10.9.%u.2/24 dev eth0 && "
				"ip addr add 10.9.%u.3/24 dev eth0 && "
				"ip addr add fd09:%x::2/64 dev eth0 nodad && "
				"ip addr add fd09:%x::3/64 dev eth0 nodad "
				"preferred_lft 0 && "
				"ip route add default via 10.9.%u.1 && "
				"ip -6 route add default via fd09:%x::1",
				i, i, i, i, i, i);
	}
	for (unsigned int i = HOST; i < PLACES; i++)
		servers[i] = serve(places[i]);
}

static void send_step(const struct step *step)
{
	struct helper_refusal refusal = { 0 };
	int r;

	if (step->kind == STEP_SCRIPT)
		r = helper_apply_script(helper, step->data, step->size_bytes, &refusal);
	else
		r = helper_apply_elements(helper, step->data, step->size_bytes,
					  step->atomic, &refusal);
	if (r < 0)
		fail_msg("the helper refuses line %u: %s", refusal.line, refusal.text);
}

static struct image *compile(const char *text, const struct address_set *feeds)
{
	static const uint32_t generations[4];
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	struct image *image = NULL;
	struct compile_input input = { .feeds = feeds,
				       .feed_generations = generations,
				       .numbering = numbering };

	if (policy_read(text, strlen(text), &policy, &faults) < 0)
		fail_msg("%s\n%u: %s", text, faults.list[0].position.line,
			 faults.list[0].text);
	input.policy = policy;
	assert_int_equal(compile_policy(&input, &image, &faults), 0);
	return image;
}

/* Bring a policy into force, from whatever is there. */
static void enforce_with_feeds(const char *text, const struct address_set *feeds)
{
	struct image *image = compile(text, feeds);
	struct inventory inventory = { 0 };
	struct transition transition;

	if (current)
		assert_int_equal(inventory_of_image(current, &inventory), 0);
	assert_int_equal(transition_plan(current, &inventory, image, &transition), 0);
	for (size_t i = 0; i < transition.step_count; i++)
		send_step(&transition.steps[i]);
	transition_done(&transition);
	inventory_done(&inventory);
	image_free(current);
	current = image;
}

static void enforce(const char *text)
{
	enforce_with_feeds(text, NULL);
}

/* Each test begins without a table and without connections. */
static int begin(void **state)
{
	(void)state;
	image_free(current);
	current = NULL;
	harness_must("nft delete table inet vigil 2>/dev/null; conntrack -F "
		     "2>/dev/null || true");
	return 0;
}

static void expect(int line, int type, enum place from, const char *source,
		   const char *destination, uint16_t port, enum answer answer)
{
	struct attempt attempt =
		try_from(places[from], type, source, destination, port);

	if (attempt.answer != answer)
		fail_msg("line %d: %s to port %u of %s: %s, not %s", line,
			 type == SOCK_STREAM ? "TCP" : "UDP", port, destination,
			 answer_names[attempt.answer], answer_names[answer]);
}

#define EXPECT_TCP(from, destination, port, answer)                                    \
	expect(__LINE__, SOCK_STREAM, from, NULL, destination, port, answer)
#define EXPECT_UDP(from, destination, port, answer)                                    \
	expect(__LINE__, SOCK_DGRAM, from, NULL, destination, port, answer)
#define EXPECT_UDP_BY(from, source, destination, port, answer)                         \
	expect(__LINE__, SOCK_DGRAM, from, source, destination, port, answer)

/* What a rule's counter says. */
static unsigned long counter(const char *id)
{
	auto_free char *text =
		harness_capture("nft list counter inet vigil '%s%s' | "
				"sed -n 's/.*packets \\([0-9]*\\).*/\\1/p'",
				COUNTER_PREFIX, id);

	return strtoul(text, NULL, 10);
}

static int ping(enum place from, const char *destination)
{
	if (from == HOST)
		return harness_run("ping -n -q -c1 -W0.2 %s >/dev/null 2>&1",
				   destination);
	return harness_run_in(places[from], "ping -n -q -c1 -W0.2 %s >/dev/null 2>&1",
			      destination);
}

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

static unsigned int count_open(enum place from, const char *source,
			       const char *destination, unsigned int times)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < times; i++)
		count += try_from(places[from], SOCK_DGRAM, source, destination, 5000)
				 .answer == OPEN;
	return count;
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

		assert_int_equal(count_open(WAN, at(WAN, 2, v6), host, 5), 3);
		assert_int_equal(count_open(WAN, at(WAN, 3, v6), host, 4), 3);
		/* Through another zone it is still the same rule. */
		assert_int_equal(count_open(LAN, at(LAN, 2, v6), at(LAN, 1, v6), 4), 3);
	}
	assert_int_equal(counter("l"), 18);
	assert_int_equal(counter("l.over"), 8);
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
	assert_int_equal(count_open(WAN, at(WAN, 2, false), at(WAN, 1, false), 2), 2);
	assert_int_equal(count_open(LAN, at(LAN, 2, true), at(LAN, 1, true), 3), 1);
	assert_int_equal(count_open(STRAY, NULL, at(STRAY, 1, false), 1), 0);
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
	assert_int_equal(count_open(WAN, NULL, at(WAN, 1, false), 3), 2);
	snprintf(text, sizeof(text), ZONES "rules:\n%s%s", limited,
		 "  - { id: more, from: wan, to: host, allow: ssh }\n");
	enforce(text);
	assert_int_equal(count_open(WAN, NULL, at(WAN, 1, false), 1), 0);
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
		struct stream one = stream_open(places[WAN], host, 5000);
		struct stream two = stream_open(places[WAN], host, 5000);
		struct stream three = stream_open(places[WAN], host, 5000);

		assert_true(one.open && two.open);
		assert_false(three.open);
		assert_true(stream_talk(&one));
		stream_close(&one);
		stream_close(&two);
		stream_close(&three);
	}
	struct stream first = stream_open(places[WAN], at(WAN, 1, false), 5001);

	assert_true(first.open);
	EXPECT_TCP(LAN, at(LAN, 1, true), 5001, SILENT);
	assert_true(counter("s.over") >= 2 && counter("w.over") >= 1);
	stream_close(&first);
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

static void expect_seen(enum place from, const char *destination, uint16_t port,
			const char *seen)
{
	struct attempt attempt =
		try_from(places[from], SOCK_STREAM, NULL, destination, port);

	assert_string_equal(answer_names[attempt.answer], "open");
	assert_string_equal(attempt.seen, seen);
}

static void masquerades(void **state)
{
	(void)state;
	enforce(ZONES "rules:\n"
		      "  - { id: out, from: lan, to: any, allow: all }\n"
		      "  - { id: in, from: wan, to: lan, allow: all }\n"
		      "nat:\n"
		      "  - masquerade: { from: lan, to: wan }\n");
	expect_seen(LAN, at(WAN, 2, false), 80, at(WAN, 1, false));
	expect_seen(GUEST, at(WAN, 2, false), 80, at(WAN, 1, false));
	expect_seen(LAN, at(WAN, 2, true), 80, at(LAN, 2, true));
	expect_seen(LAN, at(STRAY, 2, false), 80, at(LAN, 2, false));
	expect_seen(WAN, at(LAN, 2, false), 80, at(WAN, 2, false));
	assert_int_equal(counter("masquerade.1"), 2);
	enforce(ZONES "rules:\n"
		      "  - { id: out, from: lan, to: any, allow: all }\n"
		      "nat:\n"
		      "  - masquerade: { from: lan, to: wan, family: ipv6 }\n");
	expect_seen(LAN, at(WAN, 2, true), 80, at(WAN, 1, true));
	expect_seen(LAN, at(WAN, 2, false), 80, at(LAN, 2, false));
}

static void forwards_ports(void **state)
{
	(void)state;
	enforce(ZONES
		"rules:\n"
		"  - { id: no, from: wan, to: any, drop: {tcp: 25} }\n"
		"nat:\n"
		"  - forward: { id: four, from: wan, tcp: 8443, to: "
		"\"10.9.2.2:443\" }\n"
		"  - forward: { id: six, from: wan, tcp: 8443, to: "
		"\"[fd09:2::2]:443\" }\n"
		"  - forward: { id: many, from: wan, udp: \"6000-6001\", to: "
		"\"10.9.2.2:5000-5001\" }\n"
		"  - forward: { id: same, from: wan, udp: 53, to: \"10.9.2.2\" }\n"
		"  - forward: { id: kept, from: wan, tcp: 2525, to: "
		"\"10.9.2.2:25\" }\n");
	expect_seen(WAN, at(WAN, 1, false), 8443, at(WAN, 2, false));
	expect_seen(WAN, at(WAN, 1, true), 8443, at(WAN, 2, true));
	EXPECT_UDP(WAN, at(WAN, 1, false), 6000, OPEN);
	EXPECT_UDP(WAN, at(WAN, 1, false), 6001, OPEN);
	EXPECT_UDP(WAN, at(WAN, 1, false), 53, OPEN);
	/* Rules come first; without translation nothing is let through. */
	EXPECT_TCP(WAN, at(WAN, 1, false), 2525, SILENT);
	EXPECT_TCP(WAN, at(LAN, 2, false), 443, SILENT);
	EXPECT_TCP(LAN, at(LAN, 1, false), 8443, SILENT);
	assert_int_equal(counter("four"), 1);
	assert_int_equal(counter("six"), 1);
	assert_int_equal(counter("many"), 2);
}

/* The number in the mark of the connection to a port, as the kernel has it. */
static unsigned long mark_of(const char *protocol, uint16_t port)
{
	auto_free char *text =
		harness_capture("conntrack -L -p %s --orig-port-dst %u 2>/dev/null | "
				"sed -n '1s/.*mark=\\([0-9]*\\).*/\\1/p'",
				protocol, port);

	return strtoul(text, NULL, 10) >> 16;
}

static const struct decider *decider_of(const char *protocol, uint16_t port)
{
	const struct decider *decider =
		numbering_find(numbering, (uint32_t)mark_of(protocol, port));

	assert_non_null(decider);
	return decider;
}

static void marks_connections_with_their_rule(void **state)
{
	const struct decider *decider;

	(void)state;
	enforce(ZONES "rules:\n"
		      "  - { id: in, from: any, to: host, allow: {tcp: 22} }\n"
		      "  - { id: through, from: lan, to: wan, allow: {udp: 53} }\n");
	EXPECT_TCP(STRAY, at(STRAY, 1, true), 22, OPEN);
	harness_must("conntrack -L -f ipv6 2>/dev/null | grep -q 'dport=22 .*mark='");
	EXPECT_TCP(WAN, at(WAN, 1, false), 22, OPEN);
	decider = decider_of("tcp", 22);
	assert_string_equal(decider->id, "in");
	assert_string_equal(decider->from_zone, "wan");
	EXPECT_UDP(GUEST, at(WAN, 2, false), 53, OPEN);
	decider = decider_of("udp", 53);
	assert_string_equal(decider->id, "through");
	assert_string_equal(decider->from_zone, "lan");
	assert_string_equal(decider->to_zone, "wan");
	EXPECT_TCP(HOST, at(WAN, 2, false), 443, OPEN);
	decider = decider_of("tcp", 443);
	assert_string_equal(decider->id, "default.output");
	assert_string_equal(decider->to_zone, "wan");
	EXPECT_TCP(HOST, "127.0.0.1", 80, OPEN);
	assert_string_equal(decider_of("tcp", 80)->id, "builtin.loopback");
}

static void keeps_the_other_bits_of_the_mark(void **state)
{
	(void)state;
	enforce(ZONES "flows: { mark: 0x00ff0000 }\n"
		      "rules: [ { id: in, from: wan, to: host, allow: {tcp: 22} } ]\n");
	harness_must("nft 'add table inet other; add chain inet other c { type filter "
		     "hook prerouting priority -150; }; add rule inet other c ct state "
		     "new ct mark set 0xab0000cd'");
	EXPECT_TCP(WAN, at(WAN, 1, false), 22, OPEN);
	harness_must("nft delete table inet other");
	harness_must(
		"conntrack -L -p tcp 2>/dev/null | grep -q "
		"\"mark=$((0xab0000cd | %u << 16))\"",
		numbering_assign(numbering, "in", DIRECTION_INPUT, "wan", "", 255));
}

static void keeps_established_connections_across_a_reload(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct stream in, through, out;

		enforce(ZONES "defaults: { input: allow, forward: allow }\n");
		in = stream_open(places[WAN], at(WAN, 1, v6), 5000);
		through = stream_open(places[LAN], at(WAN, 2, v6), 5000);
		assert_true(in.open && through.open);
		enforce(ZONES "defaults: { input: drop, forward: reject, output: drop "
			      "}\n");
		assert_true(stream_talk(&in) && stream_talk(&through));
		out = stream_open(places[WAN], at(WAN, 1, v6), 5000);
		assert_false(out.open);
		stream_close(&in);
		stream_close(&through);
		stream_close(&out);
	}
}

static void passes_what_is_related(void **state)
{
	(void)state;
	enforce(ZONES "defaults: { output: allow }\n");
	/* Nobody listens: the ICMP error comes back to us. */
	for (int v6 = 0; v6 < 2; v6++)
		EXPECT_UDP(HOST, at(WAN, 2, v6), 9999, REFUSED);
	assert_int_equal(counter("builtin.related"), 2);
}

static void never_cuts_loopback(void **state)
{
	(void)state;
	enforce(ZONES "ban: [127.0.0.0/8, '::1']\n"
		      "defaults: { input: drop, output: drop }\n"
		      "rules: [ { id: n, from: any, to: host, drop: all } ]\n");
	EXPECT_TCP(HOST, "127.0.0.1", 22, OPEN);
	EXPECT_UDP(HOST, "::1", 53, OPEN);
	EXPECT_UDP(HOST, at(WAN, 1, true), 53, OPEN);
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

/* Whether the next datagram of the packet log has one text and not the other. The
 * kernel gathers packets for a while. */
static bool log_has(int log_fd, const char *text, const char *other)
{
	struct pollfd pollfd = { .fd = log_fd, .events = POLLIN };
	char datagram[8192];
	ssize_t size;

	poll(&pollfd, 1, 5000);
	size = recv(log_fd, datagram, sizeof(datagram), 0);
	return size > 0 && memmem(datagram, (size_t)size, text, strlen(text)) &&
	       !memmem(datagram, (size_t)size, other, strlen(other));
}

static void logs_what_it_is_told_to(void **state)
{
	struct helper_refusal refusal = { 0 };
	struct helper_sockets sockets;

	(void)state;
	assert_int_equal(
		helper_observe(helper, 1u << HELPER_FD_LOG, &sockets, &refusal), 0);
	enforce(ZONES
		"flows: { denied: false }\n"
		"rules:\n"
		"  - { id: a, from: wan, to: host, allow: {udp: 53}, log: true }\n"
		"  - { id: b, from: wan, to: host, drop: {udp: 80} }\n");
	EXPECT_UDP(WAN, at(WAN, 1, false), 80, SILENT);
	EXPECT_UDP(WAN, at(WAN, 1, false), 53, OPEN);
	assert_true(log_has(sockets.log, " a allow", " b drop"));
	enforce(ZONES "rules: [ { id: b, from: wan, to: host, reject: {udp: 80} } ]\n");
	EXPECT_UDP(WAN, at(WAN, 1, true), 80, PROHIBITED);
	assert_true(log_has(sockets.log, " b reject", " a allow"));
	EXPECT_UDP(WAN, at(WAN, 1, true), 443, SILENT);
	assert_true(log_has(sockets.log, " default.input drop", " b reject"));
	close(sockets.log);
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
		cmocka_unit_test_setup(limits_each_source, begin),
		cmocka_unit_test_setup(limits_a_rule_as_a_whole, begin),
		cmocka_unit_test_setup(keeps_a_limit_across_a_reload, begin),
		cmocka_unit_test_setup(limits_connections, begin),
		cmocka_unit_test_setup(knows_icmp, begin),
		cmocka_unit_test_setup(knows_other_protocols, begin),
		cmocka_unit_test_setup(keeps_to_the_time, begin),
		cmocka_unit_test_setup(masquerades, begin),
		cmocka_unit_test_setup(forwards_ports, begin),
		cmocka_unit_test_setup(marks_connections_with_their_rule, begin),
		cmocka_unit_test_setup(keeps_the_other_bits_of_the_mark, begin),
		cmocka_unit_test_setup(keeps_established_connections_across_a_reload,
				       begin),
		cmocka_unit_test_setup(passes_what_is_related, begin),
		cmocka_unit_test_setup(never_cuts_loopback, begin),
		cmocka_unit_test_setup(lets_neighbours_be_found, begin),
		cmocka_unit_test_setup(logs_what_it_is_told_to, begin),
	};
	struct helper_refusal refusal = { 0 };
	int failed;

	harness_enter();
	make_places();
	helper = harness_helper(&helper_pid);
	numbering = numbering_new();
	peers_must(numbering && helper_hello(helper, &refusal) == 0, "helper_hello");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	image_free(current);
	numbering_free(numbering);
	close(helper);
	waitpid(helper_pid, NULL, 0);
	for (unsigned int i = HOST; i < PLACES; i++) {
		harness_end(servers[i]);
		if (places[i])
			harness_end(places[i]);
	}
	return failed;
}
