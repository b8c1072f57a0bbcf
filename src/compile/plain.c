/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/list.h"

#include "compile/build.h"
#include "compile/match.h"

/* One statement, in one window of time or (NULL) at all times. */
static void emit(struct build *build, const struct list *list,
		 const struct clause *clause, const struct traffic *traffic,
		 const struct window *window, uint32_t number)
{
	uint8_t families = clause->families;
	struct buffer *out = &build->rules;
	enum family family;
	bool told;

	if (traffic)
		families &= traffic_families(traffic);
	if (!families)
		return;
	family = families_one(families);
	told = clause->source.kind != SIDE_ANY || clause->destination.kind != SIDE_ANY;
	build_rule_begin(build, list->chain);
	if (window)
		match_window(out, window);
	if (!told)
		match_family(out, families);
	match_side(out, family, "saddr", &clause->source);
	match_side(out, family, "daddr", &clause->destination);
	if (traffic)
		match_traffic(out, traffic);
	buffer_printf(out, "goto r.%u", number);
	build_rule_end(build);
}

static void emit_clause(struct build *build, const struct list *list,
			const struct entry *entry, const struct clause *clause,
			const struct window *window)
{
	const struct traffic_list *traffic = &entry->subject->rule->traffic;

	if (traffic->count == 0)
		emit(build, list, clause, NULL, window, entry->number);
	for (size_t i = 0; i < traffic->count; i++)
		emit(build, list, clause, &traffic->items[i], window, entry->number);
}

static void emit_rule(struct build *build, const struct list *list,
		      const struct entry *entry)
{
	const struct subject *subject = entry->subject;

	for (size_t i = 0; i < subject->clause_count; i++) {
		const struct clause *clause = &subject->clauses[i];

		if (!subject->windows)
			emit_clause(build, list, entry, clause, NULL);
		for (size_t j = 0; j < subject->window_count; j++)
			emit_clause(build, list, entry, clause, &subject->windows[j]);
	}
}

void list_emit_plain(struct build *build, const struct list *list)
{
	for (size_t i = 0; i < list->entry_count; i++) {
		if (list->entries[i].nat)
			list_emit_forward(build, list, &list->entries[i]);
		else
			emit_rule(build, list, &list->entries[i]);
	}
}
