/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/report.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "cli/terminal.h"

static int add_piece(const char *data, size_t size_bytes, void *out)
{
	buffer_add(out, data, size_bytes);
	return 0;
}

int report_json(json_t *answer)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	if (!answer)
		return terminal_no_memory();
	json_dump_callback(answer, add_piece, &out, JSON_INDENT(2));
	json_decref(answer);
	buffer_text(&out, "\n");
	return terminal_write(&out);
}
