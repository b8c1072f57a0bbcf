/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of an image's rules the kernel means by a handle. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/compile.h"

struct known_rule {
	uint64_t handle;
	const char *chain;
	const char *text; /* as the script has it, behind the chain's name */
};

struct ruleset {
	struct arena arena;
	struct known_rule
		*rules; /* by chain and place; by handle once they are all there */
	size_t count;
	size_t *next; /* by the first rule of a chain: how many have their handle */
	size_t named; /* how many have their handle */
};

/** ruleset_begin() - Take the script of an image apart. Return: 0 or -ENOMEM;
 *  ruleset_done() either way. */
int ruleset_begin(const struct image *image, struct ruleset *ret);

/** ruleset_name() - The next rule of @chain has this handle. Return: 0, or -EPROTO when
 *  the image has no such rule. */
int ruleset_name(struct ruleset *ruleset, const char *chain, uint64_t handle);

/** ruleset_end() - All handles are there. Return: 0, or -EPROTO when some are missing.
 */
int ruleset_end(struct ruleset *ruleset);

/** ruleset_find() - Return: the rule, borrowed, or NULL. */
const struct known_rule *ruleset_find(const struct ruleset *ruleset, uint64_t handle);

void ruleset_done(struct ruleset *ruleset);
