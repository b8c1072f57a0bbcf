/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for what can decide about a packet. A number stands in the connection mark
 * and in the prefix of the packet log, so it must mean the same for as long as the
 * kernel or the database holds it: it belongs to a rule id in a direction between two
 * zones, and is kept when a policy changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

enum {
	NUMBER_NONE = 0, /* decided before Vigil was there, or by nobody */
	NUMBER_FIRST_FREE = 1,
	NUMBER_MAX = 65535,
};

/* One thing that decides. Zone names are "" where there is none. */
struct decider {
	uint32_t number;
	const char *id; /* of the rule, or "builtin.NAME", "default.DIRECTION", "ban" */
	enum direction direction;
	const char *from_zone;
	const char *to_zone;
};

struct numbering;

/** numbering_new() - An empty one. Return: it, or NULL without memory. */
struct numbering *numbering_new(void);
void numbering_free(struct numbering *numbering);

/**
 * numbering_assign() - The number of a decider, a new one if it has none yet
 * @limit: highest number that fits the policy's mark (at most NUMBER_MAX)
 *
 * New numbers are the lowest never used.
 *
 * Return: the number, -ENOSPC when none is left (see numbering_reuse()), or -ENOMEM.
 */
int numbering_assign(struct numbering *numbering, const char *id,
		     enum direction direction, const char *from_zone,
		     const char *to_zone, uint32_t limit);

/** numbering_begin() - A policy is compiled: forget which numbers are in use. */
void numbering_begin(struct numbering *numbering);

/**
 * numbering_reuse() - Give away what no decider was assigned since numbering_begin()
 *
 * For when a number was wanted and none was left, and all other deciders of the policy
 * were asked for: so none of them loses its number. From now on until
 * numbering_begin(), new deciders get the numbers that were assigned longest ago.
 *
 * Return: 0 or -ENOMEM.
 */
int numbering_reuse(struct numbering *numbering);

/** numbering_copy() - Return: the same once more, or NULL without memory. */
struct numbering *numbering_copy(const struct numbering *numbering);

/** numbering_find() - Who has @number. Return: borrowed until the next assign, or NULL.
 */
const struct decider *numbering_find(const struct numbering *numbering,
				     uint32_t number);

/**
 * numbering_read() - Add what numbering_write() wrote; a line it does not understand is
 * an error and nothing is added.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int numbering_read(struct numbering *numbering, const char *text, size_t size_bytes);

struct buffer;

/** numbering_write() - One line a decider: "NUMBER DIRECTION FROM TO ID", "-" for no
 * zone. */
void numbering_write(const struct numbering *numbering, struct buffer *out);
