/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of rules on the disk, where they outlive the agent. */
#pragma once

#include <stddef.h>

#include "compile/numbering.h"

enum { NUMBERS_BYTES_MAX = 64 * 1024 * 1024 };

/* The file, and what is known to be in it. */
struct numbers_file {
	const char *path; /* borrowed */
	char *content;    /* owned; NULL for nothing known */
	size_t size_bytes;
};

/**
 * numbers_read() - Add what the file holds to @numbering
 *
 * Return: 0, also when there is no file; -EINVAL or -EFBIG when it holds something
 * else, -ENOMEM, or -errno of opening and reading.
 */
int numbers_read(struct numbers_file *file, struct numbering *numbering);

/**
 * numbers_keep() - Write @numbering, unless it is what the file holds
 *
 * Return: 0 or -errno; then the file is as it was.
 */
int numbers_keep(struct numbers_file *file, const struct numbering *numbering);

void numbers_done(struct numbers_file *file);
