/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long comparing and checking take as policies grow: figures for a person, none is
 * asserted. What is too much is said to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "diagram/difference.h"
#include "diagram/redundant.h"
#include "world.h"

enum { GROUPS = 60, GROUP_RANGES = 40, ZONES = 8 };

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void write_group(struct buffer *out, uint32_t number)
{
	buffer_printf(out, "  g%u: [\"2001:db8:%x::/48\"", number, number);
	for (uint32_t i = 0; i < GROUP_RANGES; i++)
		buffer_printf(out, ", 10.%u.%u.0/26", world_below(64),
			      world_below(256));
	buffer_text(out, "]\n");
}

static void write_end(struct buffer *out, const char *key)
{
	switch (world_below(4)) {
	case 0:
		buffer_printf(out, ", %s: z%u", key, world_below(ZONES));
		break;
	case 1:
		buffer_printf(out, ", %s: { zone: z%u, address: 10.%u.%u.%u }", key,
			      world_below(ZONES), world_below(64), world_below(256),
			      world_below(256));
		break;
	case 2:
		buffer_printf(out, ", %s: { zone: z%u, group: g%u }", key,
			      world_below(ZONES), world_below(GROUPS));
		break;
	default:
		buffer_printf(out, ", %s: { address: 10.%u.%u.0/24 }", key,
			      world_below(64), world_below(256));
	}
}

static void write_rule(struct buffer *out, uint32_t number)
{
	static const char *const traffic[] = { "ssh",
					       "[http, https]",
					       "dns",
					       "{ tcp: [5432, 6432] }",
					       "{ tcp: 8000-8100 }",
					       "all",
					       "smtp",
					       "ping" };

	buffer_printf(out, "  - { id: r%u", number);
	write_end(out, "from");
	if (world_chance(30))
		buffer_text(out, ", to: host");
	else
		write_end(out, "to");
	buffer_printf(out, ", %s: ", world_chance(85) ? "allow" : "drop");
	if (world_chance(30))
		buffer_printf(out, "{ tcp: %u }", 1024 + world_below(40000));
	else
		buffer_text(out, traffic[world_below(ARRAY_SIZE(traffic))]);
	buffer_text(out, " }\n");
}

/* @changed: a rule that is another one; UINT32_MAX for none. */
static struct policy *make_policy(uint64_t seed, uint32_t rules, uint32_t changed,
				  const char *forward)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	world_state = seed * 2654435761u + 88172645463325252u;
	buffer_text(&out, "version: 1\nzones: {");
	for (uint32_t i = 0; i < ZONES; i++)
		buffer_printf(&out, "%s z%u: eth%u", i ? "," : "", i, i);
	buffer_printf(&out, " }\ndefaults: { forward: %s }\ngroups:\n", forward);
	for (uint32_t i = 0; i < GROUPS; i++)
		write_group(&out, i);
	buffer_text(&out, "rules:\n");
	for (uint32_t i = 0; i < rules; i++) {
		uint64_t state = world_state;

		if (i == changed)
			world_state ^= 0x5555;
		write_rule(&out, i);
		if (i == changed) {
			auto_buffer struct buffer unused = BUFFER_NULL;

			world_state = state;
			write_rule(&unused, i);
		}
	}
	return world_read(out.data);
}

static void report(const char *what, uint32_t rules, const struct policy *before,
		   const struct policy *after)
{
	const struct diagram_input inputs[] = { { .policy = before },
						{ .policy = after } };
	auto_difference struct difference *difference = NULL;
	double from = now_ms();

	assert_int_equal(difference_find(inputs, false, &difference), 0);
	print_message("# %5u rules, %-22s %8.1f ms, %7zu nodes, %5zu boxes, %zu gaps\n",
		      rules, what, now_ms() - from, difference->node_count,
		      difference->count, difference->gap_count);
}

static void report_size(uint32_t rules)
{
	auto_policy struct policy *base = make_policy(1, rules, UINT32_MAX, "drop");
	auto_policy struct policy *one = make_policy(1, rules, rules / 2, "drop");
	auto_policy struct policy *open = make_policy(1, rules, UINT32_MAX, "allow");
	auto_policy struct policy *other = make_policy(2, rules, UINT32_MAX, "drop");
	auto_free struct rule_finding *findings = NULL;
	size_t counts[RULE_UNKNOWN + 1] = { 0 };
	double from = now_ms();

	assert_int_equal(redundant_find(base, &findings), 0);
	for (uint32_t i = 0; i < rules; i++)
		counts[findings[i].use]++;
	print_message("# %5u rules, rules that do nothing  %8.1f ms, %zu dead, %zu "
		      "redundant, %zu unknown\n",
		      rules, now_ms() - from, counts[RULE_DEAD], counts[RULE_REDUNDANT],
		      counts[RULE_UNKNOWN]);
	report("the same", rules, base, base);
	report("one rule differs", rules, base, one);
	report("forward is allowed", rules, base, open);
	report("nothing in common", rules, base, other);
}

/* Any zone, and prefixes that lie over each other at both ends: what diagrams are worst
 * at. */
static struct policy *make_hard(uint64_t seed, uint32_t rules)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	world_state = seed * 2654435761u + 88172645463325252u;
	buffer_text(&out, "version: 1\nrules:\n");
	for (uint32_t i = 0; i < rules; i++) {
		buffer_printf(&out, "  - { id: r%u", i);
		for (uint32_t end = 0; end < 2; end++) {
			uint32_t bits = 10 + world_below(15);
			uint32_t address = (10u << 24 | world_below(1 << 24)) &
					   ~((1u << (32 - bits)) - 1);

			buffer_printf(&out, ", %s: { address: %u.%u.%u.%u/%u }",
				      end ? "to" : "from", address >> 24,
				      address >> 16 & 255, address >> 8 & 255,
				      address & 255, bits);
		}
		buffer_printf(&out, ", %s: { tcp: %u-%u } }\n",
			      world_chance(50) ? "allow" : "drop",
			      1 + world_below(30000), 30000 + world_below(30000));
	}
	return world_read(out.data);
}

static void report_hard(uint32_t rules)
{
	auto_policy struct policy *before = make_hard(1, rules);
	auto_policy struct policy *after = make_hard(2, rules);
	auto_free struct rule_finding *findings = NULL;
	size_t unknown = 0;
	double from = now_ms();

	assert_int_equal(redundant_find(before, &findings), 0);
	for (uint32_t i = 0; i < rules; i++)
		unknown += findings[i].use == RULE_UNKNOWN;
	print_message("# %5u hard rules that do nothing    %8.1f ms, %zu unknown\n",
		      rules, now_ms() - from, unknown);
	report("hard", rules, before, after);
}

static void reports_how_long_the_hard_ones_take(void **state)
{
	static const uint32_t sizes[] = { 10, 50, 200, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		report_hard(sizes[i]);
}

static void reports_how_long_it_takes(void **state)
{
	static const uint32_t sizes[] = { 10, 50, 200, 500, 1000, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		report_size(sizes[i]);
}

/* A box of sources, destinations and ports. */
struct block {
	uint32_t first[3];
	uint32_t last[3];
};

/* Cut a box at random into @count rules that leave nothing of it. */
static void write_cut(struct buffer *out, struct block block, uint32_t count,
		      uint32_t *number)
{
	uint32_t axis = world_below(3), width;

	while (block.first[axis] == block.last[axis])
		axis = (axis + 1) % 3;
	width = block.last[axis] - block.first[axis];
	if (count > 1) {
		struct block low = block, high = block;

		low.last[axis] = block.first[axis] + world_below(width);
		high.first[axis] = low.last[axis] + 1;
		write_cut(out, low, count / 2, number);
		write_cut(out, high, count - count / 2, number);
		return;
	}
	buffer_printf(out, "  - { id: r%u", (*number)++);
	for (uint32_t end = 0; end < 2; end++)
		buffer_printf(out, ", %s: { address: 10.%u.%u.%u-10.%u.%u.%u }",
			      end ? "to" : "from", block.first[end] >> 16,
			      block.first[end] >> 8 & 255, block.first[end] & 255,
			      block.last[end] >> 16, block.last[end] >> 8 & 255,
			      block.last[end] & 255);
	buffer_printf(out, ", allow: { tcp: %u-%u } }\n", block.first[2],
		      block.last[2]);
}

static struct policy *make_puzzle(uint32_t rules)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	const struct block all = { { 0, 0, 1 }, { 0xffffff, 0xffffff, 60000 } };
	uint32_t number = 0;

	world_state = 88172645463325252u;
	buffer_text(&out, "version: 1\nrules:\n");
	write_cut(&out, all, rules, &number);
	buffer_text(&out,
		    "  - { id: last, from: { address: 10.0.0.0/8 }, to: { address: "
		    "10.0.0.0/8 }, reject: { tcp: 1-60000 } }\n");
	return world_read(out.data);
}

/* Steps are counted, not seconds, so this is the same everywhere. */
static void says_what_would_take_too_long(void **state)
{
	auto_policy struct policy *before = make_hard(1, 2000);
	auto_policy struct policy *after = make_hard(2, 2000);
	const struct diagram_input inputs[] = { { .policy = before },
						{ .policy = after } };
	auto_difference struct difference *difference = NULL;
	auto_policy struct policy *many = make_puzzle(2000);
	auto_faults struct faults faults = FAULTS_NULL;
	bool said = false;

	(void)state;
	assert_int_equal(difference_find(inputs, false, &difference), 0);
	assert_int_equal(difference->gap_count, 1);
	assert_int_equal(difference->gaps[0].direction, DIRECTION_FORWARD);
	assert_int_equal(difference->gaps[0].family, FAMILY_IPV4);
	assert_int_equal(redundant_warn(many, &faults), 0);
	for (size_t i = 0; i < faults.count; i++)
		said |= strstr(faults.list[i].text, "was not worked out for ") != NULL;
	assert_true(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_how_long_it_takes),
		cmocka_unit_test(reports_how_long_the_hard_ones_take),
		cmocka_unit_test(says_what_would_take_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
