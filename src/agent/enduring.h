/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was enforced last, on disk: so that a new life of the agent knows what the
 * kernel holds, and can send the difference. */
#pragma once

#include "agent/candidate.h"

/**
 * enduring_write() - Keep a candidate that was enforced
 * @path:  of the file
 * @feeds: directory for copies of its feeds
 * @previous: what was kept before, or NULL
 *
 * Return: 0 or -errno.
 */
int enduring_write(struct candidate *candidate, const char *path, const char *feeds,
		   const struct candidate *previous);

/**
 * enduring_read() - Make the candidate again
 * @numbering: numbers are taken from it
 * @ret:       set on success only; it compiled to the very image that was enforced
 *
 * Return: 0, -ENOENT when nothing is kept, -ESTALE when what is kept gives another
 * image (another version, or another time of the year), -EINVAL, or -errno.
 */
int enduring_read(const char *path, const char *feeds, struct numbering *numbering,
		  struct candidate **ret);
