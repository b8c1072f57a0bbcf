/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/elements.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/buffer.h"
#include "compile/span.h"

static void pack_header(struct buffer *out, enum helper_element_op op,
			uint32_t key_bytes, size_t count, const char *name)
{
	struct helper_block block = {
		.op = (uint32_t)op,
		.key_bytes = key_bytes,
		.count = (uint32_t)count,
	};
	size_t length = strlen(name);

	assert(length < sizeof(block.set) && count <= UINT32_MAX);
	memcpy(block.set, name, length);
	buffer_add(out, &block, sizeof(block));
}

static void pack_key(struct buffer *out, enum family family, uint128_t value)
{
	if (family == FAMILY_IPV4) {
		uint32_t key = htonl((uint32_t)value);

		buffer_add(out, &key, sizeof(key));
	} else {
		uint64_t key[2] = { htobe64((uint64_t)(value >> 64)),
				    htobe64((uint64_t)value) };

		buffer_add(out, key, sizeof(key));
	}
}

/* Two keys are 8 or 32 bytes, so a block never needs padding. */
static void pack_span(struct buffer *out, enum family family, struct span span)
{
	pack_key(out, family, span.first);
	pack_key(out, family, span.last);
}

static uint32_t key_bytes(enum family family)
{
	return family == FAMILY_IPV4 ? 4 : 16;
}

void elements_pack(struct buffer *out, enum helper_element_op op, const char *set_name,
		   const struct address_set *set, enum family family)
{
	size_t count = set_span_count(set, family);

	pack_header(out, op, key_bytes(family), count, set_name);
	for (size_t i = 0; i < count; i++)
		pack_span(out, family, set_span(set, family, i));
}

/* Hand over the ranges of @a that are not, just so, in @b. */
static size_t pack_missing(struct buffer *out, const struct address_set *a,
			   const struct address_set *b, enum family family)
{
	size_t j = 0, count = 0, count_b = set_span_count(b, family);

	for (size_t i = 0; i < set_span_count(a, family); i++) {
		struct span span = set_span(a, family, i);

		while (j < count_b && set_span(b, family, j).first < span.first)
			j++;
		if (j < count_b && span_equal(set_span(b, family, j), span))
			continue;
		if (out)
			pack_span(out, family, span);
		count++;
	}
	return count;
}

static size_t pack_block(struct buffer *out, enum helper_element_op op,
			 const char *set_name, const struct address_set *of,
			 const struct address_set *without, enum family family)
{
	size_t count = pack_missing(NULL, of, without, family);

	if (count) {
		pack_header(out, op, key_bytes(family), count, set_name);
		pack_missing(out, of, without, family);
	}
	return count;
}

void elements_pack_difference(struct buffer *out, const char *set_name,
			      const struct address_set *from,
			      const struct address_set *to, enum family family,
			      size_t *added, size_t *deleted)
{
	*deleted = pack_block(out, HELPER_DELETE, set_name, from, to, family);
	*added = pack_block(out, HELPER_ADD, set_name, to, from, family);
}

void elements_pack_tag(struct buffer *out, const char *from, const char *to)
{
	if (*from)
		pack_header(out, HELPER_TAG_DELETE, 0, 0, from);
	pack_header(out, HELPER_TAG_ADD, 0, 0, to);
}
