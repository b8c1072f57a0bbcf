/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy with all that it needs to be compiled, and the image that came of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "compile/compile.h"
#include "policy/feed.h"
#include "policy/policy.h"

struct candidate {
	char *text; /* of the policy file */
	size_t text_bytes;
	char *path; /* where it came from, for people */
	char *directory;
	struct policy *policy;
	struct address_set *feeds; /* one a policy feed, as of all arrays below */
	struct feed_report *feed_reports;
	uint32_t *feed_generations;
	uint32_t static_generation; /* of all other sets */
	int64_t *feed_times; /* when the contents were read from the feed's own file, in
				seconds since 1970; 0 when they never were */
	bool *feeds_kept;    /* their copies are on the disk */
	int32_t utc_offset_s;
	bool plain;
	bool afresh; /* rules are sent also where the kernel bears the tag: somebody
			asked */
	struct image *image;
};

/* What to make a candidate of. All is borrowed. */
struct candidate_source {
	const char *text; /* of the policy file, any bytes */
	size_t text_bytes;
	const char *path;
	const char *directory;  /* where relative feed files begin; "." for here */
	const char *feed_cache; /* directory with the last good feeds, or NULL */
	bool feeds_from_cache;  /* read nothing but that directory */
	const bool
		*feeds_due; /* by feed of the policy: false for one that is taken from
			       @previous if it is there; NULL: all are read */
	const struct candidate *previous; /* what is in force, or NULL: gives last good
					     contents and generations of feeds */
	bool plain;                       /* leave the optimiser out */
	bool without_feeds; /* all are empty: their files need not be here */
};

/**
 * candidate_read() - Read, check and compile
 * @numbering: numbers are taken from it and added to it, also on failure
 * @ret:       set on success only; free with candidate_free()
 * @faults:    errors and warnings, those about feeds among them (at the feed's
 *             position), sorted
 *
 * Return: 0, -EINVAL with @faults, or -ENOMEM.
 */
int candidate_read(const struct candidate_source *source, struct numbering *numbering,
		   struct candidate **ret, struct faults *faults);

/**
 * candidate_compile() - Make the image anew, after generations or the clock changed
 *
 * Return: as compile_policy(); on failure the old image stays.
 */
int candidate_compile(struct candidate *candidate, struct numbering *numbering,
		      struct faults *faults);

/**
 * candidate_keep_feeds() - Write copies of the feeds for the next life of the agent
 * @directory: the one that is given as feed_cache later
 * @previous:  a feed that is equal in it and was written is not written again; or NULL
 *
 * Return: 0, or -errno of the first copy that could not be written.
 */
int candidate_keep_feeds(struct candidate *candidate, const char *directory,
			 const struct candidate *previous);

/** candidate_find_feed() - Return: the index of the feed of that name, or -1. */
long candidate_find_feed(const struct candidate *candidate, const char *name);

/** candidate_utc_offset() - Return: local time minus UTC at this moment, in seconds. */
int32_t candidate_utc_offset(void);

void candidate_free(struct candidate *candidate);

static inline void candidate_cleanup(struct candidate **candidate)
{
	candidate_free(*candidate);
}

#define auto_candidate __attribute__((cleanup(candidate_cleanup)))
