/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy would change, for people and for programs. */
#pragma once

#include <jansson.h>

#include "cli/plan.h"

struct buffer;

/* What a person sees. */
struct plan_shown {
	const struct revision *revision;
	const struct difference *difference;
	const struct policy *policy; /* the new one */
	const char *path; /* for vigil explain to read it; NULL: the usual one */
};

/** plan_view() - Lines for a person. */
void plan_view(const struct plan_shown *shown, bool color, struct buffer *out);

/** plan_view_json() - { "same", "edits", "traffic", "incomplete" }. Return: it, or NULL
 *  without memory. */
json_t *plan_view_json(const struct plan_shown *shown);
