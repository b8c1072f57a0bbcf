/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that do nothing: no packet ever comes to them, or what comes to them would fare
 * the same without them. Told exactly, whatever addresses a feed has.
 */
#pragma once

#include "base/fault.h"
#include "policy/policy.h"

enum rule_use {
	RULE_NEEDED,
	RULE_DEAD,      /* it can never match */
	RULE_REDUNDANT, /* what follows decides the same */
	RULE_UNKNOWN,   /* to tell would take too long */
};

enum { RULE_PARTNERS_MAX = 8 };

/* What is known of one rule. */
struct rule_finding {
	enum rule_use use;
	/* Ids that take its traffic before it, or would take it after it. None for a
	 * dead rule: only ICMP types that what is built in decides about. */
	struct {
		const char *id; /* borrowed from the policy, or static */
		uint32_t line;  /* 0 for what is built in */
	} partners[RULE_PARTNERS_MAX];
	size_t partner_count; /* also counts those that have no place above */
};

/**
 * redundant_find() - Look at every rule
 * @ret: an array by rule of the policy; set on success only, the caller frees it
 *
 * Return: 0, -ENOMEM, or -E2BIG where the policy as a whole is too large.
 */
int redundant_find(const struct policy *policy, struct rule_finding **ret);

/** redundant_warn() - The same as warnings, sorted among what is in @faults. Return: 0
 * or -ENOMEM. */
int redundant_warn(const struct policy *policy, struct faults *faults);
