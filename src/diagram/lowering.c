/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/lowering.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { DAY_SECONDS = 86400, DAYS = 7 };

void spans_add(struct spans *spans, struct span span)
{
	if (spans->count == spans->capacity) {
		size_t larger = spans->capacity ? 2 * spans->capacity : 16;
		struct span *grown = reallocarray(spans->list, larger, sizeof(*grown));

		if (!grown) {
			spans->error = -ENOMEM;
			return;
		}
		spans->list = grown;
		spans->capacity = larger;
	}
	spans->list[spans->count++] = span;
}

void spans_done(struct spans *spans)
{
	free(spans->list);
}

static int compare_spans(const void *left, const void *right)
{
	const struct span *a = left;
	const struct span *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

static void normalise(struct spans *spans)
{
	size_t kept = 0;

	if (spans->count == 0)
		return;
	qsort(spans->list, spans->count, sizeof(*spans->list), compare_spans);
	for (size_t i = 1; i < spans->count; i++) {
		struct span *last = &spans->list[kept], next = spans->list[i];

		if (next.first > last->last && next.first - last->last > 1)
			spans->list[++kept] = next;
		else if (next.last > last->last)
			last->last = next.last;
	}
	spans->count = kept + 1;
}

int lowering_set(struct space *space, enum dimension_id id, struct spans *spans,
		 uint32_t *ret)
{
	int error = spans->error;

	normalise(spans);
	if (!error && spans->count == 0)
		return 0;
	if (!error)
		error = dimension_add(&space->dimensions[id], spans->list, spans->count,
				      ret);
	return error ? error : 1;
}

bool lowering_meets(const struct space *space, uint8_t protocol)
{
	if (protocol == IPPROTO_ICMP)
		return space->family == FAMILY_IPV4;
	return protocol != IPPROTO_ICMPV6 || space->family == FAMILY_IPV6;
}

/* The question whether an address is in a feed that nobody has read. */
static int ask_feed(struct space *space, const struct unknown_feed *feed, size_t *ret)
{
	struct dimension *dimension = &space->dimensions[space->dimension_count];
	size_t i = DIM_FEEDS;
	int error;

	for (; i < space->dimension_count; i++) {
		const struct unknown_feed *known = &space->unknown[i];

		if (strcmp(known->name, feed->name) == 0 &&
		    strcmp(known->file, feed->file) == 0 &&
		    known->source == feed->source && known->nat == feed->nat)
			break;
	}
	*ret = i;
	if (i < space->dimension_count)
		return 0;
	if (i == DIMENSIONS_MAX)
		return -E2BIG;
	space->unknown[i] = *feed;
	error = dimension_init(dimension, &space->arena, 1);
	space->dimension_count++;
	return error;
}

static int add_unknown(struct space *space, const struct rule_list *list, uint32_t feed,
		       bool source, const struct nat *nat, struct alternatives *ret)
{
	const struct span yes = { 1, 1 };
	const struct unknown_feed question = {
		.name = list->input.policy->feeds[feed].name,
		.file = list->input.policy->feeds[feed].file,
		.source = source,
		.nat = nat,
	};
	struct alternative *place = &ret->list[ret->count];
	int error = ask_feed(space, &question, &place->dimension);

	if (!error)
		error = dimension_add(&space->dimensions[place->dimension], &yes, 1,
				      &place->set);
	ret->count += !error;
	return error;
}

static void add_ranges(struct spans *spans, const struct address_set *set,
		       enum family family)
{
	for (size_t i = 0; i < set_span_count(set, family); i++)
		spans_add(spans, set_span(set, family, i));
}

static int add_everything(struct alternatives *ret, enum dimension_id id)
{
	ret->list[ret->count++] = (struct alternative){ id, SET_ALL };
	return 0;
}

int lowering_addresses(struct space *space, const struct rule_list *list,
		       const struct endpoint *end, enum dimension_id id,
		       struct alternatives *ret)
{
	auto_spans struct spans spans = { 0 };
	uint32_t set;
	int r;

	ret->count = 0;
	if (!end->restricted)
		return add_everything(ret, id);
	if (end->feed_count >= DIMENSIONS_MAX)
		return -E2BIG;
	add_ranges(&spans, &end->addresses, space->family);
	for (size_t i = 0; i < end->feed_count; i++)
		if (input_knows(&list->input, end->feeds[i]))
			add_ranges(&spans, &list->input.feeds[end->feeds[i]],
				   space->family);
	r = lowering_set(space, id, &spans, &set);
	if (r > 0)
		ret->list[ret->count++] = (struct alternative){ id, set };
	for (size_t i = 0; r >= 0 && i < end->feed_count; i++)
		if (!input_knows(&list->input, end->feeds[i]))
			r = add_unknown(space, list, end->feeds[i], id == DIM_SOURCE,
					NULL, ret);
	return r < 0 ? r : 0;
}

int lowering_reaches(struct space *space, const struct rule_list *list,
		     const struct endpoint *end, const struct nat *nat,
		     struct alternatives *ret)
{
	bool reached =
		!end->restricted || address_set_contains(&end->addresses, nat->target);
	int error = 0;

	ret->count = 0;
	if (end->feed_count >= DIMENSIONS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < end->feed_count; i++)
		if (input_knows(&list->input, end->feeds[i]))
			reached |= address_set_contains(
				&list->input.feeds[end->feeds[i]], nat->target);
	/* Where the packet was sent to before does not matter. */
	if (reached)
		return add_everything(ret, DIM_DESTINATION);
	for (size_t i = 0; !error && i < end->feed_count; i++)
		if (!input_knows(&list->input, end->feeds[i]))
			error = add_unknown(space, list, end->feeds[i], false, nat,
					    ret);
	return error;
}

static bool names_zone(const uint32_t *zones, size_t count, uint32_t zone)
{
	for (size_t i = 0; i < count; i++)
		if (zones[i] == zone)
			return true;
	return false;
}

int lowering_zones(struct space *space, const struct rule_list *list,
		   enum dimension_id id, const struct endpoint *end,
		   const struct nat *only, uint32_t *ret)
{
	auto_spans struct spans spans = { 0 };
	size_t which = (size_t)(list - space->lists);
	bool everywhere = !end || end->host || end->any_zone;

	if (everywhere && !only) {
		*ret = SET_ALL;
		return 1;
	}
	for (size_t i = 0; i < space->atoms.count; i++) {
		uint32_t zone = space->atoms.items[i].zones[which];

		if ((everywhere || names_zone(end->zones, end->zone_count, zone)) &&
		    (!only ||
		     names_zone(only->from_zones, only->from_zone_count, zone)))
			spans_add(&spans, (struct span){ i, i });
	}
	return lowering_set(space, id, &spans, ret);
}

int lowering_time(struct space *space, const struct schedule *schedule, uint32_t *ret)
{
	auto_spans struct spans spans = { 0 };
	uint32_t to_s = schedule->to_s;

	if (!schedule->set) {
		*ret = SET_ALL;
		return 1;
	}
	if (to_s <= schedule->from_s)
		to_s += DAY_SECONDS;
	for (uint32_t day = 0; day < DAYS; day++) {
		uint32_t first = day * DAY_SECONDS + schedule->from_s;
		uint32_t last = day * DAY_SECONDS + to_s - 1;

		if (!(schedule->days >> day & 1))
			continue;
		if (first >= WEEK_S) {
			first -= WEEK_S;
			last -= WEEK_S;
		}
		spans_add(&spans,
			  (struct span){ first, last < WEEK_S ? last : WEEK_S - 1 });
		if (last >= WEEK_S)
			spans_add(&spans, (struct span){ 0, last - WEEK_S });
	}
	return lowering_set(space, DIM_TIME, &spans, ret);
}

int lowering_entry(struct space *space, struct rule_list *list,
		   const uint32_t sets[static DIMENSIONS_MAX], uint32_t decider)
{
	struct entry *entry = arena_grow(&space->arena, &list->entries,
					 list->entry_count, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	if (list->entry_count == ENTRIES_MAX)
		return -E2BIG;
	memcpy(entry->sets, sets, sizeof(entry->sets));
	entry->decider = decider;
	list->entry_count++;
	return 0;
}

int lowering_ends(struct space *space, struct rule_list *list,
		  const uint32_t sets[static DIMENSIONS_MAX],
		  const struct alternatives *from, const struct alternatives *to,
		  uint32_t decider)
{
	uint32_t filled[DIMENSIONS_MAX];
	int error = 0;

	for (size_t i = 0; i < from->count; i++) {
		for (size_t j = 0; j < to->count && !error; j++) {
			memcpy(filled, sets, sizeof(filled));
			filled[from->list[i].dimension] = from->list[i].set;
			filled[to->list[j].dimension] = to->list[j].set;
			error = lowering_entry(space, list, filled, decider);
		}
	}
	return error;
}
