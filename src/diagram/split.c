/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int splitter_init(struct splitter *splitter, const struct space *space,
		  uint64_t work_max)
{
	memset(splitter, 0, sizeof(*splitter));
	splitter->space = space;
	splitter->work_max = work_max;
	for (size_t i = 0; i < space->dimension_count; i++) {
		const struct dimension *dimension = &space->dimensions[i];
		struct scratch *scratch = &splitter->scratch[i];

		scratch->places = 4;
		while (scratch->places < 2 * dimension->class_count)
			scratch->places *= 2;
		scratch->sums = calloc(dimension->class_count, sizeof(uint128_t));
		scratch->table = calloc(scratch->places, sizeof(uint32_t));
		scratch->stamps = calloc(dimension->set_count, sizeof(uint32_t));
		scratch->sets = calloc(dimension->set_count, sizeof(uint32_t));
		if (!scratch->sums || !scratch->table || !scratch->stamps ||
		    !scratch->sets)
			return -ENOMEM;
	}
	return 0;
}

void splitter_done(struct splitter *splitter)
{
	for (size_t i = 0; i < DIMENSIONS_MAX; i++) {
		free(splitter->scratch[i].sums);
		free(splitter->scratch[i].table);
		free(splitter->scratch[i].stamps);
		free(splitter->scratch[i].sets);
	}
}

void split_done(struct split *split)
{
	free(split->classes);
	free(split->starts);
}

/* Which sets the entries have, each once. */
static size_t find_sets(struct scratch *scratch, size_t dimension,
			const struct live *live, size_t live_count)
{
	size_t count = 0;

	scratch->stamp++;
	for (size_t i = 0; i < live_count; i++) {
		for (size_t j = 0; j < live[i].count; j++) {
			const struct entry *entry =
				&live[i].list->entries[live[i].entries[j]];
			uint32_t set = entry->sets[dimension];

			if (set == SET_ALL || scratch->stamps[set] == scratch->stamp)
				continue;
			scratch->stamps[set] = scratch->stamp;
			scratch->sets[count++] = set;
		}
	}
	return count;
}

/* Adds the sets up. Return: how many classes any of them holds, listed in @touched. */
static size_t add_up(struct splitter *splitter, size_t number, const uint64_t *within,
		     size_t set_count, uint32_t *touched)
{
	const struct dimension *dimension = &splitter->space->dimensions[number];
	struct scratch *scratch = &splitter->scratch[number];
	size_t count = 0;

	for (size_t i = 0; i < set_count; i++) {
		uint128_t mark = diagram_mark(scratch->sets[i]);
		const uint64_t *set = dimension_set(dimension, scratch->sets[i]);

		for (size_t word = 0; word < dimension->words; word++) {
			uint64_t bits = set[word] & within[word];

			splitter->work += 1 + (uint64_t)__builtin_popcountll(bits);
			for (; bits; bits &= bits - 1) {
				uint32_t class = (uint32_t)(word * 64) +
						 (uint32_t)__builtin_ctzll(bits);

				if (!scratch->sums[class])
					touched[count++] = class;
				scratch->sums[class] ^= mark;
			}
		}
	}
	return count;
}

/* The group of a sum, counted from 1; a new one is 1 more than there were. */
static uint32_t find_group(struct scratch *scratch, const uint32_t *firsts,
			   uint32_t count, uint128_t sum)
{
	size_t at = (size_t)sum & (scratch->places - 1);

	while (scratch->table[at] &&
	       scratch->sums[firsts[scratch->table[at] - 1]] != sum)
		at = (at + 1) & (scratch->places - 1);
	if (!scratch->table[at])
		scratch->table[at] = count + 1;
	return scratch->table[at];
}

/* Lists the classes group by group. Return: 0 or -ENOMEM. */
static int gather(struct scratch *scratch, const uint32_t *touched, size_t count,
		  struct split *split)
{
	auto_free uint32_t *groups = calloc(count + 1, sizeof(*groups));
	auto_free uint32_t *firsts = calloc(count + 1, sizeof(*firsts));

	split->starts = calloc(count + 2, sizeof(*split->starts));
	split->classes = calloc(count + 1, sizeof(*split->classes));
	if (!groups || !firsts || !split->starts || !split->classes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		groups[i] = find_group(scratch, firsts, (uint32_t)split->group_count,
				       scratch->sums[touched[i]]);
		if (groups[i] > split->group_count)
			firsts[split->group_count++] = touched[i];
		split->starts[groups[i]]++;
	}
	for (size_t i = 1; i <= split->group_count; i++)
		split->starts[i] += split->starts[i - 1];
	for (size_t i = count; i-- > 0;)
		split->classes[--split->starts[groups[i]]] = touched[i];
	/* Each start has come down to that of its own group. */
	memmove(split->starts, split->starts + 1,
		split->group_count * sizeof(*split->starts));
	split->starts[split->group_count] = count;
	return 0;
}

static void forget(struct scratch *scratch, const uint32_t *touched, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)scratch->sums[touched[i]] & (scratch->places - 1);

		/* Whole runs are cleared, so nothing is left behind a gap. */
		for (; scratch->table[at]; at = (at + 1) & (scratch->places - 1))
			scratch->table[at] = 0;
		scratch->sums[touched[i]] = 0;
	}
}

int split_make(struct splitter *splitter, size_t dimension, const uint64_t *within,
	       const struct live *live, size_t live_count, struct split *ret)
{
	const struct dimension *values = &splitter->space->dimensions[dimension];
	struct scratch *scratch = &splitter->scratch[dimension];
	size_t set_count = find_sets(scratch, dimension, live, live_count), count;
	auto_free uint32_t *touched = NULL;
	struct split split = { .group_count = 0 };
	int error;

	*ret = split;
	if (splitter->work > splitter->work_max)
		return -E2BIG;
	for (size_t i = 0; i < live_count; i++)
		splitter->work += live[i].count;
	if (set_count == 0)
		return 0;
	touched = calloc(values->class_count + 1, sizeof(*touched));
	if (!touched)
		return -ENOMEM;
	count = add_up(splitter, dimension, within, set_count, touched);
	error = gather(scratch, touched, count, &split);
	forget(scratch, touched, count);
	splitter->work += 4 * count;
	if (error) {
		split_done(&split);
		return error;
	}
	split.rest = bitmap_size(within, values->words) > count;
	*ret = split;
	return 0;
}
