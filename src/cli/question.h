/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How vigil explain is asked about a packet of a plan. */
#pragma once

#include <stdbool.h>

#include "diagram/witness.h"
#include "policy/policy.h"

struct buffer;

enum { QUESTION_WORDS_MAX = 7 };

/* The operand and the options with their values. */
struct question {
	char packet[PACKET_TEXT_MAX];
	char in[INTERFACE_MAX_CHARS + 1]; /* "" where it need not be said */
	char out[INTERFACE_MAX_CHARS + 1];
	char at[sizeof("Mon 00:00")];
	const char *words[QUESTION_WORDS_MAX]; /* of this object */
	size_t word_count;
};

/**
 * question_make() - Ask about a packet under @policy
 * @policy: the plan's new one
 * @ret:    its packet is set in any case. It points into itself: not to be copied
 *
 * Return: false where it can't be asked about: an address would have to be in a feed
 * that was not read, or no machine could send such a packet.
 */
bool question_make(const struct witness *witness, const struct policy *policy,
		   struct question *ret);

/**
 * question_write() - As a shell takes it
 * @path: of the policy; NULL for that which is asked about anyway
 */
void question_write(const struct question *question, const char *path,
		    struct buffer *out);
