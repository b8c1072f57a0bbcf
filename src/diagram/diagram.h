/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where two policies differ, as a decision diagram: a node asks for the class of a
 * packet in one dimension and has an edge for each answer; leaves say who decided
 * before and who decides now. Equal nodes are one, and a node whose edges all lead to
 * one place is left out.
 */
#pragma once

#include "diagram/space.h"

enum {
	NODE_SAME = 0, /* the packet fares the same */
	DIAGRAM_NODES_MAX = 400000,
};

/* Nodes from here on are leaves: number DIAGRAM_LEAF + i is leaf i. */
#define DIAGRAM_LEAF UINT32_C(0x80000000)

struct edge {
	uint32_t node;
	const uint32_t *classes; /* ascending */
	uint32_t class_count;
};

struct node {
	uint8_t dimension;
	uint32_t rest; /* where classes go that no edge has */
	const struct edge *edges;
	uint32_t edge_count;
};

struct leaf {
	uint32_t before; /* deciders of the two lists */
	uint32_t after;
};

struct diagram {
	struct arena arena;
	const struct space *space;
	struct node *nodes; /* number 0 stands for NODE_SAME */
	size_t node_count;
	struct leaf *leaves;
	size_t leaf_count;
	uint32_t root;
};

/**
 * diagram_make() - Compare the two lists of a space
 * @ret: set on success only; free with diagram_free(); borrows @space
 *
 * Return: 0, -ENOMEM, or -E2BIG where it would explode.
 */
int diagram_make(const struct space *space, struct diagram **ret);

void diagram_free(struct diagram *diagram);

static inline void diagram_cleanup(struct diagram **diagram)
{
	diagram_free(*diagram);
}

#define auto_diagram __attribute__((cleanup(diagram_cleanup)))

/** diagram_follow() - Where a packet ends up. @classes: by dimension. Return: a leaf or
 * NODE_SAME. */
uint32_t diagram_follow(const struct diagram *diagram, const uint32_t *classes);
