/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"

int numbers_read(struct numbers_file *file, struct numbering *numbering)
{
	auto_free char *text = NULL;
	size_t size_bytes;
	int error =
		file_read_regular(file->path, NUMBERS_BYTES_MAX, &text, &size_bytes);

	if (error)
		return error == -ENOENT ? 0 : error;
	error = numbering_read(numbering, text, size_bytes);
	if (error)
		return error;
	numbers_done(file);
	file->content = take(text);
	file->size_bytes = size_bytes;
	return 0;
}

int numbers_keep(struct numbers_file *file, const struct numbering *numbering)
{
	auto_buffer struct buffer content = BUFFER_NULL;
	int error;

	buffer_text(&content, "");
	numbering_write(numbering, &content);
	if (content.error)
		return content.error;
	if (file->content && file->size_bytes == content.size_bytes &&
	    memcmp(file->content, content.data, content.size_bytes) == 0)
		return 0;
	error = file_replace(file->path, content.data, content.size_bytes);
	if (error)
		return error;
	numbers_done(file);
	return buffer_take(&content, &file->content, &file->size_bytes);
}

void numbers_done(struct numbers_file *file)
{
	free(file->content);
	file->content = NULL;
	file->size_bytes = 0;
}
