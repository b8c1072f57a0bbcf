/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for all that decides, and how much of the zones they tell. */
#pragma once

#include <stdint.h>

#include "policy/policy.h"

struct build;
struct list;

enum zone_detail {
	DETAIL_PAIRS, /* the zones the packet passes between */
	DETAIL_NAMED, /* the zones that the rule names */
	DETAIL_NONE,
};

/**
 * decider_choose_detail() - The most that the connection mark has room for
 *
 * Return: 0, or -EINVAL with a fault.
 */
int decider_choose_detail(struct build *build);

/** decider_of_rule(), decider_of_forward(), decider_of_default() - The number of what
 * decides in @list, 0 without memory (noted). */
uint32_t decider_of_rule(struct build *build, const struct list *list,
			 const struct rule *rule);
uint32_t decider_of_forward(struct build *build, const struct list *list,
			    const struct nat *nat);
uint32_t decider_of_default(struct build *build, const struct list *list);

/** decider_plain() - The number of what is built in and asks for no zones. */
uint32_t decider_plain(struct build *build, const char *id, enum direction direction,
		       enum verdict verdict);

/** default_verdict() - What a policy does with the rest of a direction. */
enum verdict default_verdict(const struct policy *policy, enum direction direction);
