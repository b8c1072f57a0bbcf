/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/digest.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "compile/span.h"

void digest_init(struct digest *digest)
{
	SHA256Init(&digest->context);
}

void digest_add(struct digest *digest, const void *data, size_t size_bytes)
{
	SHA256Update(&digest->context, data, size_bytes);
}

void digest_text(struct digest *digest, const char *text)
{
	digest_add(digest, text, strlen(text) + 1);
}

static void add_number(struct digest *digest, uint64_t number)
{
	number = htobe64(number);
	digest_add(digest, &number, sizeof(number));
}

void digest_ranges(struct digest *digest, const struct address_set *set,
		   enum family family)
{
	size_t count = set_span_count(set, family);

	add_number(digest, (uint64_t)family);
	add_number(digest, count);
	for (size_t i = 0; i < count; i++) {
		struct span span = set_span(set, family, i);

		add_number(digest, (uint64_t)(span.first >> 64));
		add_number(digest, (uint64_t)span.first);
		add_number(digest, (uint64_t)(span.last >> 64));
		add_number(digest, (uint64_t)span.last);
	}
}

char *digest_finish(struct digest *digest, char out[static DIGEST_DIGITS + 1])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256Final(hash, &digest->context);
	for (size_t i = 0; i < DIGEST_DIGITS / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	return out;
}
