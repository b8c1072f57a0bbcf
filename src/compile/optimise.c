/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of rules as look-ups. Since every rule that matches decides, rules that no
 * packet can match both may change places. So each rule moves up to the first look-up
 * of its shape that it can reach without passing one that overlaps it; there, what the
 * look-up already holds is taken out of it.
 */
#include "compile/list.h"

#include "compile/build.h"
#include "compile/group.h"
#include "compile/match.h"

static const char *const layer4_keys[] = {
	[LAYER4_ALL] = NULL,
	[LAYER4_PROTOCOL] = "meta l4proto",
	[LAYER4_PORT] = "meta l4proto . th dport",
	[LAYER4_ICMP] = "icmp type",
	[LAYER4_ICMPV6] = "icmpv6 type",
};

static void write_set(struct buffer *out, enum family family, const char *field,
		      const char *set)
{
	if (set)
		buffer_printf(out, "%s %s @%s ", family_keyword(family), field, set);
}

/* What all of a group's boxes ask for. */
static void write_condition(struct buffer *out, const struct shape *shape,
			    const struct window *window)
{
	enum family family = families_one(shape->families);
	bool told = shape->source || shape->destination || shape->source_set ||
		    shape->destination_set || shape->layer4 == LAYER4_ICMP ||
		    shape->layer4 == LAYER4_ICMPV6;

	if (window)
		match_window(out, window);
	if (!told)
		match_family(out, shape->families);
	write_set(out, family, "saddr", shape->source_set);
	write_set(out, family, "daddr", shape->destination_set);
}

static void write_range(struct buffer *out, struct span span, uint32_t mask)
{
	uint32_t first = (uint32_t)span.first & mask, last = (uint32_t)span.last & mask;

	buffer_printf(out, "%u", first);
	if (last != first)
		buffer_printf(out, "-%u", last);
}

/* A box alone, as a match of its own. */
static void write_match(struct buffer *out, const struct box *box)
{
	const struct shape *shape = &box->shape;
	const char *keyword = family_keyword(families_one(shape->families));
	struct span layer4 = box->spans[AXIS_LAYER4];

	if (shape->source) {
		buffer_printf(out, "%s saddr ", keyword);
		match_span(out, families_one(shape->families), box->spans[AXIS_SOURCE]);
		buffer_text(out, " ");
	}
	if (shape->destination) {
		buffer_printf(out, "%s daddr ", keyword);
		match_span(out, families_one(shape->families),
			   box->spans[AXIS_DESTINATION]);
		buffer_text(out, " ");
	}
	if (shape->layer4 == LAYER4_ALL)
		return;
	if (shape->layer4 == LAYER4_PORT || shape->layer4 == LAYER4_PROTOCOL)
		buffer_printf(out, "meta l4proto %u ", (uint32_t)layer4.first >> 16);
	if (shape->layer4 == LAYER4_PROTOCOL)
		return;
	buffer_printf(out, "%s ",
		      shape->layer4 == LAYER4_PORT ? "th dport"
						   : layer4_keys[shape->layer4]);
	write_range(out, layer4, 0xffff);
	buffer_text(out, " ");
}

static void write_key(struct buffer *out, const struct shape *shape)
{
	const char *keyword = family_keyword(families_one(shape->families));
	const char *separator = "";

	if (shape->source) {
		buffer_printf(out, "%s saddr", keyword);
		separator = " . ";
	}
	if (shape->destination) {
		buffer_printf(out, "%s%s daddr", separator, keyword);
		separator = " . ";
	}
	if (shape->layer4 != LAYER4_ALL)
		buffer_printf(out, "%s%s", separator, layer4_keys[shape->layer4]);
}

static void write_element(struct buffer *out, const struct placed *placed)
{
	const struct shape *shape = &placed->box.shape;
	enum family family = families_one(shape->families);
	struct span layer4 = placed->box.spans[AXIS_LAYER4];
	const char *separator = "";

	if (shape->source) {
		match_span(out, family, placed->box.spans[AXIS_SOURCE]);
		separator = " . ";
	}
	if (shape->destination) {
		buffer_text(out, separator);
		match_span(out, family, placed->box.spans[AXIS_DESTINATION]);
		separator = " . ";
	}
	if (shape->layer4 == LAYER4_PORT || shape->layer4 == LAYER4_PROTOCOL)
		buffer_printf(out, "%s%u", separator, (uint32_t)layer4.first >> 16);
	if (shape->layer4 == LAYER4_PORT)
		separator = " . ";
	if (shape->layer4 != LAYER4_PROTOCOL && shape->layer4 != LAYER4_ALL) {
		buffer_text(out, separator);
		write_range(out, layer4, 0xffff);
	}
	buffer_printf(out, " : goto r.%u", placed->number);
}

static void emit_group(struct build *build, const struct list *list,
		       const struct groups *groups, const struct group *group,
		       const struct window *window)
{
	const struct placed *first = &groups->placed[group->members[0]];
	struct buffer *out = &build->rules;

	build_rule_begin(build, list->chain);
	write_condition(out, &group->shape, window);
	if (group->member_count == 1) {
		write_match(out, &first->box);
		buffer_printf(out, "goto r.%u", first->number);
		build_rule_end(build);
		return;
	}
	write_key(out, &group->shape);
	buffer_text(out, " vmap { ");
	for (size_t i = 0; i < group->member_count; i++) {
		if (i)
			buffer_text(out, ", ");
		write_element(out, &groups->placed[group->members[i]]);
	}
	buffer_text(out, " }");
	build_rule_end(build);
}

static void emit_groups(struct build *build, const struct list *list,
			const struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct group *group = &groups->list[i];
		const struct subject *subject = group->subject;

		if (!subject->windows)
			emit_group(build, list, groups, group, NULL);
		for (size_t j = 0; j < subject->window_count; j++)
			emit_group(build, list, groups, group, &subject->windows[j]);
	}
}

void list_emit_optimised(struct build *build, const struct list *list)
{
	struct arena arena = ARENA_INIT(0);
	struct groups groups = { .arena = &arena };
	int r = 0;

	for (size_t i = 0; i < list->entry_count && !list->entries[i].nat; i++) {
		const struct entry *entry = &list->entries[i];

		boxes_make(build, entry->subject);
		for (size_t j = 0; r == 0 && j < entry->subject->box_count; j++)
			r = groups_place(&groups, entry->subject,
					 &entry->subject->boxes[j], entry->number);
	}
	if (r < 0)
		build_fail(build);
	else
		emit_groups(build, list, &groups);
	arena_done(&arena);
	for (size_t i = 0; i < list->entry_count; i++) {
		if (list->entries[i].nat)
			list_emit_forward(build, list, &list->entries[i]);
	}
}
