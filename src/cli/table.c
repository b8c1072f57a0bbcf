/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"

enum { GAP = 2, FOLD_INDENT = 2, TURN_MAX = 15 };

struct cell {
	const char *text;
	size_t width;
	enum cell_style style;
};

struct table {
	struct arena arena;
	const struct column *columns;
	size_t column_count;
	struct cell *cells;
	size_t cell_count;
	bool failed;
};

struct table *table_new(const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	assert(count <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < count; i++)
		assert(columns[i].give <= TURN_MAX);
	if (table) {
		table->columns = columns;
		table->column_count = count;
	}
	return table;
}

void table_free(struct table *table)
{
	if (table)
		arena_done(&table->arena);
	free(table);
}

void table_cell(struct table *table, enum cell_style style, const char *text)
{
	size_t width = strlen(text);
	char *copy = arena_strndup(&table->arena, text, width);
	struct cell *cell = arena_grow(&table->arena, &table->cells, table->cell_count,
				       sizeof(*cell));

	if (!copy || !cell) {
		table->failed = true;
		return;
	}
	for (char *c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	*cell = (struct cell){ .text = copy, .width = width, .style = style };
	table->cell_count++;
}

void table_cell_printf(struct table *table, enum cell_style style, const char *format,
		       ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_cell(table, style, text);
}

/* --- layout ---------------------------------------------------------------------- */

enum place { PLACE_SHOWN, PLACE_FOLDED, PLACE_LEFT_OUT };

struct layout {
	size_t widths[TABLE_COLUMNS_MAX];
	enum place places[TABLE_COLUMNS_MAX];
};

static size_t row_count(const struct table *table)
{
	return table->cell_count / table->column_count;
}

static const struct cell *cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->column_count + column];
}

static size_t natural_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title);

	for (size_t row = 0; row < row_count(table); row++)
		if (cell_at(table, row, column)->width > width)
			width = cell_at(table, row, column)->width;
	return width;
}

static size_t total_width(const struct table *table, const struct layout *layout)
{
	size_t total = 0;

	for (size_t i = 0; i < table->column_count; i++)
		if (layout->places[i] == PLACE_SHOWN)
			total += layout->widths[i] + (total ? GAP : 0);
	return total;
}

static void fold(struct layout *layout, size_t column)
{
	size_t needed = layout->widths[column] + FOLD_INDENT;

	assert(column > 0);
	layout->places[column] = PLACE_FOLDED;
	if (layout->widths[column - 1] < needed)
		layout->widths[column - 1] = needed;
}

static void give_way(const struct table *table, struct layout *layout, size_t column,
		     size_t excess)
{
	const struct column *spec = &table->columns[column];
	size_t *width = &layout->widths[column];

	if (spec->fold)
		fold(layout, column);
	else if (!spec->minimum)
		layout->places[column] = PLACE_LEFT_OUT;
	else if (*width > spec->minimum)
		*width = *width > excess + spec->minimum ? *width - excess
							 : spec->minimum;
}

/* A step that won much may leave room that an earlier one gave up for less. */
static void take_back(const struct table *table, struct layout *layout, size_t column,
		      size_t room)
{
	size_t natural = natural_width(table, column);
	size_t *width = &layout->widths[column];

	if (layout->places[column] == PLACE_LEFT_OUT && natural + GAP <= room)
		layout->places[column] = PLACE_SHOWN;
	else if (layout->places[column] == PLACE_SHOWN && *width < natural)
		*width = natural - *width > room ? *width + room : natural;
}

/* Columns give way until it fits, those with the lowest turn first. */
static void shrink(const struct table *table, size_t width, struct layout *layout)
{
	for (unsigned int turn = 1; turn <= TURN_MAX; turn++)
		for (size_t i = 0; i < table->column_count; i++) {
			size_t total = total_width(table, layout);

			if (total > width && table->columns[i].give == turn)
				give_way(table, layout, i, total - width);
		}
}

static void grow(const struct table *table, size_t width, struct layout *layout)
{
	for (unsigned int turn = TURN_MAX; turn >= 1; turn--)
		for (size_t i = 0; i < table->column_count; i++) {
			size_t total = total_width(table, layout);

			if (total < width && table->columns[i].give == turn)
				take_back(table, layout, i, width - total);
		}
}

static void lay_out(const struct table *table, size_t width, struct layout *ret)
{
	*ret = (struct layout){ 0 };
	for (size_t i = 0; i < table->column_count; i++)
		ret->widths[i] = natural_width(table, i);
	if (width == 0)
		return;
	shrink(table, width, ret);
	grow(table, width, ret);
}

/* --- writing --------------------------------------------------------------------- */

static const char *style_start(enum cell_style style)
{
	switch (style) {
	case STYLE_GOOD:
		return "\033[32m";
	case STYLE_BAD:
		return "\033[31m";
	case STYLE_FAINT:
		return "\033[2m";
	case STYLE_PLAIN:
	default:
		return "";
	}
}

/* A line under way: blanks are owed and only paid before text, so no line ends in one.
 */
struct line {
	struct buffer *out;
	size_t owed;
};

static void put(struct line *line, const char *text, size_t width, const char *start)
{
	if (width == 0)
		return;
	buffer_printf(line->out, "%*s", (int)line->owed, "");
	line->owed = 0;
	buffer_text(line->out, start);
	buffer_add(line->out, text, width);
	if (*start)
		buffer_text(line->out, "\033[0m");
}

static void put_cell(struct line *line, const char *text, size_t width, bool right,
		     const char *start)
{
	size_t length = strlen(text);
	/* "~" stands for what was cut off. */
	bool cut = length > width;
	size_t shown = cut ? width - 1 : length;
	size_t blanks = width - shown - cut;

	if (right)
		line->owed += blanks;
	put(line, text, shown, start);
	put(line, "~", cut, start);
	if (!right)
		line->owed += blanks;
}

static void end_line(struct line *line)
{
	buffer_text(line->out, "\n");
	line->owed = 0;
}

/* Header or row: @row is counted from 0, or negative for the titles. */
static void render_line(const struct table *table, const struct layout *layout,
			ptrdiff_t row, bool color, enum place place, struct line *line)
{
	bool any = false;

	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *spec = &table->columns[i];
		const struct cell *cell =
			row < 0 ? NULL : cell_at(table, (size_t)row, i);
		const char *start = cell ? style_start(cell->style) : "\033[1m";
		bool under = i + 1 < table->column_count &&
			     layout->places[i + 1] == PLACE_FOLDED;

		if (layout->places[i] != PLACE_SHOWN)
			continue;
		if (any)
			line->owed += GAP;
		any = true;
		if (place == PLACE_FOLDED && !under) {
			line->owed += layout->widths[i];
			continue;
		}
		if (place == PLACE_FOLDED) {
			line->owed += FOLD_INDENT;
			cell = row < 0 ? NULL : cell_at(table, (size_t)row, i + 1);
			spec = &table->columns[i + 1];
		}
		put_cell(line, cell ? cell->text : spec->title,
			 layout->widths[i] - (place == PLACE_FOLDED ? FOLD_INDENT : 0),
			 spec->right, color ? start : "");
	}
	end_line(line);
}

int table_render(const struct table *table, size_t width, bool color,
		 struct buffer *out)
{
	struct line line = { .out = out };
	struct layout layout;
	bool folded = false;

	if (table->failed)
		return -ENOMEM;
	assert(table->cell_count % table->column_count == 0);
	if (table->cell_count == 0)
		return 0;
	lay_out(table, width, &layout);
	for (size_t i = 0; i < table->column_count; i++)
		folded = folded || layout.places[i] == PLACE_FOLDED;
	for (ptrdiff_t row = -1; row < (ptrdiff_t)row_count(table); row++) {
		render_line(table, &layout, row, color, PLACE_SHOWN, &line);
		if (folded)
			render_line(table, &layout, row, color, PLACE_FOLDED, &line);
	}
	return out->error;
}
