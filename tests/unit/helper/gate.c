/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/gate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"

#define RULE "add rule inet vigil in.wan "

/* Each alone, with a newline. */
static const char *const admitted[] = {
	"add table inet vigil",
	"delete table inet vigil",
	"flush table inet vigil",
	"add chain inet vigil in.wan",
	"add chain inet vigil at.0123456789abcdef0123456789abcdef",
	"delete chain inet vigil r.17",
	"flush chain inet vigil 0day",
	"add chain inet vigil ban.in { type filter hook prerouting priority -310; "
	"policy accept; }",
	"add chain inet vigil nat.post { type nat hook postrouting priority 100; "
	"policy "
	"accept; }",
	"add set inet vigil f.bad.4.1 { type ipv4_addr; flags interval; }",
	"add set inet vigil l.ssh.4 { type ipv4_addr; size 65535; flags "
	"dynamic,timeout; "
	"timeout 1m; }",
	"add set inet vigil c.ssh.4 { type ipv4_addr; size 65535; flags dynamic; }",
	"delete set inet vigil f.bad.4.1",
	"flush set inet vigil f.bad.4.1",
	"add counter inet vigil builtin.established",
	"delete counter inet vigil ssh.over",
	RULE "accept",
	RULE
	"ip saddr @f.bad.4.1 counter name \"ban\" log prefix \"12 ban drop\" group "
	"22087 snaplen 128 drop",
	RULE "ct state vmap { established : accept, related : accept, invalid : drop }",
	RULE
	"ct state { established, related } counter name \"builtin.established\" accept",
	RULE "iifname vmap { \"eth0\" : jump in.wan, \"eth1\" : jump in.lan }",
	RULE "iifname . oifname vmap { \"eth0\" . \"eth1\" : goto fwd.wan.lan }",
	RULE "iifname \"br-*\" jump in.lan",
	RULE "iifname != \"lo\" drop",
	RULE "iifname != { \"lo\", \"eth0\" } drop",
	RULE "meta l4proto . th dport vmap { 6 . 22 : goto r.1, 17 . 53 : goto r.2 }",
	RULE "ip saddr . meta l4proto . th dport vmap { 10.0.0.0/24 . 6 . 22-23 : goto "
	     "r.1, 10.0.1.0-10.0.1.9 . 17 . 53 : goto r.1 }",
	RULE "ip6 saddr . ip6 daddr vmap { 2001:db8::/64 . ::1 : goto r.1 }",
	RULE "ip6 saddr fe80::1-fe80::ffff accept",
	RULE "meta nfproto 2 meta l4proto 6 th dport { 22, 80-90 } goto r.1",
	RULE "meta day { 1, 2 } meta hour 28800-61200 tcp dport 22 goto r.1",
	RULE "icmp type { 8, 0 } accept",
	RULE "icmpv6 type { 133-137 } accept",
	RULE "update @l.ssh.4 { ip saddr limit rate 5/minute burst 5 packets } counter "
	     "name \"ssh\" ct mark set ct mark and 0x0000ffff or 0x110000 accept",
	RULE "add @c.ssh.4 { ip saddr ct count 20 } accept",
	RULE "add @c.ssh.4 { ip saddr ct count over 20 } drop",
	RULE "limit rate 5/minute burst 5 packets accept",
	RULE "meta l4proto 6 reject with tcp reset",
	RULE "reject with icmpx 3",
	RULE "iifname \"eth0\" fib daddr type 2 tcp dport 8443 dnat ip to 10.0.1.5:443",
	RULE "tcp dport 8000-8010 dnat ip to 10.0.1.5:9000-9010",
	RULE "tcp dport 8443 dnat ip to 10.0.1.5",
	RULE "tcp dport 8443 dnat ip6 to [2001:db8::5]:443",
	RULE "meta nfproto 2 iifname { \"eth1\" } oifname { \"eth0\" } masquerade",
	RULE "ct status dnat ct direction original ct original proto-dst 8443 accept",
	RULE "meta nftrace set 1",
	RULE "jump r.1",
	RULE "goto input",
	RULE "return",
};

static const char *const refused[] = {
	"",
	" add table inet vigil",
	"add  table inet vigil",
	"add table inet vigil ",
	"add\ttable inet vigil",
	"ADD table inet vigil",
	/* other tables and families */
	"add table inet other",
	"add table ip vigil",
	"delete table inet filter",
	"delete table inet",
	"flush table inet vigil2",
	"add chain inet other x",
	"add chain ip vigil x",
	"add rule inet filter input accept",
	"add rule ip nat x accept",
	"add set inet other s { type ipv4_addr; }",
	"delete counter ip x y",
	/* what the compiler has no use for */
	"create set inet vigil s.x { type ipv6_addr; flags interval; }",
	"add set inet vigil p { type ipv4_addr; elements = { 10.0.0.1 } }",
	"add set inet vigil p { type inet_service; }",
	"add map inet vigil m { type inet_service : verdict; }",
	RULE "icmpv6 type 133 ip6 hoplimit 255 accept",
	RULE "reject with icmpx admin-prohibited",
	RULE "tcp flags & syn == syn drop",
	RULE "ip saddr . iifname vmap { \"example.com\" . \"eth0\" : accept }",
	RULE "ip saddr 0x1ffffffff accept",
	/* other verbs and kinds */
	"flush ruleset",
	"flush ruleset inet",
	"list ruleset",
	"list table inet vigil",
	"reset counters",
	"monitor",
	"describe ip saddr",
	"export vm json",
	"import json",
	"rename chain inet vigil a b",
	"replace rule inet vigil a handle 1 drop",
	"insert rule inet vigil a drop",
	"delete rule inet vigil a handle 1",
	"destroy table inet vigil",
	"create table inet vigil",
	"add element inet vigil s { 10.0.0.1 }",
	"add flowtable inet vigil f { hook ingress priority 0; devices = { eth0 }; }",
	"add ct helper inet vigil h { type \"ftp\" protocol tcp; }",
	"add quota inet vigil q { 5 bytes }",
	"add limit inet vigil l { rate 1/second }",
	"add secmark inet vigil s { \"x\" }",
	"add synproxy inet vigil s { mss 1 }",
	"table inet vigil { }",
	"add chain",
	/* files, definitions, variables, comments */
	"include \"/etc/shadow\"",
	"include",
	"define x = 1",
	"redefine x = 2",
	"undefine x",
	RULE "jump $x",
	RULE "ip saddr $x",
	RULE "accept # comment",
	RULE "accept comment \"x\"",
	"# add table inet vigil",
	RULE "jump include",
	RULE "goto define",
	"add chain inet vigil redefine",
	"add counter inet vigil undefine",
	RULE "ip saddr @include accept",
	RULE "counter name \"define\" accept",
	/* two statements on a line, braces that do not balance */
	RULE "accept; flush ruleset",
	RULE "accept ; delete table ip x",
	RULE "accept;",
	"add table inet vigil; add table inet other",
	"add chain inet vigil x ; flush ruleset",
	"add set inet vigil x { type ipv4_addr; flush ruleset; }",
	"add set inet vigil x { type ipv4_addr; } ; flush ruleset",
	"add set inet vigil x { include \"/etc/shadow\"; }",
	"add set inet vigil x { type ipv4_addr; } }",
	"add set inet vigil x { type ipv4_addr;",
	"add set inet vigil x { type ipv4_addr; } { size 1; }",
	RULE "tcp dport { 22",
	RULE "tcp dport { { 22 } } accept",
	RULE "tcp dport 22 }",
	RULE "tcp dport { 22; } accept",
	RULE "} accept",
	"add chain inet vigil x { type filter hook input priority 0; policy accept; } "
	"}",
	"add chain inet vigil x { type filter hook input priority 0; policy accept; "
	"flush ruleset; }",
	/* quotes */
	RULE "iifname \"eth0 accept",
	RULE "iifname \"eth0",
	RULE "iifname \"",
	RULE "iifname eth0\" accept",
	RULE "iifname \"\" accept",
	RULE "iifname \"*\" accept",
	RULE "iifname \"a*b\" accept",
	RULE "iifname \"sixteen-letters0\" accept",
	RULE "iifname \"a b\" accept",
	RULE "iifname \"a/b\" accept",
	RULE "iifname \"a\\\"b\" accept",
	RULE "iifname 'eth0' accept",
	RULE "iifname eth0 accept",
	RULE "counter name ssh accept",
	RULE "counter name \"a b\" accept",
	RULE "counter name \"-x\" accept",
	RULE "counter name accept",
	/* host names */
	RULE "ip saddr example.org accept",
	RULE "ip saddr localhost accept",
	RULE "ip saddr \"example.org\" accept",
	RULE "ip saddr { \"example.org\" } accept",
	RULE "ip saddr { 10.0.0.1, \"example.org\" } accept",
	RULE "iifname . ip saddr { \"eth0\" . \"example.org\" } accept",
	RULE "iifname \"eth0\" ip saddr \"example.org\" accept",
	RULE "iifname \"eth0\" ip saddr { \"example.org\" } accept",
	RULE "dnat ip to example.org",
	RULE "dnat ip to example.org:80",
	RULE "tcp dport ssh accept",
	RULE "tcp dport \"ssh\" accept",
	RULE "tcp dport 1a.b accept",
	"add set inet vigil x { type ipv4_addr; elements = { example.org } }",
	"add set inet vigil x { type ipv4_addr; elements = { \"example.org\" } }",
	"add set inet vigil x { type ifname; elements = { \"eth0\" } }",
	/* addresses and numbers */
	RULE "ip saddr 10.0.0 accept",
	RULE "ip saddr 10.0.0.256 accept",
	RULE "ip saddr 10.0.0.1- accept",
	RULE "ip saddr 10.0.0.1-x accept",
	RULE "ip6 saddr 2001:db8::g accept",
	RULE "ip6 saddr ::1::2 accept",
	RULE "ip6 saddr fe80::1%eth0 accept",
	RULE "dnat ip to 10.0.0.1:http",
	RULE "dnat ip6 to [example.org]:80",
	RULE "tcp dport 12345678901 accept",
	RULE "tcp dport 0xfg accept",
	RULE "tcp dport 22-http accept",
	RULE "tcp dport - accept",
	RULE "tcp dport 5z accept",
	/* what reaches past a firewall's business */
	RULE "log",
	RULE "log accept",
	RULE "log prefix \"x\" accept",
	RULE "log level debug accept",
	RULE "log flags all accept",
	RULE "log group 22087 accept",
	RULE "log prefix \"x\" group 1 accept",
	RULE "log prefix \"x\" group 022087 accept",
	RULE "log prefix \"x\" group 22087-22088 accept",
	RULE "log prefix \"x;y\" group 22087 accept",
	RULE "queue",
	RULE "queue num 1",
	RULE "dup to 10.0.0.1",
	RULE "fwd to \"eth0\"",
	RULE "tproxy to :1",
	RULE "redirect to :1",
	RULE "snat ip to @x queue",
	RULE "synproxy mss 1",
	RULE "flow add @f",
	RULE "flow offload @f",
	RULE "notrack",
	RULE "ct helper set \"ftp\"",
	RULE "ct zone set 1",
	RULE "ct event set new",
	RULE "ct label set 1",
	RULE "meta mark set 1",
	RULE "meta priority set 1",
	RULE "meta secmark set 1",
	RULE "meta pkttype set 0",
	RULE "ip saddr set 10.0.0.1",
	RULE "ip ttl set 1",
	RULE "tcp dport set 22",
	RULE "tcp option maxseg size set 1",
	RULE "set x",
	RULE "socket cgroupv2 level 2 \"x\" accept",
	RULE "meta skuid root accept",
	RULE "meta cgroup 1 accept",
	RULE "iif eth0 accept",
	RULE "oif 1 accept",
	RULE "osf name \"Linux\" accept",
	RULE "secmark name \"x\"",
	RULE "quota 5 bytes drop",
	RULE "meter x { ip saddr limit rate 1/second }",
	RULE "xt target x",
	RULE "exthdr 1",
	RULE "update x { ip saddr }",
	RULE "delete @x { ip saddr }",
	"add chain inet vigil x { type route hook output priority 0; policy accept; }",
	"add chain inet vigil x { type filter hook ingress device \"eth0\" priority 0; "
	"policy accept; }",
	"add chain inet vigil x { type filter hook egress priority 0; policy accept; }",
	"add chain inet vigil x { type filter hook input priority filter; policy "
	"accept; }",
	"add chain inet vigil x { type filter hook input priority 0; policy queue; }",
	"add chain inet vigil x { type filter hook input priority 0; policy accept; "
	"comment \"x\"; }",
	"add chain inet vigil x { type filter hook input device \"eth0\" priority 0; "
	"policy accept; }",
	"add set inet vigil x { type ipv4_addr; size 4294967295; flags dynamic; }",
	"add set inet vigil x { typeof ip saddr; }",
	"add set inet vigil x { type ipv4_addr; comment \"x\"; }",
	"add map inet vigil x { type ipv4_addr : ct_helper; }",
	/* names */
	"add chain inet vigil .x",
	"add chain inet vigil -x",
	"add chain inet vigil _x",
	"add chain inet vigil x/y",
	"add chain inet vigil x$y",
	"add chain inet vigil \"x\"",
	"add chain inet vigil \xc3\xa4",
	"add chain inet vigil x y",
	"add counter inet vigil x { packets 1 bytes 1 }",
	RULE "jump \"x\"",
	RULE "jump",
	RULE "ip saddr @ accept",
	RULE "ip saddr @x@y accept",
	/* bytes */
	RULE "accept\r",
	RULE "accept\\",
	RULE "accep\xe9",
	RULE "\x7f",
	RULE "(tcp dport 22)",
	RULE "tcp dport 22 | 23",
	RULE "tcp dport *",
	"add table inet vigil\v",
};

static int check(const char *line, struct helper_reply *reply)
{
	auto_free char *script = NULL;

	*reply = (struct helper_reply){ 0 };
	assert_true(asprintf(&script, "%s\n", line) > 0);
	return gate_check(script, reply);
}

static void admits_what_the_compiler_writes(void **state)
{
	struct helper_reply reply;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(admitted); i++) {
		if (check(admitted[i], &reply))
			fail_msg("%s: %s", admitted[i], reply.text);
		assert_string_equal(reply.text, "");
	}
}

static void refuses_all_else(void **state)
{
	struct helper_reply reply;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (check(refused[i], &reply) != -EINVAL)
			fail_msg("admitted: %s", refused[i]);
		assert_int_equal(reply.line, 1);
		assert_int_equal(reply.status, -EINVAL);
		for (const char *c = reply.text; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

/* Whatever byte is put anywhere, the line stays about one statement of one table. */
static void refuses_every_foreign_byte_in_every_place(void **state)
{
	static const char foreign[] = "$#'\\`()?%~\t\r\v\f\b\x01\x7f\x80\xff";
	static const char line[] = "add rule inet vigil x ip saddr 10.0.0.1 accept";
	struct helper_reply reply;

	(void)state;
	for (size_t at = 0; at <= strlen(line); at++)
		for (const char *c = foreign; *c; c++) {
			char changed[2 * sizeof(line)];

			snprintf(changed, sizeof(changed), "%.*s%c%s", (int)at, line,
				 *c, line + at);
			if (check(changed, &reply) == 0)
				fail_msg("admitted: %s", changed);
		}
}

static void names_the_line_and_the_word(void **state)
{
	struct helper_reply reply = { 0 };

	(void)state;
	assert_int_equal(gate_check("add table inet vigil\n"
				    "add rule inet vigil x tcp dport 22 teleport\n"
				    "flush ruleset\n",
				    &reply),
			 -EINVAL);
	assert_int_equal(reply.line, 2);
	assert_string_equal(reply.text, "'teleport' is not allowed here");
	check(RULE "jump", &reply);
	assert_string_equal(reply.text, "'newline' is not allowed here");
	check(RULE "\x1b[31m", &reply);
	assert_string_equal(reply.text, "'?[31m' is not allowed here");
}

static void cuts_a_long_word_in_the_answer(void **state)
{
	auto_free char *word = calloc(1, 100001);
	struct helper_reply reply;

	(void)state;
	assert_non_null(word);
	memset(word, 'a', 100000);
	assert_int_equal(check(word, &reply), -EINVAL);
	assert_true(strlen(reply.text) < sizeof(reply.text));
}

static void refuses_a_last_line_without_its_end(void **state)
{
	struct helper_reply reply = { 0 };

	(void)state;
	assert_int_equal(gate_check("add table inet vigil", &reply), -EINVAL);
	assert_int_equal(gate_check("add rule inet vigil x iifname \"a", &reply),
			 -EINVAL);
	assert_int_equal(gate_check("", &reply), 0);
}

static void takes_names_up_to_their_bound(void **state)
{
	char line[256] = "add chain inet vigil ";
	size_t start = strlen(line);
	struct helper_reply reply;

	(void)state;
	memset(line + start, 'x', 127);
	assert_int_equal(check(line, &reply), 0);
	memset(line + start, 'x', 128);
	assert_int_equal(check(line, &reply), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admits_what_the_compiler_writes),
		cmocka_unit_test(refuses_all_else),
		cmocka_unit_test(refuses_every_foreign_byte_in_every_place),
		cmocka_unit_test(names_the_line_and_the_word),
		cmocka_unit_test(cuts_a_long_word_in_the_answer),
		cmocka_unit_test(refuses_a_last_line_without_its_end),
		cmocka_unit_test(takes_names_up_to_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
