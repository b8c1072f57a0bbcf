/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy with what is known of its feeds. */
#pragma once

#include "policy/policy.h"

struct diagram_input {
	const struct policy *policy;
	const struct address_set
		*feeds;          /* by feed of the policy; NULL: none is known */
	const bool *feeds_known; /* by feed; NULL: all of @feeds */
};

/** input_knows() - Whether what is in a feed is known. */
static inline bool input_knows(const struct diagram_input *input, size_t feed)
{
	return input->feeds && (!input->feeds_known || input->feeds_known[feed]);
}
