/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table by number: at most 65,536 entries, looked up for every event. */
#include "agent/naming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct naming {
	struct name *list; /* by number, of the policy in force */
	size_t count;
	const struct numbering *numbering;
	const char
		*verdicts[NUMBER_MAX + 1]; /* of all policies of this life, or NULL */
	struct store_decider last;
};

struct naming *naming_new(void)
{
	return calloc(1, sizeof(struct naming));
}

void naming_free(struct naming *names)
{
	if (!names)
		return;
	free(names->list);
	free(names);
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* The rules that log, by id. */
static int logging_rules(const struct policy *policy, const struct rule ***ret,
			 size_t *ret_count)
{
	const struct rule **list = calloc(policy->rule_count + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].log)
			list[count++] = &policy->rules[i];
	qsort(list, count, sizeof(*list), compare_rules);
	*ret = list;
	*ret_count = count;
	return 0;
}

static struct name name_of(const struct image_decider *decider,
			   const struct rule **logging, size_t logging_count)
{
	const struct rule rule = { .id = decider->id };
	const struct rule *key = &rule;

	return (struct name){
		.decider = {
			.id = decider->id,
			.direction = direction_name(decider->direction),
			.from_zone = decider->from_zone,
			.to_zone = decider->to_zone,
			.verdict = verdict_name(decider->verdict),
		},
		.known = true,
		.in_force = true,
		.logged = bsearch(&key, logging, logging_count, sizeof(*logging),
				  compare_rules) != NULL,
	};
}

int naming_set(struct naming *names, const struct candidate *candidate,
	       const struct numbering *numbering)
{
	const struct image *image = candidate ? candidate->image : NULL;
	auto_free const struct rule **logging = NULL;
	auto_free struct name *list = NULL;
	size_t count = 1, logging_count = 0;

	for (size_t i = 0; image && i < image->decider_count; i++)
		if (image->deciders[i].number >= count)
			count = image->deciders[i].number + 1;
	list = calloc(count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	if (candidate && logging_rules(candidate->policy, &logging, &logging_count) < 0)
		return -ENOMEM;
	for (size_t i = 0; image && i < image->decider_count; i++) {
		const struct image_decider *decider = &image->deciders[i];

		list[decider->number] = name_of(decider, logging, logging_count);
		names->verdicts[decider->number] = verdict_name(decider->verdict);
	}
	free(names->list);
	names->list = take(list);
	names->count = count;
	names->numbering = numbering;
	return 0;
}

struct name naming_find(const struct naming *names, uint32_t number)
{
	const struct decider *earlier;
	struct name ret = { .decider = { "", "", "", "", "" } };

	if (number < names->count && names->list[number].known)
		return names->list[number];
	earlier = names->numbering ? numbering_find(names->numbering, number) : NULL;
	if (!earlier)
		return ret;
	ret.known = true;
	ret.decider.id = earlier->id;
	ret.decider.direction = direction_name(earlier->direction);
	ret.decider.from_zone = earlier->from_zone;
	ret.decider.to_zone = earlier->to_zone;
	if (names->verdicts[number])
		ret.decider.verdict = names->verdicts[number];
	return ret;
}

const struct store_decider *naming_decider(uint32_t number, void *context)
{
	struct naming *names = context;
	struct name name = naming_find(names, number);

	if (!name.known)
		return NULL;
	names->last = name.decider;
	return &names->last;
}
