/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bring the kernel to what a policy asks, over the wall. Used by the agent on the host
 * and by `vigil check` in a namespace, so both do the same.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "agent/candidate.h"

struct enforcement {
	size_t elements_added, elements_deleted;
	bool rules_changed;
	bool was_in_force; /* nothing had to be sent */
	char problem[512]; /* a sentence when it failed */
};

/**
 * enforce() - Make the kernel hold @candidate's image
 * @helper:    connection after helper_hello()
 * @candidate: compiled again with other generations of its feeds where the kernel asks
 *             for it
 * @committed: what was enforced last, or NULL when that is not known. It is believed
 *             only where the kernel's table bears its tag, so a table that somebody
 *             removed or changed is put back
 *
 * Return: 0, or -errno with @report->problem (-ECONNRESET, -EPROTO, -ETIMEDOUT: the
 * connection is of no more use); then the kernel enforces what it did before, unless
 * enforced_or_not().
 */
int enforce(int helper, struct candidate *candidate, const struct candidate *committed,
	    struct numbering *numbering, struct enforcement *report);

/** enforced_or_not() - Whether an error of enforce() leaves open what the kernel holds:
 * enforced_tag() tells. */
bool enforced_or_not(int error);

/**
 * enforced_tag() - The tag of what the kernel holds now
 * @tag: "" when there is no table, or none of Vigil's making
 *
 * Return: as enforce().
 */
int enforced_tag(int helper, char tag[static 33], struct enforcement *report);
