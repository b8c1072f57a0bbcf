/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feed files: one address, prefix or range a line, `#` and `;` begin a comment. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "policy/policy.h"

enum {
	FEED_BYTES_MAX = 256 * 1024 * 1024,
	FEED_BAD_LINES_SHOWN = 10,
};

/* What reading a feed found. */
struct feed_report {
	size_t entries;   /* good lines */
	size_t merged;    /* entries that went into others */
	size_t bad_lines; /* lines that were skipped; 0 when the list is refused for
			     them */
	struct {
		uint32_t line;
		char text[64]; /* printable, cut */
	} bad[FEED_BAD_LINES_SHOWN];
	size_t removed_by_never; /* ranges before minus ranges after, when positive,
				    else 0 */
	char problem[160];       /* why it was refused; empty when it was read */
};

/**
 * feed_read() - Read a feed's text in one pass
 * @feed:   its bounds and what it must never hold
 * @ret:    finished; set on success only; release with address_set_done()
 * @report: always set
 *
 * A broken line is skipped, counted and reported. More than 1,000 broken lines that are
 * also more than 10% of all, or more than @feed->max_entries entries, or no entry at
 * all without @feed->allow_empty, refuse the whole feed.
 *
 * Return: 0, -EINVAL (see @report->problem) or -ENOMEM.
 */
int feed_read(const struct feed *feed, const char *text, size_t size_bytes,
	      struct address_set *ret, struct feed_report *report);

/**
 * feed_load() - The same from its file
 * @directory: of the policy file; a relative feed->file begins there
 *
 * Return: as feed_read(), or -errno of opening and reading (then @report->problem says
 * it in words).
 */
int feed_load(const struct feed *feed, const char *directory, struct address_set *ret,
	      struct feed_report *report);
