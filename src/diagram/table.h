/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers by sums of marks. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct table {
	uint128_t *keys; /* 0: a free place */
	uint32_t *values;
	size_t places; /* a power of two */
	size_t count;
};

/** table_init() - Return: 0 or -ENOMEM; then table_done() is owed as well. */
int table_init(struct table *table);
void table_done(struct table *table);

/** table_find() - Return: the number, until one is added, or NULL. */
const uint32_t *table_find(const struct table *table, uint128_t key);

/** table_add() - @key: not 0. Return: 0 or -ENOMEM. */
int table_add(struct table *table, uint128_t key, uint32_t value);

/** table_clear() - Forget everything, keep the memory. */
void table_clear(struct table *table);
