/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests: - { packet: { ... }, expect: allow|drop|reject, by: ID } */
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/protocol.h"
#include "base/text.h"
#include "policy/packet.h"
#include "policy/quote.h"
#include "policy/reader.h"
#include "policy/scalar.h"

enum { TEST_NAME_BYTES_MAX = 200 };

/* What somebody who decides can decide, as bits by enum verdict. */
enum {
	CAN_ALLOW = 1 << VERDICT_ALLOW,
	CAN_DROP = 1 << VERDICT_DROP,
};

struct tests {
	struct reader *reader;
	struct names deciders; /* index: what it can decide */
	bool sound;            /* nothing was wrong with all the rest */
};

/* --- the packet ------------------------------------------------------------------- */

static const char *const packet_keys[] = { "in",     "out",      "src",   "dst",
					   "tcp",    "udp",      "sctp",  "icmp",
					   "icmpv6", "protocol", "flags", "state",
					   "count",  NULL };

static const char *const protocol_keys[] = { "tcp",  "udp",    "sctp",
					     "icmp", "icmpv6", "protocol" };

static void read_end(struct reader *reader, const struct node *map, const char *key,
		     struct packet_end *ret)
{
	const struct node *node = node_find(map, key);

	ret->position = node ? node->position : map->position;
	if (node && reader_value(reader, node, key))
		packet_end_parse(node->text, node->position, ret, reader->faults);
}

static void read_port(struct reader *reader, const struct node *node,
		      struct packet *packet)
{
	uint32_t port;

	if (packet->destination.has_port) {
		faults_add(reader->faults, packet->destination.position,
			   "the port stands behind the protocol: write tcp: PORT");
		return;
	}
	if (!scalar_number(reader, node, "a port", 0, UINT16_MAX, &port))
		return;
	packet->destination.has_port = true;
	packet->destination.port = (uint16_t)port;
}

static void read_other_protocol(struct reader *reader, const struct node *node,
				struct packet *packet)
{
	uint32_t number;
	int protocol = protocol_number(node->text);

	if (protocol < 0 && parse_decimal(node->text, &number) && number >= 1 &&
	    number <= 255)
		protocol = (int)number;
	if (protocol < 0)
		faults_add(reader->faults, node->position,
			   "%s is not a protocol: write a name such as esp or a number "
			   "from 1 to 255%s",
			   quote(node->text).text,
			   did_you_mean(node->text, protocol_names()).text);
	else if (packet_has_ports((uint8_t)protocol) || protocol == IPPROTO_ICMP ||
		 protocol == IPPROTO_ICMPV6)
		faults_add(reader->faults, node->position,
			   "%s has a key of its own: write %s: %s", node->text,
			   node->text,
			   packet_has_ports((uint8_t)protocol) ? "PORT" : "TYPE");
	else
		packet->protocol = (uint8_t)protocol;
}

static void read_protocol_key(struct reader *reader, const char *key,
			      const struct node *node, struct packet *packet)
{
	if (!reader_value(reader, node, key))
		return;
	if (strcmp(key, "protocol") == 0) {
		read_other_protocol(reader, node, packet);
		return;
	}
	packet->protocol = (uint8_t)protocol_number(key);
	if (packet_has_ports(packet->protocol))
		read_port(reader, node, packet);
	else
		packet_icmp_parse(node->text, node->position, packet, reader->faults);
}

static void read_protocol(struct reader *reader, const struct node *map,
			  struct packet *packet)
{
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(protocol_keys); i++) {
		const struct node *node = node_find(map, protocol_keys[i]);

		if (node && found++ == 0)
			read_protocol_key(reader, protocol_keys[i], node, packet);
	}
	if (found != 1)
		faults_add(reader->faults, map->position,
			   "a packet takes one of tcp: PORT, udp: PORT, sctp: PORT, "
			   "icmp: TYPE, icmpv6: TYPE and protocol: NAME");
}

static void read_details(struct reader *reader, const struct node *map,
			 struct packet *packet)
{
	const struct node *flags = node_find(map, "flags");
	const struct node *state = node_find(map, "state");
	const struct node *count = node_find(map, "count");

	if (flags && packet->protocol != IPPROTO_TCP)
		faults_add(reader->faults, flags->position,
			   "only a tcp packet has flags");
	else if (flags && reader_value(reader, flags, "flags"))
		packet_flags_parse(flags->text, flags->position, &packet->tcp_flags,
				   reader->faults);
	if (state && reader_value(reader, state, "state"))
		packet_state_parse(state->text, state->position, &packet->state,
				   reader->faults);
	if (count)
		scalar_number(reader, count, "count", 1, PACKET_COUNT_MAX,
			      &packet->count);
}

static void read_side(struct reader *reader, const struct node *map, const char *key,
		      const char **ret, struct position *position)
{
	const struct node *node = node_find(map, key);

	if (!node)
		return;
	*ret = reader_value(reader, node, key);
	*position = node->position;
}

static void read_packet(struct tests *tests, const struct node *map,
			struct packet *packet)
{
	struct reader *reader = tests->reader;
	size_t errors = reader->faults->errors;
	struct packet_way way = { .in_key = "in", .out_key = "out" };

	packet->position = map->position;
	packet->count = 1;
	if (!reader_map_like(reader, map, "a packet",
			     (struct quoted){ "{ in: ZONE, src: ADDRESS, dst: host, "
					      "tcp: PORT }" }) ||
	    !reader_keys(reader, map, "a packet", packet_keys))
		return;
	if (!node_find(map, "dst"))
		faults_add(reader->faults, map->position,
			   "a packet needs \"dst\": host or an address");
	read_end(reader, map, "src", &packet->source);
	read_end(reader, map, "dst", &packet->destination);
	read_protocol(reader, map, packet);
	read_details(reader, map, packet);
	read_side(reader, map, "in", &way.in, &way.in_position);
	read_side(reader, map, "out", &way.out, &way.out_position);
	/* Where there are other faults, zones may be missing that were meant to be. */
	if (tests->sound && reader->faults->errors == errors)
		packet_settle(reader->policy, &way, packet, reader->faults);
}

/* --- what is expected ------------------------------------------------------------- */

static void add_decider(struct tests *tests, const char *id, unsigned int verdicts)
{
	if (id)
		reader_name(tests->reader, &tests->deciders,
			    &(struct name){ .text = id, .index = verdicts });
}

static void add_over(struct tests *tests, const char *id)
{
	char *over = reader_scratch(tests->reader, strlen(id) + sizeof(".over"));

	if (over)
		add_decider(tests, strcat(strcpy(over, id), ".over"), CAN_DROP);
}

static void add_deciders(struct tests *tests)
{
	const struct policy *policy = tests->reader->policy;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		bool limited = rule->limit.scope != LIMIT_NONE ||
			       rule->connections.scope != LIMIT_NONE;

		add_decider(tests, rule->id,
			    1u << rule->verdict | (limited ? CAN_DROP : 0));
		if (limited && rule->id)
			add_over(tests, rule->id);
	}
	for (size_t i = 0; i < policy->nat_count; i++)
		if (policy->nats[i].kind == NAT_FORWARD)
			add_decider(tests, policy->nats[i].id, CAN_ALLOW);
	add_decider(tests, "ban", CAN_DROP);
	add_decider(tests, "builtin.established", CAN_ALLOW);
	add_decider(tests, "builtin.related", CAN_ALLOW);
	add_decider(tests, "builtin.invalid", CAN_DROP);
	add_decider(tests, "builtin.icmpv6", CAN_ALLOW);
	add_decider(tests, "default.input", 1u << policy->default_input);
	add_decider(tests, "default.forward", 1u << policy->default_forward);
	add_decider(tests, "default.output", 1u << policy->default_output);
	if (names_sort(&tests->deciders, &tests->reader->scratch) < 0)
		tests->reader->no_memory = true;
}

static void read_by(struct tests *tests, const struct node *node, struct test *test)
{
	struct reader *reader = tests->reader;
	const struct name *decider;

	if (!reader_value(reader, node, "by"))
		return;
	decider = names_find(&tests->deciders, node->text);
	if (!decider)
		faults_add(reader->faults, node->position,
			   "nothing that decides has the id %s%s",
			   quote(node->text).text,
			   did_you_mean(node->text, tests->deciders.candidates).text);
	else if (!(decider->index & 1u << test->expect))
		faults_add(reader->faults, node->position, "%s never decides to %s",
			   quote(node->text).text, verdict_name(test->expect));
	else
		test->by = reader_copy(reader, node->text);
}

static void read_name(struct reader *reader, const struct node *node, struct test *test)
{
	const char *text = reader_value(reader, node, "name");
	size_t left = text ? strlen(text) : 0;

	if (!text)
		return;
	for (const char *here = text; left > 0;) {
		uint32_t character;
		size_t size = text_decode(here, left, &character);

		if (!text_printable(character) || strlen(text) > TEST_NAME_BYTES_MAX) {
			faults_add(reader->faults, node->position,
				   "a test's name is one line of at most %d bytes",
				   TEST_NAME_BYTES_MAX);
			return;
		}
		here += size;
		left -= size;
	}
	test->name = reader_copy(reader, text);
}

static void read_test(struct tests *tests, const struct node *map, struct test *test)
{
	static const char *const keys[] = {
		"name", "packet", "at", "expect", "by", NULL
	};
	struct reader *reader = tests->reader;
	const struct node *name, *packet, *at, *expect, *by;

	test->position = map->position;
	if (!reader_map(reader, map, "a test") ||
	    !reader_keys(reader, map, "a test", keys))
		return;
	name = node_find(map, "name");
	packet = node_find(map, "packet");
	at = node_find(map, "at");
	expect = node_find(map, "expect");
	by = node_find(map, "by");
	if (!packet || !expect) {
		faults_add(reader->faults, map->position, "a test needs \"%s\"",
			   packet ? "expect" : "packet");
		return;
	}
	if (name)
		read_name(reader, name, test);
	if (at && reader_value(reader, at, "at"))
		packet_moment_parse(at->text, at->position, &test->at, reader->faults);
	reader_verdict(reader, expect, "expect", &test->expect);
	if (by)
		read_by(tests, by, test);
	read_packet(tests, packet, &test->packet);
}

void read_tests(struct reader *reader, const struct node *node)
{
	struct policy *policy = reader->policy;
	struct tests tests = { .reader = reader, .sound = reader->faults->errors == 0 };

	if (!reader_list(reader, node, "tests"))
		return;
	if (node->count > POLICY_TESTS_MAX) {
		faults_add(reader->faults, node->position,
			   "%zu tests are too many: at most %d", node->count,
			   POLICY_TESTS_MAX);
		return;
	}
	add_deciders(&tests);
	policy->tests = reader_alloc(reader, node->count * sizeof(*policy->tests));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		read_test(&tests, node->items[i], &policy->tests[policy->test_count++]);
}
