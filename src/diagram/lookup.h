/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers by sums of marks. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct lookup {
	uint128_t *keys; /* 0: a free place */
	uint32_t *values;
	size_t places; /* a power of two */
	size_t count;
};

/** lookup_init() - Return: 0 or -ENOMEM; then lookup_done() is owed as well. */
int lookup_init(struct lookup *lookup);
void lookup_done(struct lookup *lookup);

/** lookup_find() - Return: the number, until one is added, or NULL. */
const uint32_t *lookup_find(const struct lookup *lookup, uint128_t key);

/** lookup_add() - @key: not 0. Return: 0 or -ENOMEM. */
int lookup_add(struct lookup *lookup, uint128_t key, uint32_t value);

/** lookup_clear() - Forget everything, keep the memory. */
void lookup_clear(struct lookup *lookup);
