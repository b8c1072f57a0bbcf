/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files, bounded. */
#pragma once

#include <stddef.h>

/**
 * file_read() - Read a regular file, or a pipe to its end
 * @path:      "-" reads standard input
 * @max_bytes: a larger file is refused before it is read whole
 * @ret:       NUL-terminated; set on success only, the caller frees it
 *
 * Return: 0, -EFBIG when larger than @max_bytes, -EISDIR, -ENOMEM, or what open(2) and
 * read(2) give.
 */
int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_bytes);

/**
 * file_replace() - Write a file so that a reader sees the old or the new one, never a
 * part
 * @path: written as PATH.new, synced, and renamed over; mode 0600
 *
 * Return: 0 or -errno.
 */
int file_replace(const char *path, const void *data, size_t size_bytes);

/** file_write_all() - Write it all, also where write(2) takes it in parts. Return: 0 or
 * -errno. */
int file_write_all(int fd, const void *bytes, size_t size_bytes);
