/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool reserve(struct buffer *buffer, size_t more_bytes)
{
	size_t capacity = buffer->capacity_bytes ? buffer->capacity_bytes : 256;
	char *grown;

	if (buffer->error)
		return false;
	if (more_bytes > SIZE_MAX / 4 - buffer->size_bytes)
		goto fail;
	if (buffer->size_bytes + more_bytes < buffer->capacity_bytes)
		return true;
	while (capacity <= buffer->size_bytes + more_bytes)
		capacity *= 2;
	grown = realloc(buffer->data, capacity);
	if (!grown)
		goto fail;
	buffer->data = grown;
	buffer->capacity_bytes = capacity;
	return true;
fail:
	buffer->error = -ENOMEM;
	return false;
}

void buffer_add(struct buffer *buffer, const void *data, size_t size_bytes)
{
	if (!reserve(buffer, size_bytes))
		return;
	if (size_bytes)
		memcpy(buffer->data + buffer->size_bytes, data, size_bytes);
	buffer->size_bytes += size_bytes;
	buffer->data[buffer->size_bytes] = '\0';
}

void buffer_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0 || !reserve(buffer, (size_t)size))
		return;
	va_start(args, format);
	vsnprintf(buffer->data + buffer->size_bytes, (size_t)size + 1, format, args);
	va_end(args);
	buffer->size_bytes += (size_t)size;
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size_bytes = 0;
	buffer->error = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer)BUFFER_NULL;
}

int buffer_take(struct buffer *buffer, char **ret, size_t *ret_bytes)
{
	buffer_add(buffer, "", 0);
	if (buffer->error) {
		buffer_done(buffer);
		return -ENOMEM;
	}
	if (ret_bytes)
		*ret_bytes = buffer->size_bytes;
	*ret = take(buffer->data);
	buffer_done(buffer);
	return 0;
}
