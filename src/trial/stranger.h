/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that a policy has nothing to say about. */
#pragma once

#include <stddef.h>

#include "agent/candidate.h"

enum stranger_kind { STRANGER_SOURCE, STRANGER_DESTINATION, STRANGER_HOST };

/**
 * stranger_find() - An address in no ban, group, feed or rule
 * @number: another one for another number
 *
 * No two kinds give the same one. Where the policy knows all that are looked at, it is
 * one that it knows.
 */
struct address stranger_find(const struct candidate *candidate, enum family family,
			     enum stranger_kind kind, size_t number);
