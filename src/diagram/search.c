/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	ONE_WORK_MAX = WORK_MAX / 20, /* what one entry may take of it */
};

int search_init(struct search *search, struct splitter *splitter)
{
	*search = (struct search){
		.splitter = splitter,
		.space = splitter->space,
		.list = &splitter->space->lists[splitter->space->list_count - 1],
	};
	search->ends = calloc(search->list->entry_count, sizeof(*search->ends));
	search->takers =
		calloc(search->list->decider_count / 64 + 1, sizeof(*search->takers));
	return search->ends && search->takers ? lookup_init(&search->settled) : -ENOMEM;
}

void search_done(struct search *search)
{
	free(search->ends);
	free(search->takers);
	lookup_done(&search->settled);
}

static void begin(struct search *search, uint32_t index)
{
	lookup_clear(&search->settled);
	memset(search->takers, 0,
	       (search->list->decider_count / 64 + 1) * sizeof(*search->takers));
	search->target = &search->list->entries[index];
	search->work_end = search->splitter->work + ONE_WORK_MAX;
}

static bool is_too_long(const struct search *search)
{
	return search->splitter->work > search->work_end ||
	       search->splitter->work > search->splitter->work_max;
}

/* Whether the entry has packets of the target. Notes from where it holds them all. */
static bool meets(struct search *search, uint32_t index)
{
	const struct entry *entry = &search->list->entries[index];
	const struct entry *target = search->target;
	uint32_t end = 0;

	for (uint32_t level = 0; level < entry->end; level++) {
		uint8_t number = search->space->levels[level];
		const struct dimension *dimension = &search->space->dimensions[number];
		const uint64_t *own = dimension_set(dimension, entry->sets[number]);
		const uint64_t *wanted = dimension_set(dimension, target->sets[number]);

		if (entry->sets[number] == SET_ALL ||
		    entry->sets[number] == target->sets[number])
			continue;
		search->splitter->work += dimension->words / 8 + 2;
		if (!bitmap_meets(own, wanted, dimension->words))
			return false;
		if (!bitmap_covers(own, wanted, dimension->words))
			end = level + 1;
	}
	search->ends[index] = end;
	return true;
}

static bool is_empty(const struct search *search)
{
	const struct entry *target = search->target;

	for (size_t i = 0; i < search->space->dimension_count; i++) {
		const struct dimension *dimension = &search->space->dimensions[i];

		if (bitmap_next(dimension_set(dimension, target->sets[i]),
				dimension->words, 0) == dimension->words * 64)
			return true;
	}
	return false;
}

static const struct judge *decider_of(const struct search *search, uint32_t index)
{
	return &search->list->deciders[search->list->entries[index].decider];
}

static bool is_same_rule(const struct search *search, uint32_t index)
{
	const struct judge *decider = decider_of(search, index);

	return decider->rule &&
	       decider->rule == search->list->deciders[search->target->decider].rule;
}

/* The candidates before the target (@before) and behind it. */
struct candidates {
	uint32_t *list;
	size_t before;
	size_t count;
};

static bool takes_part(struct search *search, uint32_t index, const bool *dead)
{
	const struct judge *decider = decider_of(search, index);

	search->splitter->work++;
	if (is_same_rule(search, index))
		return false;
	if (dead && decider->rule &&
	    dead[decider->rule - search->list->input.policy->rules])
		return false;
	return meets(search, index);
}

static int find_candidates(struct search *search, uint32_t index, const bool *dead,
			   bool behind, struct candidates *ret)
{
	const struct rule_list *list = search->list;

	ret->list = calloc(list->entry_count + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (uint32_t i = 0; i < index; i++)
		if (takes_part(search, i, dead))
			ret->list[ret->count++] = i;
	ret->before = ret->count;
	for (uint32_t i = index + 1; behind && i < list->entry_count; i++) {
		if (!takes_part(search, i, dead))
			continue;
		ret->list[ret->count++] = i;
		if (search->ends[i] == 0)
			break;
	}
	return 0;
}

static void note_taker(struct search *search, uint32_t index)
{
	bitmap_add(search->takers, search->list->entries[index].decider);
}

/* One that holds all that is left, rather one that has been named before. */
static bool find_cover(struct search *search, size_t level, const uint32_t *list,
		       size_t count)
{
	const struct entry *entries = search->list->entries;
	size_t found = count;

	for (size_t i = 0; i < count; i++) {
		if (search->ends[list[i]] > level)
			continue;
		if (found == count)
			found = i;
		if (bitmap_has(search->takers, entries[list[i]].decider))
			return true;
	}
	if (found == count)
		return false;
	note_taker(search, list[found]);
	return true;
}

/* The first level at which some of them does not hold all that the target does. */
static size_t next_level(const struct search *search, size_t level,
			 const uint32_t *list, size_t count)
{
	for (; level < search->space->dimension_count; level++) {
		uint8_t number = search->space->levels[level];
		uint32_t wanted = search->target->sets[number];

		for (size_t i = 0; i < count; i++) {
			uint32_t set = search->list->entries[list[i]].sets[number];

			if (set != SET_ALL && set != wanted)
				return level;
		}
	}
	return level;
}

static uint128_t key_of(size_t level, const uint32_t *list, size_t before, size_t count)
{
	uint128_t key = diagram_mark(UINT64_C(1) << 40 | level);

	for (size_t i = 0; i < count; i++)
		key ^= diagram_mark(list[i] | (uint64_t)(i < before) << 32);
	return key;
}

static size_t filter(const struct search *search, size_t dimension, uint32_t class,
		     const uint32_t *list, size_t count, uint32_t *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (entry_holds(search->space, &search->list->entries[list[i]],
				dimension, class))
			out[kept++] = list[i];
	return kept;
}

static int split_target(struct search *search, size_t level, const uint32_t *list,
			size_t count, struct split *ret)
{
	uint8_t number = search->space->levels[level];
	const struct live live = { search->list, list, count };

	if (is_too_long(search))
		return -E2BIG;
	search->splitter->work += 4 * count;
	return split_make(search->splitter, number,
			  dimension_set(&search->space->dimensions[number],
					search->target->sets[number]),
			  &live, 1, ret);
}

typedef int visit(struct search *search, size_t level, const uint32_t *list,
		  size_t before, size_t count);

/* Visits each group of classes, those that the fewest entries hold first. Return: the
 * first answer but 0. */
static int descend(struct search *search, size_t level, const uint32_t *list,
		   size_t before, size_t count, visit *then)
{
	auto_split struct split split = { .group_count = 0 };
	auto_free uint32_t *kept = calloc(count + 1, sizeof(*kept));
	uint8_t number = search->space->levels[level];
	int r = kept ? split_target(search, level, list, count, &split) : -ENOMEM;

	for (size_t i = split.rest ? split.group_count + 1 : split.group_count;
	     i-- > 0 && !r;) {
		uint32_t class = split_class(&split, i);
		size_t first = filter(search, number, class, list, before, kept);
		size_t second = filter(search, number, class, list + before,
				       count - before, kept + first);

		search->splitter->work += 2 * count;
		r = then(search, level + 1, kept, first, first + second);
	}
	return r;
}

static int visit_open(struct search *search, size_t level, const uint32_t *list,
		      size_t before, size_t count)
{
	uint128_t key;
	int r;

	if (count == 0)
		return 1;
	if (find_cover(search, level, list, count))
		return 0;
	level = next_level(search, level, list, count);
	key = key_of(level, list, before, count);
	if (lookup_find(&search->settled, key))
		return 0;
	r = descend(search, level, list, before, count, visit_open);
	return r ? r : lookup_add(&search->settled, key, 0);
}

int search_open(struct search *search, uint32_t index)
{
	struct candidates candidates = { .list = NULL };
	int r;

	begin(search, index);
	if (is_empty(search))
		return 0;
	if (is_too_long(search))
		return -E2BIG;
	r = find_candidates(search, index, NULL, false, &candidates);
	if (!r)
		r = visit_open(search, 0, candidates.list, candidates.count,
			       candidates.count);
	free(candidates.list);
	return r;
}

static bool is_logged(const struct search *search, const struct judge *decider)
{
	if (decider->rule && decider->rule->log)
		return true;
	return decider->verdict != VERDICT_ALLOW &&
	       search->list->input.policy->flows.denied;
}

static bool is_limited(const struct judge *decider)
{
	return decider->rule && (decider->rule->limit.scope != LIMIT_NONE ||
				 decider->rule->connections.scope != LIMIT_NONE);
}

/* A limit is a state of its own, so a rule with one can't stand in for another. */
static bool stands_in(const struct search *search, uint32_t index)
{
	const struct judge *own = &search->list->deciders[search->target->decider];
	const struct judge *other = decider_of(search, index);

	return own->effect == other->effect && own->verdict == other->verdict &&
	       !is_limited(own) && !is_limited(other) &&
	       is_logged(search, own) == is_logged(search, other);
}

/* Entries up to the first that holds all that is left. Sets @same when each of them
 * would do as the target does. */
static size_t trim(struct search *search, size_t level, const uint32_t *list,
		   size_t count, bool *same)
{
	*same = true;
	for (size_t i = 0; i < count; i++) {
		*same = *same && stands_in(search, list[i]);
		if (search->ends[list[i]] <= level)
			return i + 1;
	}
	return count;
}

static int visit_needed(struct search *search, size_t level, const uint32_t *list,
			size_t before, size_t count)
{
	uint128_t key;
	bool same;
	int r;

	for (size_t i = 0; i < before; i++)
		if (search->ends[list[i]] <= level)
			return 0;
	count = before + trim(search, level, list + before, count - before, &same);
	if (same) {
		for (size_t i = before; i < count; i++)
			note_taker(search, list[i]);
		return 0;
	}
	level = next_level(search, level, list, count);
	if (level == search->space->dimension_count || (before == 0 && count == 1))
		return 1;
	key = key_of(level, list, before, count);
	if (lookup_find(&search->settled, key))
		return 0;
	r = descend(search, level, list, before, count, visit_needed);
	return r ? r : lookup_add(&search->settled, key, 0);
}

int search_needed(struct search *search, uint32_t index, const bool *dead)
{
	struct candidates candidates = { .list = NULL };
	int r;

	begin(search, index);
	if (is_empty(search))
		return 0;
	if (is_too_long(search))
		return -E2BIG;
	r = find_candidates(search, index, dead, true, &candidates);
	if (!r)
		r = visit_needed(search, 0, candidates.list, candidates.before,
				 candidates.count);
	free(candidates.list);
	return r;
}
