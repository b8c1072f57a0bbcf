/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name lists of an inventory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct inventory;

/** inventory_add_name() - Append a copy of a name. Return: 0 or -ENOMEM. */
int inventory_add_name(struct inventory *inventory, const char ***names, size_t *count,
		       const char *name);

/** inventory_has() - Whether a sorted list holds a name. */
bool inventory_has(const char *const *names, size_t count, const char *name);

/** inventory_finish() - Sort the lists and find the tag. */
void inventory_finish(struct inventory *inventory);
