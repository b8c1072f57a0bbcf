/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults as a person reads them: place, sentence, the line, a caret. */
#include <string.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/text.h"

enum {
	INDENT = 4,
	LINE_BYTES_MAX = 256 * 1024, /* a longer line is not shown at all */
	SHOWN_MAX = 160,             /* characters of a line */
	BEFORE_CARET = 100,          /* of those at most so many before the caret */
	BYTE_ORDER_MARK_BYTES = 3,
};

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define MAGENTA "\033[1;35m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"

struct view {
	const char *path;
	const char *source;
	size_t size_bytes;
	bool color;
	/* Faults come sorted, so the walk goes on at the last line that was shown: its
	 * number, 0 before the first, its beginning and its size. */
	uint32_t line;
	size_t offset;
	size_t line_bytes;
};

/* Line breaks are those of YAML 1.1, since its positions count them. Return: bytes. */
static size_t line_break(const char *text, size_t size_bytes)
{
	uint32_t character;
	size_t size = text_decode(text, size_bytes, &character);

	if (character == '\r' && size_bytes > 1 && text[1] == '\n')
		return 2;
	return text_breaks_line(character) ? size : 0;
}

static size_t line_bytes(const char *text, size_t size_bytes)
{
	size_t used = 0;

	while (used < size_bytes && !line_break(text + used, size_bytes - used)) {
		uint32_t character;

		used += text_decode(text + used, size_bytes - used, &character);
	}
	return used;
}

static bool next_line(struct view *view)
{
	size_t offset = 0;

	if (view->line > 0) {
		offset = view->offset + view->line_bytes;
		if (offset == view->size_bytes)
			return false;
		offset += line_break(view->source + offset, view->size_bytes - offset);
	}
	view->offset = offset;
	view->line_bytes = line_bytes(view->source + offset, view->size_bytes - offset);
	view->line++;
	return true;
}

/* Return: whether the source has that line; then it is @view->offset and
 * @view->line_bytes. */
static bool seek_line(struct view *view, uint32_t line)
{
	if (!view->source || line == 0)
		return false;
	if (line < view->line)
		view->line = 0;
	while (view->line < line && next_line(view))
		;
	return view->line == line;
}

static void show_character(const char *text, size_t size, uint32_t character,
			   struct buffer *out)
{
	if (character == '\t')
		buffer_text(out, " ");
	else if (text_printable(character))
		buffer_add(out, text, size);
	else
		buffer_text(out, "?");
}

/* Shows characters @first to @first + SHOWN_MAX of the line. */
static void show_line(const char *text, size_t size_bytes, uint32_t first,
		      struct buffer *out)
{
	uint32_t number = 1;

	buffer_text(out, first > 1 ? "..." : "");
	while (size_bytes > 0 && number < first + SHOWN_MAX) {
		uint32_t character;
		size_t size = text_decode(text, size_bytes, &character);

		if (number >= first)
			show_character(text, size, character, out);
		text += size;
		size_bytes -= size;
		number++;
	}
	buffer_text(out, size_bytes > 0 ? "...\n" : "\n");
}

static uint32_t count_characters(const char *text, size_t size_bytes)
{
	uint32_t count = 0;

	while (size_bytes > 0) {
		uint32_t character;
		size_t size = text_decode(text, size_bytes, &character);

		text += size;
		size_bytes -= size;
		count++;
	}
	return count;
}

static void show_source(struct view *view, struct position position, struct buffer *out)
{
	uint32_t column = position.column;
	uint32_t first = 1;
	uint32_t indent = INDENT;
	const char *text;
	size_t size;

	if (!seek_line(view, position.line))
		return;
	text = view->source + view->offset;
	size = view->line_bytes;
	if (size == 0 || size > LINE_BYTES_MAX)
		return;
	if (column > count_characters(text, size) + 1)
		column = count_characters(text, size) + 1;
	if (column > SHOWN_MAX) {
		first = column - BEFORE_CARET;
		indent += 3;
	}
	buffer_printf(out, "%*s", INDENT, "");
	show_line(text, size, first, out);
	if (column == 0)
		return;
	indent += column - first;
	buffer_printf(out, "%*s%s^%s\n", (int)indent, "", view->color ? GREEN : "",
		      view->color ? PLAIN : "");
}

static void show_fault(struct view *view, const struct fault *fault, struct buffer *out)
{
	const char *word = fault->warning ? "warning" : "error";

	buffer_text(out, view->color ? BOLD : "");
	buffer_text(out, view->path);
	if (fault->position.line > 0)
		buffer_printf(out, ":%u", fault->position.line);
	if (fault->position.line > 0 && fault->position.column > 0)
		buffer_printf(out, ":%u", fault->position.column);
	if (view->color)
		buffer_printf(out, ": %s%s:" PLAIN " " BOLD "%s" PLAIN "\n",
			      fault->warning ? MAGENTA : RED, word, fault->text);
	else
		buffer_printf(out, ": %s: %s\n", word, fault->text);
	show_source(view, fault->position, out);
}

void faults_render(const struct faults *faults, const char *path, const char *source,
		   size_t source_bytes, bool color, struct buffer *out)
{
	char shown_path[4096];
	struct view view = { .path = shown_path, .color = color };

	if (source && source_bytes >= BYTE_ORDER_MARK_BYTES &&
	    memcmp(source, "\xef\xbb\xbf", BYTE_ORDER_MARK_BYTES) == 0) {
		source += BYTE_ORDER_MARK_BYTES;
		source_bytes -= BYTE_ORDER_MARK_BYTES;
	}
	view.source = source;
	view.size_bytes = source_bytes;
	text_copy_printable(shown_path, sizeof(shown_path), path);
	for (size_t i = 0; i < faults->count; i++)
		show_fault(&view, &faults->list[i], out);
	if (faults->left_out > 0)
		buffer_printf(out, "%s: %zu more not shown\n", shown_path,
			      faults->left_out);
}
