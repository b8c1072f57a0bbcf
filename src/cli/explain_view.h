/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trial found out about a packet, for people and for programs. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/draft.h"
#include "trial/moment.h"
#include "trial/play.h"

struct buffer;

struct explanation {
	const struct draft *draft;
	const struct packet *packet;
	const struct play *play;
	const struct passage *passage;
	struct moment moment; /* local time it was tried for */
	const bool *holds;    /* by rule: whether its time is then */
};

/** explain_view() - Lines for a person, cut to @width; 0: never. */
void explain_view(const struct explanation *explanation, size_t width, bool color,
		  struct buffer *out);

/** explain_view_json() - The same as an object. Return: it, or NULL without memory. */
json_t *explain_view_json(const struct explanation *explanation);

/** explain_view_decision() - "drop by ssh, beyond its limit". */
void explain_view_decision(const struct decision *decision, struct buffer *out);

/** explain_view_line() - The text of line @number without what stands around it.
 *  Return: its size, 0 when there is none. */
size_t explain_view_line(const struct draft *draft, uint32_t number, const char **ret);
