/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/frame.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "compile/action.h"
#include "compile/build.h"
#include "compile/decider.h"
#include "compile/list.h"
#include "compile/lower.h"
#include "compile/match.h"

static const enum direction directions[] = { DIRECTION_INPUT, DIRECTION_FORWARD,
					     DIRECTION_OUTPUT };

/*
 * What IPv6 can't live without: packet too big (2), multicast listeners (130 to 132,
 * 143), router and neighbour discovery (133 to 136). RFC 4890, section 4.4.1.
 */
#define ICMPV6_NEEDED "{ 2, 130, 131, 132, 133, 134, 135, 136, 143 }"

static void emit_loopback(struct build *build)
{
	const char *id = "builtin.loopback";
	uint32_t number = decider_plain(build, id, DIRECTION_OUTPUT, VERDICT_ALLOW);

	build_counter(build, id);
	build_rule(build, "input",
		   "iifname \"lo\" counter name \"" COUNTER_PREFIX "%s\" accept", id);
	build_rule(build, "output", "oifname \"lo\" goto r.%u", number);
	action_plain(build, id, VERDICT_ALLOW, false, number);
}

/* Both keep the mark that the connection has: a related packet is an ICMP error of that
 * connection, or inherits its mark. */
static void emit_known(struct build *build, const char *chain)
{
	build_rule(build, chain,
		   "ct state established counter name \"" COUNTER_PREFIX
		   "builtin.established\" accept");
	build_rule(build, chain,
		   "ct state related counter name \"" COUNTER_PREFIX
		   "builtin.related\" accept");
}

static void emit_invalid(struct build *build, enum direction direction)
{
	const char *id = "builtin.invalid";
	uint32_t number = decider_plain(build, id, direction, VERDICT_DROP);

	build_rule(build, direction_name(direction), "ct state invalid goto r.%u",
		   number);
	action_plain(build, id, VERDICT_DROP, build->policy->flows.denied, number);
}

static void emit_builtins(struct build *build)
{
	static const char *const ids[] = { "builtin.established", "builtin.related",
					   "builtin.invalid", "builtin.icmpv6" };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		build_counter(build, ids[i]);
	emit_loopback(build);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		const char *chain = direction_name(directions[i]);

		emit_known(build, chain);
		emit_invalid(build, directions[i]);
		if (directions[i] != DIRECTION_FORWARD)
			build_rule(build, chain,
				   "icmpv6 type " ICMPV6_NEEDED
				   " counter name \"" COUNTER_PREFIX
				   "builtin.icmpv6\" accept");
	}
}

static void emit_ban_side(struct build *build, const char *chain, const char *field,
			  enum family family, uint32_t number)
{
	const struct policy *policy = build->policy;

	if (set_span_count(&policy->ban, family)) {
		struct side side =
			clause_side(build, &policy->ban, family, INLINE_RANGES_MAX);

		build_rule_begin(build, chain);
		if (side.kind == SIDE_ANY)
			match_family(&build->rules, family == FAMILY_IPV4
							    ? FAMILIES_IPV4
							    : FAMILIES_IPV6);
		match_side(&build->rules, family, field, &side);
		buffer_printf(&build->rules, "goto r.%u", number);
		build_rule_end(build);
	}
	for (size_t i = 0; i < policy->ban_feed_count; i++)
		build_rule(build, chain, "%s %s @%s goto r.%u", family_keyword(family),
			   field, sets_feed(build, policy->ban_feeds[i], family),
			   number);
}

/* Forwarded packets to a banned address are met in ban.in as well. */
static void emit_ban(struct build *build)
{
	const struct policy *policy = build->policy;
	bool log = policy->flows.denied;
	uint32_t in, out;

	if (address_set_empty(&policy->ban) && policy->ban_feed_count == 0)
		return;
	in = decider_plain(build, "ban", DIRECTION_INPUT, VERDICT_DROP);
	out = decider_plain(build, "ban", DIRECTION_OUTPUT, VERDICT_DROP);
	build_counter(build, "ban");
	build_base_chain(build, "ban.in",
			 "type filter hook prerouting priority -310; policy accept;");
	build_base_chain(build, "ban.out",
			 "type filter hook output priority -310; policy accept;");
	build_rule(build, "ban.in", "iifname \"lo\" accept");
	build_rule(build, "ban.out", "oifname \"lo\" accept");
	for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6; family += 2) {
		emit_ban_side(build, "ban.in", "saddr", family, in);
		emit_ban_side(build, "ban.in", "daddr", family, in);
		emit_ban_side(build, "ban.out", "daddr", family, out);
	}
	action_plain(build, "ban", VERDICT_DROP, log, in);
	action_plain(build, "ban", VERDICT_DROP, log, out);
}

static void emit_actions(struct build *build, const struct list *list)
{
	enum verdict verdict = default_verdict(build->policy, list->direction);
	char id[32];

	for (size_t i = 0; i < list->entry_count; i++) {
		const struct entry *entry = &list->entries[i];

		if (entry->nat)
			action_plain(build, entry->nat->id, VERDICT_ALLOW, false,
				     entry->number);
		else
			action_of_rule(build, entry->subject->rule, entry->number);
	}
	snprintf(id, sizeof(id), "default.%s", direction_name(list->direction));
	action_plain(build, id, verdict,
		     verdict != VERDICT_ALLOW && build->policy->flows.denied,
		     list->default_number);
}

static void emit_list(struct build *build, const struct list *list)
{
	if (list->shared || build->error)
		return;
	build_chain(build, list->chain);
	if (build->input->plain)
		list_emit_plain(build, list);
	else
		list_emit_optimised(build, list);
	build_rule(build, list->chain, "goto r.%u", list->default_number);
	emit_actions(build, list);
}

/* Send a chain's packets to the lists of their zones. */
static void emit_lists(struct build *build, const char *chain, const char *key,
		       const struct list *lists)
{
	size_t slots = build->lowered.zone_slots;
	const char **targets = build_alloc(build, slots, sizeof(*targets));

	if (!targets)
		return;
	for (size_t i = 0; i < slots; i++)
		targets[i] = lists[i].chain;
	dispatch_emit(build, chain, key, targets);
	build_rule(build, chain, "goto %s", targets[slots - 1]);
	for (size_t i = 0; i < slots; i++)
		emit_list(build, &lists[i]);
}

static void emit_forward(struct build *build)
{
	size_t slots = build->lowered.zone_slots;
	const char **targets = build_alloc(build, slots, sizeof(*targets));

	if (!targets)
		return;
	for (size_t i = 0; i < slots; i++) {
		targets[i] = build_text(build, "fwd.%s",
					i == slots - 1 ? "-"
						       : zone_name(build, (uint32_t)i));
		build_chain(build, targets[i]);
	}
	dispatch_emit(build, "forward", "iifname", targets);
	build_rule(build, "forward", "goto %s", targets[slots - 1]);
	for (size_t i = 0; i < slots; i++)
		emit_lists(build, targets[i], "oifname",
			   &build->lowered.forward[i * slots]);
}

static void emit_base_chains(struct build *build)
{
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		const char *name = direction_name(directions[i]);
		enum verdict verdict = default_verdict(build->policy, directions[i]);

		build_base_chain(
			build, name,
			build_text(build, "type filter hook %s priority 0; policy %s;",
				   name, verdict == VERDICT_ALLOW ? "accept" : "drop"));
		build_counter(build, build_text(build, "default.%s", name));
	}
}

void frame_emit(struct build *build)
{
	action_ends(build);
	emit_ban(build);
	emit_base_chains(build);
	emit_builtins(build);
	emit_lists(build, "input", "iifname", build->lowered.input);
	emit_forward(build);
	emit_lists(build, "output", "oifname", build->lowered.output);
	for (size_t i = 0; i < build->policy->rule_count; i++)
		action_limits(build, &build->policy->rules[i]);
}
