/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that a policy defines, and looking them up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"

struct name {
	const char *text; /* borrowed */
	struct position position;
	unsigned int kind; /* what the owner of the table makes of it */
	uint32_t index;
	bool used;
};

struct names {
	struct name *items; /* by text, once sorted */
	size_t count;
	const char **candidates; /* for did_you_mean(), NULL-terminated; may be NULL */
};

/** names_add() - Names may be added until names_sort(). Return: 0 or -ENOMEM. */
int names_add(struct names *names, struct arena *arena, const struct name *name);

/** names_sort() - Make the table ready for names_find(). Return: 0 or -ENOMEM. */
int names_sort(struct names *names, struct arena *arena);

/** names_find() - Return: the entry, the first in the file where there are several, or
 * NULL. */
struct name *names_find(const struct names *names, const char *text);

/** name_valid() - Whether the text is [a-z0-9][a-z0-9._-]*, at most NAME_MAX_CHARS
 * long.
 */
bool name_valid(const char *text);
