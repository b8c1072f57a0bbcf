/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements and tags over the wall: what the kernel then lists is what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/address.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/elements.h"
#include "tests/kernel/harness.h"

enum { POINTS = 96, ROUNDS = 150 };

static const char table[] =
	"add table inet vigil\n"
	"flush table inet vigil\n"
	"add set inet vigil f.a.4 { type ipv4_addr; flags interval; }\n"
	"add set inet vigil f.a.6 { type ipv6_addr; flags interval; }\n"
	"add set inet vigil plain { type ipv4_addr; size 100; flags dynamic; }\n"
	"add chain inet vigil mine\n"
	"add rule inet vigil mine ip saddr @f.a.4 drop\n"
	"add rule inet vigil mine ip6 saddr @f.a.6 drop\n";

static int helper;
static pid_t helper_pid;
static struct helper_refusal refusal;
static unsigned seed;

static int start(void **state)
{
	const char *given = getenv("VIGIL_SEED");

	(void)state;
	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	fprintf(stderr, "VIGIL_SEED=%u\n", seed);
	srandom(seed);
	helper = harness_helper(&helper_pid);
	if (helper_hello(helper, &refusal) ||
	    helper_apply_script(helper, table, strlen(table), &refusal))
		return -1;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	close(helper);
	harness_end(helper_pid); /* which may be before it saw the end of the socket */
	return 0;
}

static int apply(struct buffer *blocks, bool atomic)
{
	assert_int_equal(blocks->error, 0);
	return helper_apply_elements(helper, blocks->data, blocks->size_bytes, atomic,
				     &refusal);
}

/* What the kernel has in a set, parsed from its listing. */
static void read_set(const char *name, struct address_set *ret)
{
	auto_free char *text = harness_capture("nft -n list set inet vigil %s", name);
	char *elements = strstr(text, "elements = {");

	if (elements)
		elements += strlen("elements = {");
	for (char *word = elements ? strtok(elements, " ,\n\t}") : NULL; word;
	     word = strtok(NULL, " ,\n\t}")) {
		struct address_range range;

		if (range_parse(word, &range))
			fail_msg("listed: %s", word);
		assert_int_equal(address_set_add(ret, range), 0);
	}
	/* Nothing listed may overlap or touch, as it was sent. */
	assert_int_equal(address_set_finish(ret), 0);
}

/* Points at both ends of the number space. */
static uint128_t point(enum family family, size_t i)
{
	uint128_t top = family == FAMILY_IPV4 ? (uint128_t)UINT32_MAX : ~(uint128_t)0;

	return i < POINTS / 2 ? i : top - (POINTS - 1 - i);
}

static void make_random(enum family family, struct address_set *ret)
{
	int density = (int)(random() % 100);

	for (size_t i = 0; i < POINTS; i++) {
		struct address_range range = { family, point(family, i),
					       point(family, i) };

		if (random() % 100 < density)
			address_set_add(ret, range);
	}
	address_set_finish(ret);
}

static void expect_listed(const char *name, const struct address_set *wanted, int round)
{
	auto_address_set struct address_set got = ADDRESS_SET_NULL;

	read_set(name, &got);
	if (!address_set_equal(&got, wanted))
		fail_msg("set %s differs in round %d of seed %u", name, round, seed);
}

static void turn_into(enum family family, const char *name)
{
	struct address_set now = ADDRESS_SET_NULL;

	for (int round = 0; round < ROUNDS; round++) {
		struct address_set next = ADDRESS_SET_NULL;
		auto_buffer struct buffer blocks = BUFFER_NULL;
		size_t added, deleted;

		make_random(family, &next);
		elements_pack_difference(&blocks, name, &now, &next, family, &added,
					 &deleted);
		if (blocks.size_bytes && apply(&blocks, true))
			fail_msg("round %d of seed %u: %s", round, seed, refusal.text);
		expect_listed(name, &next, round);
		address_set_done(&now);
		now = next;
	}
	address_set_done(&now);
}

static void turns_any_set_into_any_other_in_one_batch(void **state)
{
	(void)state;
	turn_into(FAMILY_IPV4, "f.a.4");
	turn_into(FAMILY_IPV6, "f.a.6");
}

static void empty(const char *name)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "flush set inet vigil %s\n", name);

	assert_int_equal(helper_apply_script(helper, line, (size_t)size, &refusal), 0);
}

static void pack(struct buffer *blocks, enum helper_element_op op, const char *name,
		 const char *range_text)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	struct address_range range;

	assert_int_equal(range_parse(range_text, &range), 0);
	address_set_add(&set, range);
	address_set_finish(&set);
	elements_pack(blocks, op, name, &set, range.family);
}

/* One refused block, and nothing of the batch is done. */
static void expect_refused(enum helper_element_op op, const char *name,
			   const char *range, int error)
{
	auto_address_set struct address_set after = ADDRESS_SET_NULL;
	auto_buffer struct buffer blocks = BUFFER_NULL;

	pack(&blocks, HELPER_ADD, "f.a.4", "198.51.100.0/24");
	pack(&blocks, op, name, range);
	assert_int_equal(apply(&blocks, true), error);
	if (!strstr(refusal.text, name))
		fail_msg("does not name %s: %s", name, refusal.text);
	read_set("f.a.4", &after);
	assert_int_equal(after.count4, 1);
}

static void does_all_of_a_batch_or_nothing(void **state)
{
	auto_buffer struct buffer blocks = BUFFER_NULL;

	(void)state;
	empty("f.a.4");
	pack(&blocks, HELPER_ADD, "f.a.4", "10.0.0.0/24");
	assert_int_equal(apply(&blocks, true), 0);
	expect_refused(HELPER_ADD, "f.a.4", "10.0.0.0/24", -EEXIST);
	expect_refused(HELPER_ADD, "f.a.4", "10.0.0.64/26", -EEXIST);
	expect_refused(HELPER_ADD, "f.a.4", "9.0.0.0-10.0.0.5", -EEXIST);
	expect_refused(HELPER_DELETE, "f.a.4", "10.0.1.0/24", -ENOENT);
	expect_refused(HELPER_DELETE, "f.a.4", "10.0.0.0/25", -ENOENT);
	expect_refused(HELPER_ADD, "nowhere", "10.0.0.0/24", -ENOENT);
	expect_refused(HELPER_ADD, "f.a.6", "10.0.0.0/24", -EINVAL);
}

static bool tag_there(const char *tag)
{
	return harness_run("nft list chain inet vigil at.%s >/dev/null 2>&1", tag) == 0;
}

static void swaps_tags_with_the_elements_they_name(void **state)
{
	static const char first[] = "00000000000000000000000000000001";
	static const char second[] = "00000000000000000000000000000002";
	auto_buffer struct buffer blocks = BUFFER_NULL;

	(void)state;
	elements_pack_tag(&blocks, "", first);
	assert_int_equal(apply(&blocks, true), 0);
	assert_true(tag_there(first));
	assert_int_equal(apply(&blocks, true), -EEXIST);
	buffer_clear(&blocks);
	elements_pack_tag(&blocks, first, second);
	pack(&blocks, HELPER_DELETE, "f.a.4", "203.0.113.0/24");
	assert_int_equal(apply(&blocks, true), -ENOENT);
	assert_true(tag_there(first) && !tag_there(second));
	buffer_clear(&blocks);
	elements_pack_tag(&blocks, first, second);
	pack(&blocks, HELPER_ADD, "f.a.4", "203.0.113.0/24");
	assert_int_equal(apply(&blocks, true), 0);
	assert_true(!tag_there(first) && tag_there(second));
}

static void refuses_malformed_blocks_before_it_does_any(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_buffer struct buffer blocks = BUFFER_NULL;

	(void)state;
	empty("f.a.4");
	pack(&blocks, HELPER_ADD, "f.a.4", "10.0.0.0/24");
	pack(&blocks, HELPER_ADD, "f.a.4", "10.0.2.0/24");
	for (size_t bytes = 1; bytes < blocks.size_bytes; bytes++) {
		struct buffer piece = { .data = blocks.data, .size_bytes = bytes };

		if (bytes != blocks.size_bytes / 2)
			assert_int_equal(apply(&piece, true), -EINVAL);
	}
	blocks.data[blocks.size_bytes - 8] = 11; /* the first address above the last */
	assert_int_equal(apply(&blocks, true), -EINVAL);
	read_set("f.a.4", &set);
	assert_true(address_set_empty(&set));
}

static void make_many(struct address_set *set, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint128_t first = 0x01000000 + i * 256;

		address_set_add(
			set, (struct address_range){ FAMILY_IPV4, first, first + 127 });
	}
	address_set_finish(set);
}

/* In a user namespace one batch can't be that large; in pieces it always goes. */
static void loads_many_in_as_many_pieces_as_it_takes(void **state)
{
	auto_address_set struct address_set many = ADDRESS_SET_NULL;
	auto_buffer struct buffer blocks = BUFFER_NULL;
	int error;

	(void)state;
	empty("f.a.4");
	make_many(&many, 50000);
	elements_pack(&blocks, HELPER_ADD, "f.a.4", &many, FAMILY_IPV4);
	error = apply(&blocks, true);
	assert_true(error == 0 || (error == -EMSGSIZE && harness_in_userns()));
	empty("f.a.4");
	assert_int_equal(apply(&blocks, false), 0);
	harness_must(
		"nft get element inet vigil f.a.4 { 1.0.0.0-1.0.0.127 } >/dev/null");
	harness_must("nft get element inet vigil f.a.4 { 1.195.79.0-1.195.79.127 } "
		     ">/dev/null");
	assert_int_not_equal(
		harness_run("nft get element inet vigil f.a.4 { 1.0.0.128 } 2>&-"), 0);
	empty("f.a.4");
}

static size_t status_kib(const char *field)
{
	auto_free char *text = harness_capture(
		"grep '^%s:' /proc/%d/status | tr -cd 0-9", field, (int)helper_pid);

	return strtoul(text, NULL, 10);
}

static void stays_small(void **state)
{
	(void)state;
	if (harness_run("grep -q asan /proc/%d/maps", (int)helper_pid) == 0)
		skip();
	assert_true(status_kib("VmHWM") < 6 * 1024);
}

static void survives_its_agent(void **state)
{
	(void)state;
	close(helper);
	for (int i = 0;
	     i < 50 && kill(helper_pid, 0) == 0 &&
	     harness_run("grep -q '^State:.Z' /proc/%d/status", (int)helper_pid) != 0;
	     i++)
		usleep(20000);
	assert_int_equal(harness_end(helper_pid), 0);
	harness_must("nft list chain inet vigil mine >/dev/null");
	helper = harness_helper(&helper_pid);
	assert_int_equal(helper_hello(helper, &refusal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_any_set_into_any_other_in_one_batch),
		cmocka_unit_test(does_all_of_a_batch_or_nothing),
		cmocka_unit_test(swaps_tags_with_the_elements_they_name),
		cmocka_unit_test(refuses_malformed_blocks_before_it_does_any),
		cmocka_unit_test(loads_many_in_as_many_pieces_as_it_takes),
		cmocka_unit_test(stays_small),
		cmocka_unit_test(survives_its_agent),
	};

	alarm(500);
	harness_enter();
	return cmocka_run_group_tests(tests, start, stop);
}
