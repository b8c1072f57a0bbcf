/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image under construction, and what its makers share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "compile/compile.h"
#include "compile/decider.h"
#include "compile/lower.h"
#include "compile/sets.h"

struct build {
	const struct compile_input *input;
	const struct policy *policy;
	struct faults *faults;
	struct image *image;
	struct arena scratch; /* what only compiling needs */
	struct buffer rules;  /* "add rule" statements */
	struct sets sets;
	struct lowered lowered;
	unsigned int mark_shift;
	uint32_t number_limit;
	enum zone_detail detail; /* how much of the zones numbers tell */
	bool *has_decider;       /* by number: the image describes it */
	bool *has_chain;         /* by number: its action chain is there */
	bool numberless;         /* a decider got no number */
	int error;               /* the first -ENOMEM or -EINVAL sticks */
};

/** build_fail() - Note that memory ran out. */
void build_fail(struct build *build);

/** build_text() - A string that lives as long as the image. Return: never NULL ("" and
 * a noted failure without memory). */
const char *build_text(struct build *build, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** build_alloc() - Zeroed memory until compiling ends. Return: NULL without memory,
 * noted. */
void *build_alloc(struct build *build, size_t count, size_t item_bytes);

/** build_rule() - Append "add rule inet vigil CHAIN TEXT". */
void build_rule(struct build *build, const char *chain, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** build_rule_begin(), build_rule_end() - The same in parts: write to build->rules
 * between them. */
void build_rule_begin(struct build *build, const char *chain);
void build_rule_end(struct build *build);

/** build_counter() - Make the counter of @id. */
void build_counter(struct build *build, const char *id);

/** build_chain() - Make a chain. */
void build_chain(struct build *build, const char *name);

/** build_base_chain() - Make a base chain with @hook, "type ... ; policy ...;". */
void build_base_chain(struct build *build, const char *name, const char *hook);

/** build_dynamic_set() - Make a set that packets fill. */
void build_dynamic_set(struct build *build, const char *name, enum family family,
		       const char *flags);

/** family_keyword() - "ip" or "ip6". */
const char *family_keyword(enum family family);
