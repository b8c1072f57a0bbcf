/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two policies held against each other. */
#pragma once

#include "cli/arguments.h"
#include "cli/draft.h"
#include "diagram/difference.h"
#include "diagram/revision.h"

/* One of the two, with what is known of its feeds. */
struct plan_side {
	struct draft draft;
	char *path; /* of the policy in force, as the agent tells; else NULL */
	struct policy *policy;     /* of the policy in force; else the candidate's */
	struct address_set *feeds; /* the same */
	bool *feeds_known;
	struct diagram_input input;
};

struct plan {
	struct plan_side sides[2]; /* old and new */
	struct revision revision;
	struct difference *difference;
	bool all; /* also what is decided the same by another rule */
	char problem[512];
};

/**
 * plan_make() - Read both, and compare
 * @ret: zeroed before; release with plan_done(), also on failure
 *
 * Return: 0; -EINVAL with faults in a draft or with @ret->problem; -ENOMEM.
 */
int plan_make(const struct arguments *arguments, struct plan *ret);
void plan_done(struct plan *plan);

/** plan_name() - A side's name for people. */
const char *plan_name(const struct plan_side *side);

/** plan_changes() - Whether anything differs, as far as it could be compared. */
bool plan_changes(const struct plan *plan);
