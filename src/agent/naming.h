/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who stands behind a decider's number: for the database, the journal and Follow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/candidate.h"
#include "compile/numbering.h"
#include "store/store.h"

struct name {
	struct store_decider decider;
	bool known;    /* the number was ever given to somebody */
	bool in_force; /* somebody of the policy in force; else from an earlier one */
	bool logged;   /* its rule says `log: true` */
};

struct naming;

/** naming_new() - One that knows no number. Return: it, or NULL without memory. */
struct naming *naming_new(void);
void naming_free(struct naming *names);

/**
 * naming_set() - Another policy is in force
 * @candidate: borrowed until the next call; NULL for none
 * @numbering: borrowed likewise; not NULL
 *
 * Return: 0, or -ENOMEM: then the old names stay.
 */
int naming_set(struct naming *names, const struct candidate *candidate,
	       const struct numbering *numbering);

/** naming_find() - Never fails: strings are "" where nothing is known. They are
 * borrowed until naming_set(). */
struct name naming_find(const struct naming *names, uint32_t number);

/** naming_decider() - The same in the form that the store asks for; @context is the
 * names. The result is valid until the next call. */
const struct store_decider *naming_decider(uint32_t number, void *context);
