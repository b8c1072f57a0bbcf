/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was edited between two policies: rules, groups, zones and the rest, by name. */
#pragma once

#include "diagram/space.h"

enum edit_kind { EDIT_ADDED, EDIT_REMOVED, EDIT_CHANGED, EDIT_MOVED };

struct edit {
	enum edit_kind kind;
	const char *what; /* "rule", "group", "zone", "feed", "forward", ... */
	const char *name; /* "" where there is only one of it */
	uint32_t line;    /* of the new policy, of the old one where it was removed; 0
			     for none */
	const char **details; /* sentences */
	size_t detail_count;
};

struct revision {
	struct arena arena;
	struct edit *edits; /* rules first */
	size_t count;
};

/**
 * revision_find() - Compare two policies by what is written in them
 * @inputs: the old and the new one, borrowed
 * @ret:    release with revision_done(), also on failure; borrows names of the policies
 *
 * Return: 0 or -ENOMEM.
 */
int revision_find(const struct diagram_input inputs[2], struct revision *ret);
void revision_done(struct revision *revision);

#define auto_revision __attribute__((cleanup(revision_done)))

struct buffer;

/** revision_rule() - A rule on one line: "allow tcp 22 from wan (group ops) to host".
 * Return: 0 or -ENOMEM. */
int revision_rule(const struct policy *policy, const struct rule *rule,
		  struct buffer *out);

/** revision_limit() - "5/minute, burst 5, per source"; nothing without a limit. */
void revision_limit(const struct rule *rule, struct buffer *out);
