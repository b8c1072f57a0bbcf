/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A byte buffer that grows. The first failure sticks, so one check at the end is
 * enough. */
#pragma once

#include <stddef.h>

struct buffer {
	char *data; /* NUL-terminated once anything was added, else NULL */
	size_t size_bytes;
	size_t capacity_bytes;
	int error; /* 0 or -ENOMEM */
};

#define BUFFER_NULL                                                                    \
	{                                                                              \
		0                                                                      \
	}

void buffer_add(struct buffer *buffer, const void *data, size_t size_bytes);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** buffer_clear() - Forget the contents and the error, keep the memory. */
void buffer_clear(struct buffer *buffer);

/** buffer_done() - Release the memory; the buffer is empty again. */
void buffer_done(struct buffer *buffer);

/**
 * buffer_take() - The contents as a string that the caller frees
 * @ret: set on success only; never NULL then
 *
 * Return: 0, or -ENOMEM when any addition had failed (the buffer is then released).
 */
int buffer_take(struct buffer *buffer, char **ret, size_t *ret_bytes);

#define auto_buffer __attribute__((cleanup(buffer_done)))
