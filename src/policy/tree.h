/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML document as a tree of nodes that know their place. Used while a policy is
 * read, and gone afterwards. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* An alias shares the node of its anchor, so a node may have several parents, but never
 * itself below it. */
struct node {
	enum node_kind kind;
	bool plain;     /* scalar: written without quotes */
	uint8_t height; /* levels of collections from here down */
	struct position position;
	const char *text; /* scalar: never NULL, holds no NUL but the last */
	/* List: its items. Map: key, value, key, value; keys are scalars and differ. */
	struct node **items;
	size_t count;    /* items of a list, pairs of a map */
	size_t expanded; /* nodes from here down, aliases followed */
};

/**
 * tree_read() - Parse one YAML document
 * @text:   borrowed, may hold any bytes
 * @arena:  owns the nodes
 * @ret:    the root; NULL when the text is an empty document
 * @faults: duplicate keys and the like are noted and reading goes on; an error of
 *          syntax ends it
 *
 * Depth and nodes are bounded by POLICY_DEPTH_MAX and POLICY_NODES_MAX with aliases
 * followed, so a walk over the tree needs no bounds of its own.
 *
 * Return: 0, -EINVAL when nothing could be read (see @faults) or -ENOMEM.
 */
int tree_read(const char *text, size_t size_bytes, struct arena *arena,
	      struct node **ret, struct faults *faults);

/** node_is_null() - Whether a value was left out, or is "~" or "null" without quotes.
 */
bool node_is_null(const struct node *node);

/** node_find() - The value of a key of a map. Return: it or NULL. */
struct node *node_find(const struct node *map, const char *key);
