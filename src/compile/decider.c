/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/decider.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compile/build.h"

/* Built-in deciders of all directions, and the ban both ways: an upper bound. */
enum { FIXED_DECIDERS = 16 };

enum verdict default_verdict(const struct policy *policy, enum direction direction)
{
	if (direction == DIRECTION_INPUT)
		return policy->default_input;
	if (direction == DIRECTION_FORWARD)
		return policy->default_forward;
	return policy->default_output;
}

/* A limit of the rule as a whole is kept in its one action chain. */
static bool shares_limit(const struct rule *rule)
{
	return rule->limit.scope == LIMIT_PER_RULE ||
	       rule->connections.scope == LIMIT_PER_RULE;
}

static size_t count_ends(const struct build *build, const struct endpoint *end,
			 enum zone_detail detail)
{
	if (end->host || detail == DETAIL_NONE)
		return 1;
	if (!end->any_zone)
		return end->zone_count;
	return detail == DETAIL_PAIRS ? build->policy->zone_count + 1 : 1;
}

static size_t count_deciders(const struct build *build, enum zone_detail detail)
{
	const struct policy *policy = build->policy;
	size_t slots = detail == DETAIL_PAIRS ? policy->zone_count + 1 : 1;
	size_t count = FIXED_DECIDERS + slots * slots + 2 * slots;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		count += shares_limit(rule)
				 ? 1
				 : count_ends(build, &rule->from, detail) *
					   count_ends(build, &rule->to, detail);
	}
	for (size_t i = 0; i < policy->nat_count; i++) {
		if (policy->nats[i].kind == NAT_FORWARD)
			count += detail == DETAIL_NONE
					 ? 1
					 : slots * policy->nats[i].from_zone_count;
	}
	return count;
}

int decider_choose_detail(struct build *build)
{
	enum zone_detail detail = DETAIL_PAIRS;

	while (count_deciders(build, detail) > build->number_limit) {
		if (detail == DETAIL_NONE)
			return faults_add(
				build->faults, (struct position){ 0 },
				"this policy has %zu deciding rules, and the "
				"connection mark's mask 0x%08x has room for %u",
				count_deciders(build, detail),
				build->policy->flows.mark_mask, build->number_limit);
		detail++;
	}
	build->detail = detail;
	return 0;
}

static void describe(struct build *build, uint32_t number, const char *id,
		     enum direction direction, uint32_t from, uint32_t to,
		     enum verdict verdict, uint32_t line)
{
	struct image *image = build->image;
	struct image_decider *decider =
		arena_grow(&image->arena, &image->deciders, image->decider_count,
			   sizeof(*decider));

	if (!decider) {
		build_fail(build);
		return;
	}
	*decider = (struct image_decider){
		.number = number,
		.id = build_text(build, "%s", id),
		.direction = direction,
		.from_zone = build_text(build, "%s", zone_name(build, from)),
		.to_zone = build_text(build, "%s", zone_name(build, to)),
		.verdict = verdict,
		.line = line,
	};
	image->decider_count++;
}

static uint32_t assign(struct build *build, const char *id, enum direction direction,
		       uint32_t from, uint32_t to, enum verdict verdict, uint32_t line)
{
	int assigned = numbering_assign(build->input->numbering, id, direction,
					zone_name(build, from), zone_name(build, to),
					build->number_limit);
	uint32_t number = (uint32_t)assigned;

	if (assigned == -ENOSPC) {
		build->numberless = true;
		return NUMBER_NONE;
	}
	if (assigned < 0) {
		build_fail(build);
		return NUMBER_NONE;
	}
	if (!build->has_decider[number])
		describe(build, number, id, direction, from, to, verdict, line);
	build->has_decider[number] = true;
	return number;
}

static uint32_t shown_zone(const struct build *build, bool named, uint32_t zone)
{
	if (build->detail == DETAIL_PAIRS || (build->detail == DETAIL_NAMED && named))
		return zone;
	return ZONE_NONE;
}

uint32_t decider_of_rule(struct build *build, const struct list *list,
			 const struct rule *rule)
{
	uint32_t from = shown_zone(build, !rule->from.any_zone, list->from);
	uint32_t to = shown_zone(build, !rule->to.any_zone, list->to);

	if (shares_limit(rule))
		from = to = ZONE_NONE;
	return assign(build, rule->id, list->direction, from, to, rule->verdict,
		      rule->position.line);
}

uint32_t decider_of_forward(struct build *build, const struct list *list,
			    const struct nat *nat)
{
	return assign(
		build, nat->id, list->direction, shown_zone(build, true, list->from),
		shown_zone(build, false, list->to), VERDICT_ALLOW, nat->position.line);
}

uint32_t decider_of_default(struct build *build, const struct list *list)
{
	char id[32];

	snprintf(id, sizeof(id), "default.%s", direction_name(list->direction));
	return assign(build, id, list->direction, shown_zone(build, false, list->from),
		      shown_zone(build, false, list->to),
		      default_verdict(build->policy, list->direction), 0);
}

uint32_t decider_plain(struct build *build, const char *id, enum direction direction,
		       enum verdict verdict)
{
	return assign(build, id, direction, ZONE_NONE, ZONE_NONE, verdict, 0);
}
