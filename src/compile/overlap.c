/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/overlap.h"

#include <errno.h>

struct overlap_node {
	struct span span;
	uint128_t highest; /* end of any span in this subtree */
	struct overlap_node *left;
	struct overlap_node *right;
	uint32_t item;
	uint32_t priority; /* highest at the root */
};

/* Scatter the items, always in the same way, so that the tree is balanced. */
static uint32_t scatter(uint32_t item)
{
	item = (item ^ item >> 16) * 0x7feb352du;
	item = (item ^ item >> 15) * 0x846ca68bu;
	return item ^ item >> 16;
}

static void update(struct overlap_node *node)
{
	node->highest = node->span.last;
	if (node->left && node->left->highest > node->highest)
		node->highest = node->left->highest;
	if (node->right && node->right->highest > node->highest)
		node->highest = node->right->highest;
}

static struct overlap_node *rotate_right(struct overlap_node *node)
{
	struct overlap_node *left = node->left;

	node->left = left->right;
	left->right = node;
	update(node);
	update(left);
	return left;
}

static struct overlap_node *rotate_left(struct overlap_node *node)
{
	struct overlap_node *right = node->right;

	node->right = right->left;
	right->left = node;
	update(node);
	update(right);
	return right;
}

static struct overlap_node *insert(struct overlap_node *root, struct overlap_node *node)
{
	if (!root)
		return node;
	if (node->span.first < root->span.first) {
		root->left = insert(root->left, node);
		if (root->left->priority > root->priority)
			return rotate_right(root);
	} else {
		root->right = insert(root->right, node);
		if (root->right->priority > root->priority)
			return rotate_left(root);
	}
	update(root);
	return root;
}

int overlap_add(struct overlap_index *index, struct arena *arena, struct span span,
		uint32_t item)
{
	struct overlap_node *node = arena_alloc(arena, sizeof(*node));

	if (!node)
		return -ENOMEM;
	*node = (struct overlap_node){ .span = span,
				       .highest = span.last,
				       .item = item,
				       .priority = scatter(item) };
	index->root = insert(index->root, node);
	return 0;
}

static bool visit(const struct overlap_node *node, struct span span,
		  bool (*on_item)(uint32_t item, void *context), void *context)
{
	while (node && node->highest >= span.first) {
		if (!visit(node->left, span, on_item, context))
			return false;
		if (node->span.first > span.last)
			return true;
		if (node->span.last >= span.first && !on_item(node->item, context))
			return false;
		node = node->right;
	}
	return true;
}

bool overlap_visit(const struct overlap_index *index, struct span span,
		   bool (*on_item)(uint32_t item, void *context), void *context)
{
	return visit(index->root, span, on_item, context);
}
