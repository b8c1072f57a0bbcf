/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces that two policies tell apart: each atom is a set of interfaces that
 * are in one zone of the old policy and in one of the new.
 */
#pragma once

#include "base/arena.h"
#include "policy/policy.h"

enum { ATOM_NO_ZONE = UINT32_MAX };

struct atom {
	uint32_t zones[2]; /* of the old and the new policy, or ATOM_NO_ZONE */
	char interface[INTERFACE_MAX_CHARS + 1]; /* one of them */
	const char **patterns; /* as the policies write them; none for the rest */
	size_t pattern_count;
};

struct atoms {
	struct atom *items;
	size_t count;
};

/**
 * atoms_make() - All atoms; the one of interfaces in no zone of either comes last
 * @policies: both the same where there is one alone
 * @arena:    what the atoms live in; they borrow names of the policies
 *
 * Return: 0, -ENOMEM, or -E2BIG where there are too many interfaces.
 */
int atoms_make(const struct policy *const policies[2], struct arena *arena,
	       struct atoms *ret);
