/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where rules are tried. This machine has four neighbours: "wan" behind w0, "lan"
 * behind l0, "guest" behind br-g, which only a pattern puts into the lan zone, and
 * "stray" behind x0, which is in no zone.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
static inline const char *at(enum place net, unsigned int host, bool v6)
{
	static char texts[8][INET6_ADDRSTRLEN];
	static size_t next;
	char *text = texts[next++ % 8];

	snprintf(text, INET6_ADDRSTRLEN, v6 ? "fd09:%x::%x" : "10.9.%u.%u",
		 (unsigned int)net, host);
	return text;
}

static inline void make_places(void)
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

static inline void send_step(const struct step *step)
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

static inline struct image *compile(const char *text, const struct address_set *feeds)
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
static inline void enforce_with_feeds(const char *text, const struct address_set *feeds)
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

static inline void enforce(const char *text)
{
	enforce_with_feeds(text, NULL);
}

/* Each test begins without a table and without connections. */
static inline int begin(void **state)
{
	(void)state;
	image_free(current);
	current = NULL;
	harness_must("nft delete table inet vigil 2>/dev/null; conntrack -F "
		     "2>/dev/null || true");
	return 0;
}

static inline void expect(int line, int type, enum place from, const char *source,
			  const char *destination, uint16_t port, enum answer answer)
{
	struct attempt attempt = try_from(places[from], type, source, destination, port,
					  answer == SILENT ? SILENCE_MS : ANSWER_MS);

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
static inline unsigned long counter(const char *id)
{
	auto_free char *text =
		harness_capture("nft list counter inet vigil '%s%s' | "
				"sed -n 's/.*packets \\([0-9]*\\).*/\\1/p'",
				COUNTER_PREFIX, id);

	return strtoul(text, NULL, 10);
}

static inline int ping(enum place from, const char *destination)
{
	if (from == HOST)
		return harness_run("ping -n -q -c1 -W0.2 %s >/dev/null 2>&1",
				   destination);
	return harness_run_in(places[from], "ping -n -q -c1 -W0.2 %s >/dev/null 2>&1",
			      destination);
}

static inline void places_open(void)
{
	struct helper_refusal refusal = { 0 };

	harness_enter();
	make_places();
	helper = harness_helper(&helper_pid);
	numbering = numbering_new();
	peers_must(numbering && helper_hello(helper, &refusal) == 0, "helper_hello");
}

static inline void places_close(void)
{
	image_free(current);
	numbering_free(numbering);
	close(helper);
	waitpid(helper_pid, NULL, 0);
	for (unsigned int i = HOST; i < PLACES; i++) {
		harness_end(servers[i]);
		if (places[i])
			harness_end(places[i]);
	}
}
