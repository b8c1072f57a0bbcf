/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "compile/lower.h"

enum { WORLD = 24, ALL_PORTS = 0x10000 };

static const struct subject nobody;

static struct box box_of(struct span source, struct span ports)
{
	struct box box = {
		.shape = { .families = FAMILIES_IPV4 },
		.spans = { source,
			   span_all(FAMILY_IPV4),
			   { IPPROTO_TCP << 16 | ports.first,
			     IPPROTO_TCP << 16 | ports.last } },
	};

	box.shape.source = !span_equal(source, span_all(FAMILY_IPV4));
	box.shape.layer4 = LAYER4_PORT;
	if (ports.last >= ALL_PORTS) {
		box.shape.layer4 = LAYER4_ALL;
		box.spans[AXIS_LAYER4] = (struct span){ 0, 0xffffff };
	}
	box.shape.exact = (!box.shape.source || span_single(source)) &&
			  (box.shape.layer4 == LAYER4_ALL || span_single(ports));
	return box;
}

/* What the groups, met in order, decide: the number, 0 for none. */
static uint32_t decide(const struct groups *groups, uint32_t source, uint32_t port)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct group *group = &groups->list[i];
		size_t matches = 0;
		uint32_t number = 0;

		for (size_t j = 0; j < group->member_count; j++) {
			const struct placed *placed =
				&groups->placed[group->members[j]];
			uint32_t point = IPPROTO_TCP << 16 | port;
			const struct span *spans = placed->box.spans;

			if (spans[AXIS_SOURCE].first > source ||
			    spans[AXIS_SOURCE].last < source ||
			    spans[AXIS_LAYER4].first > point ||
			    spans[AXIS_LAYER4].last < point)
				continue;
			number = placed->number;
			matches++;
		}
		assert_true(matches <= 1);
		if (matches)
			return number;
	}
	return 0;
}

static uint32_t random_state = 3;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 9) % limit;
}

static struct span random_span(void)
{
	uint32_t first = random_below(WORLD);

	return random_below(2) ? (struct span){ first, first }
			       : (struct span){ first, first + random_below(8) };
}

static struct box random_box(void)
{
	struct span source = random_below(4) ? random_span() : span_all(FAMILY_IPV4);
	struct span ports =
		random_below(4) ? random_span() : (struct span){ 0, ALL_PORTS };

	return box_of(source, ports);
}

static void keeps_first_match(void **state)
{
	enum { BOXES = 60 };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct arena arena = ARENA_INIT(0);
		struct groups groups = { .arena = &arena };
		struct box boxes[BOXES];

		for (uint32_t i = 0; i < BOXES; i++) {
			boxes[i] = random_box();
			/* Some decide alike. */
			assert_int_equal(
				groups_place(&groups, &nobody, &boxes[i], i / 2 + 1),
				0);
		}
		for (uint32_t source = 0; source < WORLD + 8; source++) {
			for (uint32_t port = 0; port < WORLD + 8; port++) {
				uint32_t right = 0, point = IPPROTO_TCP << 16 | port;

				for (uint32_t i = BOXES; i-- > 0;) {
					const struct span *spans = boxes[i].spans;

					if (spans[AXIS_SOURCE].first <= source &&
					    spans[AXIS_SOURCE].last >= source &&
					    spans[AXIS_LAYER4].first <= point &&
					    spans[AXIS_LAYER4].last >= point)
						right = i / 2 + 1;
				}
				assert_int_equal(decide(&groups, source, port), right);
			}
		}
		arena_done(&arena);
	}
}

static size_t count_groups(size_t boxes, struct box (*make)(uint32_t i))
{
	struct arena arena = ARENA_INIT(0);
	struct groups groups = { .arena = &arena };
	size_t count;

	for (uint32_t i = 0; i < boxes; i++) {
		struct box box = make(i);

		assert_int_equal(groups_place(&groups, &nobody, &box, i + 1), 0);
	}
	count = groups.count;
	arena_done(&arena);
	return count;
}

static struct box single_port(uint32_t i)
{
	return box_of(span_all(FAMILY_IPV4), (struct span){ i, i });
}

static struct box single_source(uint32_t i)
{
	return box_of((struct span){ i, i }, (struct span){ 0, ALL_PORTS });
}

static struct box source_and_port(uint32_t i)
{
	return box_of((struct span){ i % 100, i % 100 },
		      (struct span){ i / 100, i / 100 });
}

/* Two shapes in turn that never overlap. */
static struct box by_turns(uint32_t i)
{
	if (i % 2)
		return box_of((struct span){ i, i }, (struct span){ 40000, 40000 });
	return single_port(i);
}

/* A source and port, then all of the port. */
static struct box narrow_then_wide(uint32_t i)
{
	return i % 2 ? single_port(i / 2)
		     : box_of((struct span){ i, i }, (struct span){ i / 2, i / 2 });
}

static void makes_one_look_up_of_many(void **state)
{
	(void)state;
	assert_int_equal(count_groups(10000, single_port), 1);
	assert_int_equal(count_groups(10000, single_source), 1);
	assert_int_equal(count_groups(10000, source_and_port), 1);
	assert_int_equal(count_groups(10000, by_turns), 2);
	assert_int_equal(count_groups(10000, narrow_then_wide), 2);
}

static void takes_out_what_comes_before(void **state)
{
	struct arena arena = ARENA_INIT(0);
	struct groups groups = { .arena = &arena };
	struct box narrow = box_of((struct span){ 0, 9 }, (struct span){ 20, 30 });
	struct box wide = box_of((struct span){ 0, 9 }, (struct span){ 1, 99 });

	(void)state;
	groups_place(&groups, &nobody, &narrow, 1);
	groups_place(&groups, &nobody, &wide, 2);
	groups_place(&groups, &nobody, &narrow, 3);
	assert_int_equal(groups.count, 1);
	assert_int_equal(groups.placed_count, 3);
	assert_int_equal(decide(&groups, 5, 25), 1);
	assert_int_equal(decide(&groups, 5, 19), 2);
	assert_int_equal(decide(&groups, 5, 31), 2);
	arena_done(&arena);
}

static void stops_behind_what_takes_all(void **state)
{
	struct arena arena = ARENA_INIT(0);
	struct groups groups = { .arena = &arena };
	struct box all = box_of(span_all(FAMILY_IPV6), (struct span){ 0, ALL_PORTS });
	struct box one = single_port(7);

	(void)state;
	all.shape = (struct shape){ .families = FAMILIES_BOTH, .exact = true };
	groups_place(&groups, &nobody, &all, 1);
	groups_place(&groups, &nobody, &one, 2);
	assert_int_equal(groups.count, 1);
	assert_true(groups.closed);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_first_match),
		cmocka_unit_test(makes_one_look_up_of_many),
		cmocka_unit_test(takes_out_what_comes_before),
		cmocka_unit_test(stops_behind_what_takes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
