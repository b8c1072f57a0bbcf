/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world of connections whose events and dumps reach the aggregate late, in
 * pieces and with losses; what it counted must be what can be known, to the packet.
 */
#include "observe/aggregate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <netinet/in.h>

enum { CONNECTIONS = 400, QUEUE = 100000, STEPS = 3000, WORLDS = 60, NUMBERS = 4 };

struct connection {
	bool alive;
	bool heard;       /* its flow can be known */
	uint64_t key;     /* 0: never was */
	uint64_t packets; /* both ways the same, but for the factor */
	uint64_t known;   /* packets that can be known */
	uint64_t before;  /* of those, what passed before the first dump */
};

struct queue {
	struct flow flows[QUEUE];
	size_t head, tail;
};

struct world {
	unsigned int seed;
	int loss_percent;
	struct connection connections[CONNECTIONS];
	struct queue events, dump;
	uint64_t keys;
	uint64_t flows[NUMBERS], packets[NUMBERS]; /* that should be counted */
	struct aggregate *aggregate;
	struct row counted[NUMBERS];
};

static int roll(struct world *world, int sides)
{
	return rand_r(&world->seed) % sides;
}

static struct flow flow_of(enum flow_event event, const struct connection *connection)
{
	struct flow flow = {
		.event = event,
		.key = connection->key,
		.mark = (uint32_t)(connection->key % NUMBERS),
		.protocol = IPPROTO_TCP,
		.source = { FAMILY_IPV6, (uint128_t)connection->key % 50 << 64 },
		.destination = { FAMILY_IPV6, 1 },
	};

	if (event != FLOW_NEW) {
		uint64_t packets = connection->packets;

		flow.original = (struct flow_totals){ true, packets, packets * 10 };
		flow.reply = (struct flow_totals){ true, packets * 2, packets * 30 };
	}
	return flow;
}

static bool send_event(struct world *world, enum flow_event event,
		       const struct connection *connection)
{
	if (roll(world, 100) < world->loss_percent)
		return false;
	assert_true(world->events.tail < QUEUE);
	world->events.flows[world->events.tail++] = flow_of(event, connection);
	return true;
}

static void settle(struct world *world, const struct connection *connection)
{
	uint64_t number = connection->key % NUMBERS;

	world->flows[number] += connection->heard;
	world->packets[number] += connection->known;
	if (!connection->heard)
		world->packets[number] -= connection->before;
}

static void change(struct world *world)
{
	struct connection *connection = &world->connections[roll(world, CONNECTIONS)];

	if (!connection->alive) {
		*connection =
			(struct connection){ .alive = true, .key = ++world->keys };
		connection->packets = 1;
		connection->heard = send_event(world, FLOW_NEW, connection);
	} else if (roll(world, 3)) {
		connection->packets += (uint64_t)roll(world, 100);
	} else {
		connection->alive = false;
		if (send_event(world, FLOW_END, connection))
			connection->known = connection->packets;
		settle(world, connection);
	}
}

static void read_one(struct world *world, struct queue *queue)
{
	if (queue->head < queue->tail)
		aggregate_add(world->aggregate, &queue->flows[queue->head++]);
}

static void snapshot(struct world *world, bool first)
{
	struct queue *dump = &world->dump;

	dump->head = dump->tail = 0;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &world->connections[i];

		if (!connection->alive)
			continue;
		dump->flows[dump->tail++] = flow_of(FLOW_RUNNING, connection);
		connection->known = connection->packets;
		if (first)
			connection->before = connection->packets;
		else if (!connection->before)
			connection->heard = true;
	}
}

static void dump(struct world *world, bool first)
{
	aggregate_dump_begin(world->aggregate, !first);
	for (int i = roll(world, 20); i > 0; i--) {
		change(world);
		read_one(world, &world->events);
	}
	snapshot(world, first);
	while (world->dump.head < world->dump.tail) {
		/* What ends while the first dump is read counts from its beginning:
		 * nobody knows what it had carried before. */
		if (!first && roll(world, 2))
			change(world);
		read_one(world, roll(world, 2) ? &world->dump : &world->events);
	}
	while (world->events.head < world->events.tail)
		read_one(world, &world->events);
	aggregate_dump_end(world->aggregate, true);
}

static int on_row(const struct row *row, void *context)
{
	struct row *counted = (struct row *)context + row->key.number;

	assert_in_range(row->key.number, 0, NUMBERS - 1);
	assert_true(row->bytes_known);
	counted->flows += row->flows;
	counted->packets_out += row->packets_out;
	counted->packets_in += row->packets_in;
	counted->bytes_out += row->bytes_out;
	counted->bytes_in += row->bytes_in;
	return 0;
}

static void take_rows(struct world *world)
{
	aggregate_each(world->aggregate, on_row, world->counted);
	aggregate_clear(world->aggregate);
}

static void live_through(struct world *world)
{
	struct aggregate_settings settings = { .mark_mask = NUMBERS - 1 };

	world->aggregate = aggregate_new(&settings);
	assert_non_null(world->aggregate);
	for (int i = roll(world, 500); i > 0; i--)
		change(world);
	dump(world, true);
	for (int i = 0; i < STEPS; i++) {
		change(world);
		if (roll(world, 3))
			read_one(world, &world->events);
		if (roll(world, 300) == 0)
			dump(world, false);
		if (roll(world, 100) == 0)
			take_rows(world);
	}
	dump(world, false);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (world->connections[i].alive)
			settle(world, &world->connections[i]);
	}
	take_rows(world);
	aggregate_free(world->aggregate);
}

static void run_worlds(int loss_percent)
{
	unsigned int seed = (unsigned int)time(NULL);
	struct world *world = malloc(sizeof(*world));

	assert_non_null(world);
	print_message("seed %u\n", seed);
	for (unsigned int i = 0; i < WORLDS; i++) {
		*world = (struct world){
			.seed = seed + i,
			.loss_percent = loss_percent,
		};
		live_through(world);
		for (int number = 0; number < NUMBERS; number++) {
			const struct row *counted = &world->counted[number];
			uint64_t packets = world->packets[number];

			assert_int_equal(counted->flows, world->flows[number]);
			assert_int_equal(counted->packets_out, packets);
			assert_int_equal(counted->packets_in, packets * 2);
			assert_int_equal(counted->bytes_out, packets * 10);
			assert_int_equal(counted->bytes_in, packets * 30);
		}
	}
	free(world);
}

static void counts_everything_when_nothing_is_lost(void **state)
{
	(void)state;
	run_worlds(0);
}

static void counts_what_can_be_known_when_events_are_lost(void **state)
{
	(void)state;
	run_worlds(20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_everything_when_nothing_is_lost),
		cmocka_unit_test(counts_what_can_be_known_when_events_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
