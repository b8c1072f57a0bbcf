/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/report.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/terminal.h"

/* Jansson escapes all that is not ASCII, and C0; "delete" it leaves as it is. Outside
 * of strings there is none. */
static int add_piece(const char *data, size_t size_bytes, void *out)
{
	for (size_t i = 0; i < size_bytes; i++)
		if (data[i] == 0x7f)
			buffer_text(out, "\\u007f");
		else
			buffer_add(out, data + i, 1);
	return 0;
}

void report_add(const json_t *answer, size_t flags, struct buffer *out)
{
	if (!answer ||
	    json_dump_callback(answer, add_piece, out, flags | JSON_ENSURE_ASCII) < 0)
		out->error = -ENOMEM;
}

int report_json(json_t *answer)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	if (!answer)
		return terminal_no_memory();
	report_add(answer, JSON_INDENT(2), &out);
	json_decref(answer);
	buffer_text(&out, "\n");
	return terminal_write(&out);
}

int report_failure(const struct arguments *arguments, const char *problem)
{
	char safe[1024];

	text_copy_printable(safe, sizeof(safe), problem);
	if (arguments_has(arguments, OPTION_JSON))
		report_json(json_pack("{s:s}", "error", safe));
	return terminal_error("%s", safe);
}
