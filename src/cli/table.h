/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that fit a width. When the cells are too wide together, columns give way in a
 * stated order: they are folded under another, shortened, or left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_FAINT };

struct column {
	const char *title;
	bool right;      /* aligned to the right */
	uint8_t give;    /* the turn at which it gives way, lowest first; 0: never */
	uint8_t minimum; /* giving way is being cut to this width; 0: being left out */
	/* Giving way is going to a line of its own under the column before it. */
	bool fold;
};

enum { TABLE_COLUMNS_MAX = 16 };

struct table;

/** table_new() - @columns: borrowed, at most TABLE_COLUMNS_MAX. Return: it, or NULL. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);

/**
 * table_cell() - The next cell, row by row from the left
 * @text: copied; bytes that are not printable ASCII become '?', so a cell's width is
 *        its length
 */
void table_cell(struct table *table, enum cell_style style, const char *text);
void table_cell_printf(struct table *table, enum cell_style style, const char *format,
		       ...) __attribute__((format(printf, 3, 4)));

struct buffer;

/**
 * table_render() - Lay out and write
 * @width: in characters; 0: as wide as it gets
 * @color: with terminal colours
 *
 * A table without rows writes nothing.
 *
 * Return: 0, or -ENOMEM when a cell did not fit into memory.
 */
int table_render(const struct table *table, size_t width, bool color,
		 struct buffer *out);

static inline void table_cleanup(struct table **table)
{
	table_free(*table);
}

#define auto_table __attribute__((cleanup(table_cleanup)))
