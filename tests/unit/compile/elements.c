/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed blocks are applied to a model of a kernel set, as strict as the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/elements.h"
#include "compile/span.h"
#include "compiling.h"
#include "helper/wire.h"

enum { MODEL_MAX = 512, RANDOM_RANGES_MAX = 40, RANDOM_SPACE = 300 };

/* The ranges of one set, in no order. */
struct model {
	struct span spans[MODEL_MAX];
	size_t count;
};

static uint32_t random_below(uint32_t limit)
{
	static uint64_t value = 7;

	value = value * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(value >> 33) % limit;
}

static struct span read_span(const uint8_t *keys, size_t key_bytes)
{
	struct span span = { 0, 0 };

	for (size_t i = 0; i < key_bytes; i++) {
		span.first = span.first << 8 | keys[i];
		span.last = span.last << 8 | keys[key_bytes + i];
	}
	return span;
}

static void model_delete(struct model *model, struct span span)
{
	size_t i = 0;

	while (i < model->count && !span_equal(model->spans[i], span))
		i++;
	if (i == model->count)
		fail_msg("a range is deleted that is not there");
	model->spans[i] = model->spans[--model->count];
}

static void model_add(struct model *model, struct span span)
{
	for (size_t i = 0; i < model->count; i++)
		if (span_overlaps(model->spans[i], span))
			fail_msg("a range is added over another one");
	assert_in_range(model->count, 0, MODEL_MAX - 1);
	model->spans[model->count++] = span;
}

static void model_apply_block(struct model *model, const struct helper_block *block)
{
	const uint8_t *keys = (const uint8_t *)(block + 1);

	for (uint32_t i = 0; i < block->count; i++, keys += 2 * block->key_bytes) {
		struct span span = read_span(keys, block->key_bytes);

		if (block->op == HELPER_DELETE)
			model_delete(model, span);
		else
			model_add(model, span);
	}
}

/* Each block must be one that the helper takes, for @name and @family. */
static void model_apply(struct model *model, const struct buffer *packed,
			const char *name, enum family family)
{
	auto_free char *copy = malloc(packed->size_bytes + 1);
	size_t at = 0;

	assert_non_null(copy);
	if (packed->size_bytes)
		memcpy(copy, packed->data, packed->size_bytes);
	while (at < packed->size_bytes) {
		const struct helper_block *block = (const void *)(copy + at);
		size_t bytes = wire_block_check(block, packed->size_bytes - at);

		assert_int_not_equal(bytes, 0);
		assert_string_equal(block->set, name);
		assert_int_equal(block->key_bytes, family == FAMILY_IPV4 ? 4 : 16);
		model_apply_block(model, block);
		at += bytes;
	}
}

static void model_fill(struct model *model, const struct address_set *set,
		       enum family family)
{
	model->count = 0;
	for (size_t i = 0; i < set_span_count(set, family); i++)
		model_add(model, set_span(set, family, i));
}

static bool model_holds(const struct model *model, struct span span)
{
	for (size_t i = 0; i < model->count; i++)
		if (span_equal(model->spans[i], span))
			return true;
	return false;
}

static void expect_model(const struct model *model, const struct address_set *set,
			 enum family family)
{
	assert_int_equal(model->count, set_span_count(set, family));
	for (size_t i = 0; i < model->count; i++)
		assert_true(model_holds(model, set_span(set, family, i)));
}

/* Few addresses, so that sets meet often; at the ends of the family as well. */
static struct address_set random_set(void)
{
	struct address_set set = ADDRESS_SET_NULL;
	uint32_t count = random_below(RANDOM_RANGES_MAX);

	for (uint32_t i = 0; i < count; i++) {
		enum family family = random_below(2) ? FAMILY_IPV4 : FAMILY_IPV6;
		uint128_t first = random_below(RANDOM_SPACE);
		uint128_t last = first + random_below(4);

		if (random_below(2)) {
			uint128_t top = span_all(family).last, swap = top - first;

			first = top - last;
			last = swap;
		}
		assert_int_equal(
			address_set_add(&set,
					(struct address_range){ family, first, last }),
			0);
	}
	address_set_finish(&set);
	return set;
}

static const enum family families[] = { FAMILY_IPV4, FAMILY_IPV6 };

static void a_whole_set_is_added_and_deleted(void **state)
{
	(void)state;
	for (size_t round = 0; round < 500; round++) {
		enum family family = families[round % 2];
		auto_address_set struct address_set set = random_set();
		auto_buffer struct buffer add = BUFFER_NULL, delete = BUFFER_NULL;
		struct model model = { .count = 0 };

		if (set_span_count(&set, family) == 0)
			continue;
		elements_pack(&add, HELPER_ADD, "f.list.4.1", &set, family);
		model_apply(&model, &add, "f.list.4.1", family);
		expect_model(&model, &set, family);
		elements_pack(&delete, HELPER_DELETE, "f.list.4.1", &set, family);
		assert_int_equal(delete.size_bytes, add.size_bytes);
		model_apply(&model, &delete, "f.list.4.1", family);
		assert_int_equal(model.count, 0);
	}
}

static size_t count_missing(const struct address_set *of,
			    const struct address_set *without, enum family family)
{
	struct model model;
	size_t count = 0;

	model_fill(&model, without, family);
	for (size_t i = 0; i < set_span_count(of, family); i++)
		count += !model_holds(&model, set_span(of, family, i));
	return count;
}

static void check_difference(const struct address_set *from,
			     const struct address_set *to, enum family family)
{
	auto_buffer struct buffer packed = BUFFER_NULL;
	size_t added = 99, deleted = 99;
	struct model model;

	model_fill(&model, from, family);
	elements_pack_difference(&packed, "s.x", from, to, family, &added, &deleted);
	model_apply(&model, &packed, "s.x", family);
	expect_model(&model, to, family);
	/* No more than what differs. */
	assert_int_equal(added, count_missing(to, from, family));
	assert_int_equal(deleted, count_missing(from, to, family));
}

static void a_difference_turns_any_set_into_any_other(void **state)
{
	(void)state;
	for (size_t round = 0; round < 2000; round++) {
		auto_address_set struct address_set a = random_set();
		auto_address_set struct address_set b = random_set();

		check_difference(&a, &b, families[round % 2]);
	}
}

static void a_difference_of_neighbours_is_small(void **state)
{
	auto_address_set struct address_set a = addresses_of("10.0.0.0/8 11.0.0.1");
	auto_address_set struct address_set b = addresses_of("10.0.0.0/8 11.0.0.2");
	auto_buffer struct buffer packed = BUFFER_NULL;
	size_t added, deleted;

	(void)state;
	elements_pack_difference(&packed, "s.x", &a, &b, FAMILY_IPV4, &added, &deleted);
	assert_int_equal(added, 1);
	assert_int_equal(deleted, 1);
	assert_int_equal(packed.size_bytes, 2 * (sizeof(struct helper_block) + 8));
	assert_int_equal(((struct helper_block *)packed.data)->op, HELPER_DELETE);
}

static void equal_sets_have_no_difference(void **state)
{
	auto_address_set struct address_set a = addresses_of("10.0.0.0/8 2001:db8::1");
	auto_address_set struct address_set b = addresses_of("10.0.0.0/8 2001:db8::2");
	auto_buffer struct buffer packed = BUFFER_NULL;
	size_t added, deleted;

	(void)state;
	elements_pack_difference(&packed, "s.x", &a, &a, FAMILY_IPV6, &added, &deleted);
	elements_pack_difference(&packed, "s.x", &a, &b, FAMILY_IPV4, &added, &deleted);
	assert_int_equal(packed.size_bytes, 0);
	assert_int_equal(added + deleted, 0);
}

static void keys_are_in_network_byte_order(void **state)
{
	auto_address_set struct address_set set =
		addresses_of("192.0.2.1-192.0.2.3 2001:db8::1");
	auto_buffer struct buffer packed = BUFFER_NULL;
	const char *data;

	(void)state;
	elements_pack(&packed, HELPER_ADD, "a", &set, FAMILY_IPV4);
	elements_pack(&packed, HELPER_ADD, "b", &set, FAMILY_IPV6);
	data = packed.data + sizeof(struct helper_block);
	assert_memory_equal(data, "\xc0\x00\x02\x01\xc0\x00\x02\x03", 8);
	data += 8 + sizeof(struct helper_block);
	assert_memory_equal(data, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_memory_equal(data + 16, data, 16);
}

#define TAG_A "0123456789abcdef0123456789abcdef"
#define TAG_B "fedcba9876543210fedcba9876543210"

static void a_tag_replaces_the_one_before(void **state)
{
	auto_buffer struct buffer packed = BUFFER_NULL;
	const struct helper_block *blocks;

	(void)state;
	elements_pack_tag(&packed, TAG_A, TAG_B);
	assert_int_equal(packed.size_bytes, 2 * sizeof(*blocks));
	blocks = (const void *)packed.data;
	assert_int_equal(wire_block_check(&blocks[0], sizeof(*blocks)),
			 sizeof(*blocks));
	assert_int_equal(blocks[0].op, HELPER_TAG_DELETE);
	assert_string_equal(blocks[0].set, TAG_A);
	assert_int_equal(wire_block_check(&blocks[1], sizeof(*blocks)),
			 sizeof(*blocks));
	assert_int_equal(blocks[1].op, HELPER_TAG_ADD);
	assert_string_equal(blocks[1].set, TAG_B);
	buffer_clear(&packed);
	elements_pack_tag(&packed, "", TAG_B);
	assert_int_equal(packed.size_bytes, sizeof(*blocks));
	assert_int_equal(((const struct helper_block *)packed.data)->op,
			 HELPER_TAG_ADD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_set_is_added_and_deleted),
		cmocka_unit_test(a_difference_turns_any_set_into_any_other),
		cmocka_unit_test(a_difference_of_neighbours_is_small),
		cmocka_unit_test(equal_sets_have_no_difference),
		cmocka_unit_test(keys_are_in_network_byte_order),
		cmocka_unit_test(a_tag_replaces_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
