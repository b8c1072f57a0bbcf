/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans that can be asked which of them overlap another: a treap of intervals. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/span.h"

struct overlap_node;

struct overlap_index {
	struct overlap_node *root;
};

/** overlap_add() - Add a span with what stands for it. Return: 0 or -ENOMEM. */
int overlap_add(struct overlap_index *index, struct arena *arena, struct span span,
		uint32_t item);

/**
 * overlap_visit() - Hand over the items whose spans overlap
 * @on_item: a false return ends the visit
 *
 * Return: whether it ran to its end.
 */
bool overlap_visit(const struct overlap_index *index, struct span span,
		   bool (*on_item)(uint32_t item, void *context), void *context);
