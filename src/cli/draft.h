/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy file that a command line names: read, checked and compiled. */
#pragma once

#include <jansson.h>

#include "agent/candidate.h"
#include "base/fault.h"
#include "cli/arguments.h"

struct draft {
	const char *path; /* borrowed from the arguments */
	char *text;       /* NULL when the file could not be read */
	size_t text_bytes;
	struct numbering *numbering;
	struct candidate *candidate; /* NULL when there are errors */
	struct faults faults;        /* a file that can't be read is one, at line 0 */
};

#define DRAFT_NULL                                                                     \
	{                                                                              \
		0                                                                      \
	}

/**
 * draft_read_text() - Only read the file
 *
 * Return: 0, -EINVAL with a fault in @ret, or -ENOMEM.
 */
int draft_read_text(const struct arguments *arguments, struct draft *ret);

/**
 * draft_read() - Read, check and compile
 * @ret: initialise with DRAFT_NULL; release with draft_done(), also on failure
 *
 * Numbers of rules are the agent's where the command takes --state and its list can be
 * read, else given out anew.
 *
 * Return: 0, -EINVAL with faults in @ret, or -ENOMEM.
 */
int draft_read(const struct arguments *arguments, struct draft *ret);

/** draft_show_faults() - To standard error, for a person. Return: EXIT_DONE, or
 *  EXIT_FAILED when there is an error among them. */
int draft_show_faults(const struct draft *draft, const struct arguments *arguments);

/** draft_name() - The policy's name for people. */
const char *draft_name(const struct draft *draft);

/** draft_json_faults() - A new array of Faults as io.vigil.Agent has them. Return: it,
 *  or NULL without memory. */
json_t *draft_json_faults(const struct draft *draft);

void draft_done(struct draft *draft);

#define auto_draft __attribute__((cleanup(draft_done)))
