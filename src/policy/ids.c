/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/ids.h"

#include <string.h>

#include "policy/quote.h"

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text);

	return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static bool reserved(const char *id)
{
	return strncmp(id, "builtin.", 8) == 0 || strncmp(id, "default.", 8) == 0 ||
	       strcmp(id, "ban") == 0 || ends_with(id, ".over");
}

const char *read_id(struct reader *reader, const struct node *node)
{
	const char *id;

	if (!reader_text(reader, node, "an id") || !reader_new_name(reader, node, "id"))
		return NULL;
	if (reserved(node->text)) {
		faults_add(reader->faults, node->position,
			   "id %s is reserved: ids that begin with \"builtin.\" or "
			   "\"default.\", end in \".over\" or are \"ban\" are built in",
			   quote(node->text).text);
		return NULL;
	}
	id = reader_copy(reader, node->text);
	if (id)
		note_id(reader, id, node->position);
	return id;
}

void note_id(struct reader *reader, const char *id, struct position position)
{
	reader_name(reader, &reader->ids,
		    &(struct name){ .text = id, .position = position });
}

void check_ids(struct reader *reader)
{
	const struct name *items;

	if (names_sort(&reader->ids, &reader->scratch) < 0)
		reader->no_memory = true;
	items = reader->ids.items;
	for (size_t i = 1; i < reader->ids.count; i++)
		if (strcmp(items[i].text, items[i - 1].text) == 0)
			faults_add(reader->faults, items[i].position,
				   "id %s is already used in line %u",
				   quote(items[i].text).text,
				   items[i - 1].position.line);
}
