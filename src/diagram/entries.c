/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy's rules as entries of a space, in the order in which packets meet them. */
#include <errno.h>

#include "compile/decider.h"
#include "diagram/lowering.h"

static enum direction rule_direction(const struct rule *rule)
{
	if (rule->to.host)
		return DIRECTION_INPUT;
	return rule->from.host ? DIRECTION_OUTPUT : DIRECTION_FORWARD;
}

static int add_deciders(struct space *space, struct rule_list *list)
{
	static const char *const defaults[] = { "default.input", "default.forward",
						"default.output" };
	const struct policy *policy = list->input.policy;
	int error = 0;

	for (size_t i = 0; i < policy->rule_count && !error; i++) {
		const struct rule *rule = &policy->rules[i];

		error = lowering_decider(space, list,
					 (struct judge){
						 .kind = JUDGE_RULE,
						 .id = rule->id,
						 .line = rule->position.line,
						 .rule = rule,
						 .verdict = rule->verdict,
					 });
	}
	if (!error)
		error = lowering_decider(
			space, list,
			(struct judge){
				.kind = JUDGE_DEFAULT,
				.id = defaults[space->direction],
				.verdict = default_verdict(policy, space->direction),
			});
	if (!error)
		error = lowering_decider(space, list,
					 (struct judge){ .kind = JUDGE_BAN,
							 .id = "ban",
							 .verdict = VERDICT_DROP });
	return error;
}

/* What add_deciders() put behind the rules. */
enum { BEHIND_DEFAULT, BEHIND_BAN };

static uint32_t decider_behind(const struct rule_list *list, uint32_t which)
{
	return (uint32_t)list->input.policy->rule_count + which;
}

static int add_ban(struct space *space, struct rule_list *list)
{
	const struct policy *policy = list->input.policy;
	const struct endpoint banned = {
		.restricted = true,
		.addresses = policy->ban,
		.feeds = policy->ban_feeds,
		.feed_count = policy->ban_feed_count,
	};
	const uint32_t everything[DIMENSIONS_MAX] = { SET_ALL };
	const struct alternatives anything = { { { DIM_TIME, SET_ALL } }, 1 };
	struct alternatives ways;
	int error = 0;

	if (space->direction != DIRECTION_OUTPUT)
		error = lowering_addresses(space, list, &banned, DIM_SOURCE, &ways);
	if (!error && space->direction != DIRECTION_OUTPUT)
		error = lowering_ends(space, list, everything, &ways, &anything,
				      decider_behind(list, BEHIND_BAN));
	if (!error)
		error = lowering_addresses(space, list, &banned, DIM_DESTINATION,
					   &ways);
	if (!error)
		error = lowering_ends(space, list, everything, &ways, &anything,
				      decider_behind(list, BEHIND_BAN));
	return error;
}

/* Return: as lowering_set(). */
static int find_service(struct space *space, const struct traffic_list *list,
			uint32_t *ret)
{
	auto_spans struct spans spans = { 0 };

	*ret = SET_ALL;
	if (list->count == 0)
		return 1;
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];
		uint32_t base = (uint32_t)traffic->protocol << 16;

		if (!lowering_meets(space, traffic->protocol))
			continue;
		if (traffic->range_count == 0)
			spans_add(&spans, (struct span){ base, base | 0xffff });
		for (size_t j = 0; j < traffic->range_count; j++)
			spans_add(&spans,
				  (struct span){ base | traffic->ranges[j].first,
						 base | traffic->ranges[j].last });
	}
	return lowering_set(space, DIM_SERVICE, &spans, ret);
}

static int add_rule(struct space *space, struct rule_list *list, uint32_t index)
{
	const struct rule *rule = &list->input.policy->rules[index];
	uint32_t sets[DIMENSIONS_MAX] = { SET_ALL };
	struct alternatives from, to;
	int r = find_service(space, &rule->traffic, &sets[DIM_SERVICE]);

	if (r > 0)
		r = lowering_zones(space, list, DIM_IN, &rule->from, NULL,
				   &sets[DIM_IN]);
	if (r > 0)
		r = lowering_zones(space, list, DIM_OUT, &rule->to, NULL,
				   &sets[DIM_OUT]);
	if (r > 0)
		r = lowering_time(space, &rule->schedule, &sets[DIM_TIME]);
	if (r <= 0)
		return r;
	r = lowering_addresses(space, list, &rule->from, DIM_SOURCE, &from);
	if (!r)
		r = lowering_addresses(space, list, &rule->to, DIM_DESTINATION, &to);
	return r ? r : lowering_ends(space, list, sets, &from, &to, index);
}

int entries_make(struct space *space, struct rule_list *list)
{
	const struct policy *policy = list->input.policy;
	const uint32_t everything[DIMENSIONS_MAX] = { SET_ALL };
	int error = add_deciders(space, list);

	if (!error)
		error = add_ban(space, list);
	if (!error && space->direction == DIRECTION_INPUT)
		error = translation_make(space, list);
	for (uint32_t i = 0; i < policy->rule_count && !error; i++)
		if (rule_direction(&policy->rules[i]) == space->direction)
			error = add_rule(space, list, i);
	if (error)
		return error;
	return lowering_entry(space, list, everything,
			      decider_behind(list, BEHIND_DEFAULT));
}
