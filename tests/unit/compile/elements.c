/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/elements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

static struct address_set set_of(const char *const *ranges)
{
	struct address_set set = ADDRESS_SET_NULL;

	for (; *ranges; ranges++) {
		struct address_range range;

		assert_int_equal(range_parse(*ranges, &range), 0);
		assert_int_equal(address_set_add(&set, range), 0);
	}
	address_set_finish(&set);
	return set;
}

#define SET(...) set_of((const char *const[]){ __VA_ARGS__, NULL })

static struct helper_block block_at(const struct buffer *buffer, size_t offset)
{
	struct helper_block block;

	assert_true(offset + sizeof(block) <= buffer->size_bytes);
	memcpy(&block, buffer->data + offset, sizeof(block));
	return block;
}

static void packs_in_network_order(void **state)
{
	auto_address_set struct address_set set =
		SET("10.0.0.1", "10.0.1.0/24", "2001:db8::1-2001:db8::5");
	auto_buffer struct buffer out = BUFFER_NULL;
	static const uint8_t keys4[] = { 10, 0, 0, 1, 10, 0, 0, 1,
					 10, 0, 1, 0, 10, 0, 1, 255 };
	static const uint8_t keys6[] = { 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
					 0,    0, 0,    0,    0, 0, 0, 1,
					 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
					 0,    0, 0,    0,    0, 0, 0, 5 };
	struct helper_block block;

	(void)state;
	elements_pack(&out, HELPER_ADD, "s.x.4", &set, FAMILY_IPV4);
	block = block_at(&out, 0);
	assert_int_equal(block.op, HELPER_ADD);
	assert_int_equal(block.key_bytes, 4);
	assert_int_equal(block.count, 2);
	assert_string_equal(block.set, "s.x.4");
	assert_int_equal(out.size_bytes, sizeof(block) + sizeof(keys4));
	assert_memory_equal(out.data + sizeof(block), keys4, sizeof(keys4));
	buffer_clear(&out);
	elements_pack(&out, HELPER_DELETE, "s.x.6", &set, FAMILY_IPV6);
	block = block_at(&out, 0);
	assert_int_equal(block.op, HELPER_DELETE);
	assert_int_equal(block.key_bytes, 16);
	assert_int_equal(block.count, 1);
	assert_memory_equal(out.data + sizeof(block), keys6, sizeof(keys6));
}

static void packs_only_the_difference(void **state)
{
	auto_address_set struct address_set from =
		SET("10.0.0.1", "10.0.0.3", "10.0.0.5-10.0.0.9");
	auto_address_set struct address_set to =
		SET("10.0.0.1", "10.0.0.5-10.0.0.8", "10.0.0.20");
	auto_buffer struct buffer out = BUFFER_NULL;
	struct helper_block block;
	size_t added, deleted;

	(void)state;
	elements_pack_difference(&out, "s", &from, &to, FAMILY_IPV4, &added, &deleted);
	assert_int_equal(added, 2);
	assert_int_equal(deleted, 2);
	block = block_at(&out, 0);
	assert_int_equal(block.op, HELPER_DELETE);
	assert_int_equal(block.count, 2);
	block = block_at(&out, sizeof(block) + 16);
	assert_int_equal(block.op, HELPER_ADD);
	assert_int_equal(block.count, 2);
	assert_int_equal(out.size_bytes, 2 * (sizeof(block) + 16));
}

static void packs_nothing_for_equal_sets(void **state)
{
	auto_address_set struct address_set set = SET("10.0.0.1", "2001:db8::/32");
	auto_buffer struct buffer out = BUFFER_NULL;
	size_t added, deleted;

	(void)state;
	elements_pack_difference(&out, "s", &set, &set, FAMILY_IPV6, &added, &deleted);
	assert_int_equal(added + deleted, 0);
	assert_int_equal(out.size_bytes, 0);
}

static void packs_tags(void **state)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	struct helper_block block;

	(void)state;
	elements_pack_tag(&out, "", "0123456789abcdef0123456789abcdef");
	assert_int_equal(out.size_bytes, sizeof(block));
	assert_int_equal(block_at(&out, 0).op, HELPER_TAG_ADD);
	buffer_clear(&out);
	elements_pack_tag(&out, "a", "b");
	assert_int_equal(block_at(&out, 0).op, HELPER_TAG_DELETE);
	assert_string_equal(block_at(&out, 0).set, "a");
	assert_int_equal(block_at(&out, sizeof(block)).op, HELPER_TAG_ADD);
	assert_string_equal(block_at(&out, sizeof(block)).set, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_in_network_order),
		cmocka_unit_test(packs_only_the_difference),
		cmocka_unit_test(packs_nothing_for_equal_sets),
		cmocka_unit_test(packs_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
