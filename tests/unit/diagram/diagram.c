/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagrams, boxes and witnesses against every packet of a small world. VIGIL_SEED and
 * VIGIL_POLICIES choose another run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagram/boxes.h"
#include "diagram/witness.h"
#include "world.h"

enum { PAIRS = 60 };

struct comparison {
	uint64_t seed;
	const struct policy *policies[2];
	const struct space *space;
	const struct diagram *diagram;
	const struct regions *regions;
	bool by_name;
	size_t packets;
	size_t differing;
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static bool same_limit(const struct answer *a, const struct answer *b)
{
	bool limited[] = { a->rule && a->rule->limit.scope != LIMIT_NONE,
			   b->rule && b->rule->limit.scope != LIMIT_NONE };

	return limited[0] == limited[1];
}

static bool same_target(const struct answer *a, const struct answer *b)
{
	if (!a->nat || !b->nat)
		return a->nat == b->nat;
	return a->nat->target.value == b->nat->target.value &&
	       a->nat->target_port.first - a->nat->port.first ==
		       b->nat->target_port.first - b->nat->port.first;
}

/* All policies that are made have one rate. */
static bool fare_same(const struct answer *a, const struct answer *b, bool by_name)
{
	bool a_log = a->rule && a->rule->log, b_log = b->rule && b->rule->log;

	if (by_name &&
	    (strcmp(a->id, b->id) != 0 || a->verdict != b->verdict || a_log != b_log))
		return false;
	if ((a->verdict == VERDICT_ALLOW) != (b->verdict == VERDICT_ALLOW))
		return false;
	return a->verdict != VERDICT_ALLOW || (same_limit(a, b) && same_target(a, b));
}

/* The atom of an interface, by the index it has in world_interfaces. */
static uint32_t find_atom(const struct space *space, uint32_t zone)
{
	for (uint32_t i = 0; i < space->atoms.count; i++) {
		uint32_t own = space->atoms.items[i].zones[0];

		if (own == (zone == 2 ? ATOM_NO_ZONE : zone))
			return i;
	}
	fail_msg("no atom");
	return 0;
}

static void find_classes(const struct space *space, const struct sample *packet,
			 uint32_t out[DIMENSIONS_MAX])
{
	uint128_t values[DIMENSIONS_MAX] = {
		[DIM_IN] = find_atom(space, packet->in),
		[DIM_OUT] = find_atom(space, packet->out),
		[DIM_SERVICE] = (uint32_t)packet->protocol << 16 | packet->port,
		[DIM_SOURCE] = packet->source.value,
		[DIM_DESTINATION] = packet->destination.value,
		[DIM_TIME] = packet->week_s,
	};

	for (size_t i = DIM_FEEDS; i < space->dimension_count; i++) {
		const struct unknown_feed *feed = &space->unknown[i];

		values[i] = feed->nat      ? packet->target_bad
			    : feed->source ? packet->source_bad
					   : packet->destination_bad;
	}
	for (size_t i = 0; i < space->dimension_count; i++)
		out[i] = dimension_find(&space->dimensions[i], values[i]);
}

static bool is_in(const struct space *space, const struct region *region,
		  const uint32_t *classes)
{
	for (size_t i = 0; i < space->dimension_count; i++)
		if (!bitmap_has(region->sets[i], classes[i]))
			return false;
	return true;
}

static void check_regions(const struct comparison *comparison, const uint32_t *classes,
			  uint32_t at)
{
	bool found = at == NODE_SAME;

	for (size_t i = 0; i < comparison->regions->count; i++) {
		const struct region *region = &comparison->regions->list[i];

		if (!is_in(comparison->space, region, classes))
			continue;
		assert_int_equal(DIAGRAM_LEAF + region->leaf, at);
		found = true;
	}
	assert_true(found);
}

static void show_packet(uint64_t seed, const struct sample *p, const struct answer *r)
{
	char s[ADDRESS_TEXT_MAX], d[ADDRESS_TEXT_MAX];

	print_error("VIGIL_SEED=%llu VIGIL_POLICIES=1: direction %d in %u out %u "
		    "protocol %u "
		    "port %u %s -> %s at %u: %s, %s\n",
		    (unsigned long long)seed, p->direction, p->in, p->out, p->protocol,
		    p->port, address_format(p->source, s),
		    address_format(p->destination, d), p->week_s, r[0].id, r[1].id);
}

static void check_leaf(const struct comparison *comparison, uint32_t at,
		       const struct answer rulings[2])
{
	const struct leaf *leaf = &comparison->diagram->leaves[at - DIAGRAM_LEAF];
	const uint32_t numbers[] = { leaf->before, leaf->after };

	for (size_t i = 0; i < 2; i++) {
		const struct judge *decider =
			&comparison->space->lists[i].deciders[numbers[i]];

		assert_string_equal(decider->id, rulings[i].id);
		assert_int_equal(decider->verdict, rulings[i].verdict);
		assert_ptr_equal(decider->nat, rulings[i].nat);
	}
}

static void check_packet(const struct sample *packet, void *context)
{
	struct comparison *comparison = context;
	struct answer rulings[2];
	uint32_t classes[DIMENSIONS_MAX], at;

	for (size_t i = 0; i < 2; i++)
		rulings[i] = world_decide(comparison->policies[i], packet, NULL);
	find_classes(comparison->space, packet, classes);
	at = diagram_follow(comparison->diagram, classes);
	comparison->packets++;
	if ((at == NODE_SAME) !=
	    fare_same(&rulings[0], &rulings[1], comparison->by_name))
		show_packet(comparison->seed, packet, rulings);
	if (fare_same(&rulings[0], &rulings[1], comparison->by_name)) {
		assert_int_equal(at, NODE_SAME);
	} else {
		comparison->differing++;
		assert_int_not_equal(at, NODE_SAME);
		check_leaf(comparison, at, rulings);
	}
	check_regions(comparison, classes, at);
}

/* The packet that was found is decided as its box says. */
static uint128_t count_values(const struct dimension *dimension, const uint64_t *set)
{
	uint128_t count = 0;

	for (size_t i = 0; i < dimension->piece_count; i++) {
		struct span span = dimension->pieces[i].span;

		if (bitmap_has(set, dimension->pieces[i].class))
			count += span.last - span.first + 1;
	}
	return count;
}

static void check_witness(const struct comparison *comparison,
			  const struct region *region)
{
	const struct space *space = comparison->space;
	struct witness witness;
	struct sample packet = { .direction = space->direction,
				 .family = space->family };
	struct answer rulings[2];

	witness_find(space, region, &witness);
	if (witness.unknown_feed)
		return;
	packet.in = packet.out = 2;
	for (uint32_t i = 0; i < 2; i++) {
		if (witness.in_interface[0] == world_interfaces[i][0])
			packet.in = i;
		if (witness.out_interface[0] == world_interfaces[i][0])
			packet.out = i;
	}
	if (witness.source.value == witness.destination.value)
		assert_true(count_values(&space->dimensions[DIM_DESTINATION],
					 region->sets[DIM_DESTINATION]) == 1);
	packet.source = witness.source;
	packet.destination = witness.destination;
	packet.protocol = witness.protocol;
	packet.port = witness.port;
	packet.week_s = witness.week_s;
	for (size_t i = 0; i < 2; i++)
		rulings[i] = world_decide(comparison->policies[i], &packet, NULL);
	check_leaf(comparison, DIAGRAM_LEAF + region->leaf, rulings);
}

static void compare(struct comparison *comparison, enum direction direction,
		    enum family family, bool feeds)
{
	const struct diagram_input inputs[] = { { .policy = comparison->policies[0] },
						{ .policy = comparison->policies[1] } };
	auto_space struct space *space = NULL;
	auto_diagram struct diagram *diagram = NULL;
	struct regions regions;

	assert_int_equal(
		space_make(inputs, 2, direction, family, comparison->by_name, &space),
		0);
	assert_int_equal(diagram_make(space, &diagram), 0);
	assert_int_equal(boxes_find(diagram, &regions), 0);
	comparison->space = space;
	comparison->diagram = diagram;
	comparison->regions = &regions;
	world_visit(&(struct world_walk){ direction, family, feeds }, check_packet,
		    comparison);
	for (size_t i = 0; i < regions.count; i++) {
		assert_false(regions.list[i].sample);
		check_witness(comparison, &regions.list[i]);
	}
	boxes_done(&regions);
}

static void compare_pair(uint64_t seed, bool feeds, struct comparison *comparison)
{
	auto_buffer struct buffer before = BUFFER_NULL, after = BUFFER_NULL;
	struct policy *policies[2];

	world_state = seed * 2654435761u + 88172645463325252u;
	world_write(&before, feeds);
	world_write(&after, feeds);
	policies[0] = world_read(before.data);
	policies[1] = world_read(after.data);
	comparison->policies[0] = policies[0];
	comparison->policies[1] = policies[1];
	comparison->by_name = world_chance(30);
	for (enum direction direction = DIRECTION_INPUT; direction <= DIRECTION_OUTPUT;
	     direction++)
		for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6;
		     family += 2)
			compare(comparison, direction, family, feeds);
	policy_free(policies[0]);
	policy_free(policies[1]);
}

static void compare_pairs(uint64_t pairs, bool feeds)
{
	uint64_t first = setting("VIGIL_SEED", 1);
	struct comparison comparison = { .packets = 0 };

	for (uint64_t i = 0; i < pairs; i++) {
		comparison.seed = first + i;
		compare_pair(first + i, feeds, &comparison);
	}
	print_message("%zu packets, %zu of them fare differently\n", comparison.packets,
		      comparison.differing);
	assert_true(comparison.differing > comparison.packets / 20);
	assert_true(comparison.differing < comparison.packets / 20 * 19);
}

static void tells_exactly_which_packets_fare_differently(void **state)
{
	(void)state;
	compare_pairs(setting("VIGIL_POLICIES", PAIRS), false);
}

static void asks_about_feeds_that_nobody_has_read(void **state)
{
	(void)state;
	compare_pairs(setting("VIGIL_POLICIES", PAIRS) / 5 + 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_exactly_which_packets_fare_differently),
		cmocka_unit_test(asks_about_feeds_that_nobody_has_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
