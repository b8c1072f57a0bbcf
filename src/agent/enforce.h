/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bring the kernel to what a policy asks, over the wall: read, compile, plan, send.
 * Used by the agent on the host and by `vigil check` in a namespace, so both do the
 * same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "compile/compile.h"
#include "compile/transition.h"
#include "policy/feed.h"
#include "policy/policy.h"

/* A policy with all it needs to be compiled, and its image. */
struct candidate {
	char *text; /* of the policy file */
	size_t text_bytes;
	char *path; /* where it came from, for people */
	struct policy *policy;
	struct address_set *feeds; /* one a policy feed */
	struct feed_report *feed_reports;
	uint32_t *feed_generations;
	struct image *image;
};

/**
 * candidate_read() - Read, check and compile
 * @text:      taken over, also on failure
 * @directory: where relative feed files begin
 * @previous:  what is in force, or NULL: gives the last good contents and the
 * generations of feeds
 * @faults:    errors and warnings, feeds' problems among them (at the feed's position)
 *
 * Return: 0, -EINVAL with @faults, or -ENOMEM.
 */
int candidate_read(char *text, size_t text_bytes, const char *path,
		   const char *directory, const struct candidate *previous,
		   struct numbering *numbering, bool plain, struct candidate **ret,
		   struct faults *faults);

void candidate_free(struct candidate *candidate);

static inline void candidate_cleanup(struct candidate **candidate)
{
	candidate_free(*candidate);
}

#define auto_candidate __attribute__((cleanup(candidate_cleanup)))

struct enforcement {
	size_t elements_added, elements_deleted;
	bool rules_changed;
	char problem[512]; /* a sentence when it failed */
};

/**
 * enforce() - Make the kernel hold @candidate's image
 * @helper:    connection after helper_hello()
 * @committed: what is in force, or NULL when unknown (then the table is listed first)
 *
 * Return: 0, or -errno with @report->problem; then the kernel is as before.
 */
int enforce(int helper, struct candidate *candidate, const struct candidate *committed,
	    struct numbering *numbering, struct enforcement *report);
