/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy from the command line, loaded where packets can be tried. */
#pragma once

#include "cli/draft.h"
#include "trial/stage.h"

enum { TRYOUT_TEXT_MAX = 512 };

struct tryout {
	struct trial trial;
	struct stage stage;
};

#define TRYOUT_NULL                                                                    \
	{                                                                              \
		.trial = TRIAL_NULL, .stage = STAGE_NULL                               \
	}

/**
 * tryout_open() - Start a trial with the draft's policy
 * @ret: initialise with TRYOUT_NULL; tryout_done() also on failure
 * @problem: a sentence that says what to do, on failure
 *
 * Return: 0 or -errno.
 */
int tryout_open(struct draft *draft, struct tryout *ret,
		char problem[static TRYOUT_TEXT_MAX]);

/** tryout_refused() - Show what is wrong with the policy; with --json as an object too.
 *  Return: EXIT_FAILED. */
int tryout_refused(const struct draft *draft, const struct arguments *arguments);

void tryout_done(struct tryout *tryout);

#define auto_tryout __attribute__((cleanup(tryout_done)))
