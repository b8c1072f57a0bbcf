/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of connections: translation, marks, reloads, the packet log. */
#include "tests/kernel/places.h"

static void expect_seen(enum place from, const char *destination, uint16_t port,
			const char *seen)
{
	struct attempt attempt =
		try_from(places[from], SOCK_STREAM, NULL, destination, port, ANSWER_MS);

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
	auto_free char *text = harness_capture(
		"conntrack -L -f ipv4 -p %s --orig-port-dst %u 2>/dev/null | "
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
		in = stream_open(places[WAN], at(WAN, 1, v6), 5000, true);
		through = stream_open(places[LAN], at(WAN, 2, v6), 5000, true);
		assert_true(in.open && through.open);
		enforce(ZONES "defaults: { input: drop, forward: reject, output: drop "
			      "}\n");
		assert_true(stream_talk(&in) && stream_talk(&through));
		out = stream_open(places[WAN], at(WAN, 1, v6), 5000, false);
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
		cmocka_unit_test_setup(masquerades, begin),
		cmocka_unit_test_setup(forwards_ports, begin),
		cmocka_unit_test_setup(marks_connections_with_their_rule, begin),
		cmocka_unit_test_setup(keeps_the_other_bits_of_the_mark, begin),
		cmocka_unit_test_setup(keeps_established_connections_across_a_reload,
				       begin),
		cmocka_unit_test_setup(passes_what_is_related, begin),
		cmocka_unit_test_setup(never_cuts_loopback, begin),
		cmocka_unit_test_setup(logs_what_it_is_told_to, begin),
	};
	int failed;

	places_open();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	places_close();
	return failed;
}
