/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* A pipe opened without blocking may be empty while its writer still works. */
static bool wait_for_more(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, -1) > 0 || errno == EINTR;
}

int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_bytes)
{
	auto_buffer struct buffer content = BUFFER_NULL;
	auto_fd int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO without a writer must not hang whoever reads a policy. */
	fd = strcmp(path, "-") == 0
		     ? dup(STDIN_FILENO)
		     : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && (size_t)st.st_size > max_bytes)
		return -EFBIG;
	for (;;) {
		char chunk[65536];
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN && wait_for_more(fd))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return buffer_take(&content, ret, ret_bytes);
		if ((size_t)got > max_bytes - content.size_bytes)
			return -EFBIG;
		buffer_add(&content, chunk, (size_t)got);
		if (content.error)
			return content.error;
	}
}

int file_write_all(int fd, const void *bytes, size_t size_bytes)
{
	const char *data = bytes;

	while (size_bytes > 0) {
		ssize_t put = write(fd, data, size_bytes);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		size_bytes -= (size_t)put;
	}
	return 0;
}

int file_replace(const char *path, const void *data, size_t size_bytes)
{
	auto_free char *fresh = NULL;
	auto_fd int fd = -1;
	int error;

	if (asprintf(&fresh, "%s.new", path) < 0) {
		fresh = NULL;
		return -ENOMEM;
	}
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = file_write_all(fd, data, size_bytes);
	if (!error && fsync(fd) < 0)
		error = -errno;
	if (!error && rename(fresh, path) < 0)
		error = -errno;
	if (error)
		unlink(fresh);
	return error;
}
