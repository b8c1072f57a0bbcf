/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One attempt to bring a policy into force, as a job: what it is lent, what it found.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/candidate.h"
#include "agent/enforce.h"
#include "agent/link.h"
#include "agent/numbers.h"
#include "agent/worker.h"

struct call;

enum apply_end {
	APPLY_DONE,    /* enforced, or checked */
	APPLY_REFUSED, /* the policy has errors, see @faults */
	APPLY_NO_LINK, /* the helper is not there, or went before it said how it ended
			*/
	APPLY_KERNEL,  /* the helper or the kernel refused */
	APPLY_FAILED,  /* files or memory of our own, see @problem */
	APPLY_DROPPED, /* did not run */
};

struct apply {
	struct job job;
	struct apply *next;
	void *owner;
	struct call *call; /* not touched by the job */

	/* what is asked; owned */
	char *text; /* NULL: read @path */
	size_t text_bytes;
	char *path, *directory;
	bool dry_run;
	bool given;      /* the text came from a caller */
	bool again;      /* it is what is in force, once more */
	bool afresh;     /* somebody asked: see struct candidate */
	bool *feeds_due; /* with @again: see struct candidate_source; or NULL */

	/* lent for as long as the job runs */
	struct link *link;
	const struct candidate *committed; /* or NULL: it is looked for on the disk */
	struct numbers_file *numbers;
	const char *committed_path, *feeds_path;

	/* handed over and back */
	struct numbering *numbering; /* a copy, with what was added */

	/* what came of it; owned */
	enum apply_end end;
	unsigned int made; /* the link that was used last, see struct link */
	struct candidate *candidate;
	/* Found on the disk, and true: the kernel bears its tag. */
	struct candidate *recovered;
	bool bears; /* without @committed: the kernel has rules of an earlier life */
	struct faults faults;
	struct enforcement report;
	char problem[512];      /* a sentence unless APPLY_DONE or APPLY_REFUSED */
	bool numbers_used;      /* @numbering may be on the disk and in the kernel */
	int numbers_error;      /* then: 0, or why they could not be written */
	char keep_problem[160]; /* enforced, but not kept for the next life; or "" */
};

/** apply_run() - The job. */
void apply_run(struct job *job);

void apply_free(struct apply *apply);
