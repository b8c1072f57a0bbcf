/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names made of contents: the first half of a SHA-256. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sha2.h>

#include "base/address.h"

enum { DIGEST_DIGITS = 32 };

struct digest {
	SHA2_CTX context;
};

void digest_init(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t size_bytes);

/** digest_text() - Add a string with its NUL, so that two do not run together. */
void digest_text(struct digest *digest, const char *text);

/** digest_ranges() - Add how many ranges of one family a set has, and the ranges. */
void digest_ranges(struct digest *digest, const struct address_set *set,
		   enum family family);

/** digest_finish() - The digits and a NUL. Return: @out. */
char *digest_finish(struct digest *digest, char out[static DIGEST_DIGITS + 1]);
