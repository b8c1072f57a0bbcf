/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/lower.h"

#include <errno.h>
#include <string.h>

#include "compile/build.h"
#include "compile/decider.h"
#include "helper/protocol.h"

/* Rules times the zone pairs they stand in. A script of this many would be beyond what
 * the helper takes. */
enum { ENTRIES_MAX = 1000000 };

const char *zone_name(const struct build *build, uint32_t zone)
{
	return zone == ZONE_NONE ? "" : build->policy->zones[zone].name;
}

/* No zone can be called "-", nor have capitals in its name. */
static const char *chain_zone(const struct build *build, uint32_t zone)
{
	return zone == ZONE_NONE ? "-" : build->policy->zones[zone].name;
}

const char *pair_chain(struct build *build, const char *prefix, uint32_t from,
		       uint32_t to)
{
	const char *name = build_text(build, "%s.%s.TO.%s", prefix,
				      chain_zone(build, from), chain_zone(build, to));

	if (strlen(name) < HELPER_SET_NAME_MAX)
		return name;
	return build_text(build, "%s.NUMBER.%u.TO.%u", prefix, from, to);
}

static enum direction rule_direction(const struct rule *rule)
{
	if (rule->to.host)
		return DIRECTION_INPUT;
	return rule->from.host ? DIRECTION_OUTPUT : DIRECTION_FORWARD;
}

static uint32_t slot_zone(const struct build *build, size_t slot)
{
	return slot == build->policy->zone_count ? ZONE_NONE : (uint32_t)slot;
}

/* The zone slots that an end of a rule speaks of. The host has one, which lists that
 * are not by this end do not look at. */
struct slots {
	const uint32_t *zones; /* NULL: counting from 0 */
	size_t count;
};

static struct slots end_slots(const struct build *build, const struct endpoint *end)
{
	if (end->host)
		return (struct slots){ NULL, 1 };
	if (end->any_zone)
		return (struct slots){ NULL, build->lowered.zone_slots };
	return (struct slots){ end->zones, end->zone_count };
}

static size_t slot_at(struct slots slots, size_t i)
{
	return slots.zones ? slots.zones[i] : i;
}

static struct list *list_at(const struct build *build, enum direction direction,
			    size_t from, size_t to)
{
	const struct lowered *lowered = &build->lowered;

	if (direction == DIRECTION_INPUT)
		return &lowered->input[from];
	if (direction == DIRECTION_OUTPUT)
		return &lowered->output[to];
	return &lowered->forward[from * lowered->zone_slots + to];
}

static void add_entry(struct build *build, struct list *list, struct entry entry)
{
	struct entry *place = arena_grow(&build->scratch, &list->entries,
					 list->entry_count, sizeof(*place));

	if (!place) {
		build_fail(build);
		return;
	}
	*place = entry;
	list->entry_count++;
}

static void place_rule(struct build *build, struct subject *subject)
{
	const struct rule *rule = subject->rule;
	struct slots from = end_slots(build, &rule->from);
	struct slots to = end_slots(build, &rule->to);

	for (size_t i = 0; i < from.count; i++) {
		for (size_t j = 0; j < to.count; j++) {
			struct list *list = list_at(build, rule_direction(rule),
						    slot_at(from, i), slot_at(to, j));

			add_entry(build, list,
				  (struct entry){
					  .subject = subject,
					  .number = decider_of_rule(build, list, rule),
				  });
		}
	}
}

static void place_forward(struct build *build, const struct nat *nat)
{
	for (size_t i = 0; i < nat->from_zone_count; i++) {
		for (size_t j = 0; j < build->lowered.zone_slots; j++) {
			struct list *list = list_at(build, DIRECTION_FORWARD,
						    nat->from_zones[i], j);

			add_entry(
				build, list,
				(struct entry){
					.nat = nat,
					.number = decider_of_forward(build, list, nat),
				});
		}
	}
}

static size_t count_entries(const struct build *build)
{
	const struct policy *policy = build->policy;
	size_t count = 0;

	for (size_t i = 0; i < policy->rule_count && count <= ENTRIES_MAX; i++)
		count += end_slots(build, &policy->rules[i].from).count *
			 end_slots(build, &policy->rules[i].to).count;
	return count;
}

static struct list *make_lists(struct build *build, enum direction direction,
			       size_t from_count, size_t to_count)
{
	struct list *lists = build_alloc(build, from_count * to_count, sizeof(*lists));

	for (size_t i = 0; lists && i < from_count * to_count; i++) {
		lists[i].direction = direction;
		lists[i].from =
			from_count == 1 ? ZONE_NONE : slot_zone(build, i / to_count);
		lists[i].to =
			to_count == 1 ? ZONE_NONE : slot_zone(build, i % to_count);
	}
	return lists;
}

static void name_list(struct build *build, struct list *list)
{
	if (list->direction == DIRECTION_INPUT)
		list->chain = build_text(build, "in.%s", chain_zone(build, list->from));
	else if (list->direction == DIRECTION_OUTPUT)
		list->chain = build_text(build, "out.%s", chain_zone(build, list->to));
	else
		list->chain = pair_chain(build, "fwd", list->from, list->to);
}

static bool lists_equal(const struct list *a, const struct list *b)
{
	if (a->entry_count != b->entry_count || a->direction != b->direction ||
	    a->default_number != b->default_number)
		return false;
	for (size_t i = 0; i < a->entry_count; i++) {
		if (a->entries[i].number != b->entries[i].number)
			return false;
	}
	return true;
}

static size_t hash_list(const struct list *list)
{
	uint64_t hash = list->default_number + 1469598103934665603u;

	for (size_t i = 0; i < list->entry_count; i++)
		hash = (hash ^ list->entries[i].number) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

/*
 * Lists are equal where numbers do not tell the zones. Numbers alone are compared: in
 * one direction a number means the same rule.
 */
static void share_lists(struct build *build, struct list *lists, size_t count)
{
	size_t buckets = 1;
	struct list **table;

	while (buckets < 2 * count)
		buckets *= 2;
	table = build_alloc(build, buckets, sizeof(struct list *));
	for (size_t i = 0; table && i < count; i++) {
		size_t at = hash_list(&lists[i]) & (buckets - 1);

		while (table[at] && !lists_equal(table[at], &lists[i]))
			at = (at + 1) & (buckets - 1);
		if (table[at]) {
			lists[i].shared = true;
			lists[i].chain = table[at]->chain;
		} else {
			table[at] = &lists[i];
		}
	}
}

static void finish_lists(struct build *build, struct list *lists, size_t count)
{
	if (build->error)
		return;
	for (size_t i = 0; i < count; i++) {
		lists[i].default_number = decider_of_default(build, &lists[i]);
		name_list(build, &lists[i]);
	}
	share_lists(build, lists, count);
}

static bool windows_equal(const struct subject *a, const struct subject *b)
{
	if (a->window_count != b->window_count)
		return false;
	for (size_t i = 0; i < a->window_count; i++) {
		if (a->windows[i].days != b->windows[i].days ||
		    a->windows[i].from_s != b->windows[i].from_s ||
		    a->windows[i].to_s != b->windows[i].to_s)
			return false;
	}
	return true;
}

/* Policies have few schedules, so the nearest rules that have one are looked through.
 * Equal windows that get two numbers all the same only cost look-ups. */
static size_t number_schedule(const struct build *build, struct subject *subject)
{
	enum { LOOK_AT = 64 };
	size_t looked_at = 0;

	for (struct subject *other = subject; other > build->lowered.subjects;) {
		other--;
		if (other->schedule && windows_equal(other, subject))
			return other->schedule;
		if (other->schedule && ++looked_at == LOOK_AT)
			break;
	}
	return (size_t)(subject - build->lowered.subjects) + 1;
}

static void make_windows(struct build *build, struct subject *subject)
{
	static const uint8_t every_day = 0x7f;
	struct window windows[WINDOWS_MAX] = { 0 };
	size_t count = schedule_windows(&subject->rule->schedule,
					build->input->utc_offset_s, windows);

	if (count == 1 && windows[0].days == every_day && windows[0].from_s == 0 &&
	    windows[0].to_s == 86400)
		return;
	subject->windows = build_alloc(build, WINDOWS_MAX, sizeof(*windows));
	if (!subject->windows)
		return;
	memcpy(subject->windows, windows, sizeof(windows));
	subject->window_count = count;
	subject->schedule = number_schedule(build, subject);
}

static void lower_rules(struct build *build)
{
	const struct policy *policy = build->policy;
	struct subject *subjects =
		build_alloc(build, policy->rule_count + 1, sizeof(*subjects));

	build->lowered.subjects = subjects;
	for (size_t i = 0; i < policy->rule_count && !build->error; i++) {
		const struct rule *rule = &policy->rules[i];

		subjects[i].rule = rule;
		if (rule->schedule.set)
			make_windows(build, &subjects[i]);
		clauses_make(build, &subjects[i]);
		build_counter(build, rule->id);
		place_rule(build, &subjects[i]);
	}
	for (size_t i = 0; i < policy->nat_count && !build->error; i++) {
		build_counter(build, policy->nats[i].id);
		if (policy->nats[i].kind == NAT_FORWARD)
			place_forward(build, &policy->nats[i]);
	}
}

int lower_policy(struct build *build)
{
	struct lowered *lowered = &build->lowered;
	size_t slots = build->policy->zone_count + 1;
	int r = decider_choose_detail(build);

	if (r < 0)
		return r;
	lowered->zone_slots = slots;
	if (count_entries(build) > ENTRIES_MAX)
		return faults_add(build->faults, (struct position){ 0 },
				  "the rules stand in more than %d pairs of zones",
				  ENTRIES_MAX);
	lowered->input = make_lists(build, DIRECTION_INPUT, slots, 1);
	lowered->output = make_lists(build, DIRECTION_OUTPUT, 1, slots);
	lowered->forward = make_lists(build, DIRECTION_FORWARD, slots, slots);
	if (build->error)
		return build->error;
	lower_rules(build);
	finish_lists(build, lowered->input, slots);
	finish_lists(build, lowered->output, slots);
	finish_lists(build, lowered->forward, slots * slots);
	return build->error;
}
