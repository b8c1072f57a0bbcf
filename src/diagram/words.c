/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

int words_add(struct words *words, struct arena *arena, const char *format, ...)
{
	auto_free char *text = NULL;
	const char **place;
	va_list args;
	int size;

	if (words->count == WORDS_ITEMS_MAX) {
		words->left_out++;
		return 0;
	}
	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		text = NULL;
		return -ENOMEM;
	}
	place = arena_grow(arena, &words->items, words->count, sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = arena_strndup(arena, text, (size_t)size);
	if (!*place)
		return -ENOMEM;
	words->count++;
	return 0;
}

bool words_equal(const struct words *a, const struct words *b)
{
	if (a->all != b->all || a->but != b->but || a->count != b->count ||
	    a->left_out != b->left_out)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

void words_write(const struct words *words, const char *all, size_t max,
		 struct buffer *out)
{
	/* One more is as short as "and 1 more". */
	size_t shown = words->count <= max + 1 && !words->left_out ? words->count : max;
	size_t more;

	if (shown > words->count)
		shown = words->count;
	more = words->count - shown + words->left_out;
	if (words->all) {
		buffer_text(out, all);
		return;
	}
	if (words->but)
		buffer_printf(out, "%s but ", all);
	if (words->name)
		buffer_printf(out, "%s (", words->name);
	for (size_t i = 0; i < shown; i++)
		buffer_printf(out, i ? ", %s" : "%s", words->items[i]);
	if (more)
		buffer_printf(out, " and %zu more", more);
	if (words->name)
		buffer_text(out, ")");
}

static bool spans_are(const struct span *spans, size_t count,
		      const struct address_set *set, enum family family)
{
	if (count == 0 || set_span_count(set, family) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!span_equal(spans[i], set_span(set, family, i)))
			return false;
	return true;
}

/* What a set of addresses is looked for in. */
struct search_names {
	const struct span *spans;
	size_t count;
	enum family family;
	const struct diagram_input *const *inputs;
	size_t input_count;
};

static bool has_group(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->group_count; i++)
		if (strcmp(policy->groups[i].name, name) == 0)
			return true;
	return false;
}

/* "group ops", also one that is another in the first policy. Return: 1, 0 when there
 * is none, or -ENOMEM. */
static int name_group(const struct search_names *search, struct arena *arena,
		      struct words *ret)
{
	for (size_t i = 0; i < search->input_count; i++) {
		const struct policy *policy = search->inputs[i]->policy;

		for (size_t j = 0; j < policy->group_count; j++) {
			const struct address_group *group = &policy->groups[j];
			bool was = i > 0 &&
				   has_group(search->inputs[0]->policy, group->name);
			int error;

			if (!spans_are(search->spans, search->count, &group->addresses,
				       search->family))
				continue;
			error = words_add(ret, arena,
					  was ? "group %s as it was" : "group %s",
					  group->name);
			return error ? error : 1;
		}
	}
	return 0;
}

/* The same for feeds. */
static int name_feed(const struct search_names *search, struct arena *arena,
		     struct words *ret)
{
	for (size_t i = 0; i < search->input_count; i++) {
		const struct diagram_input *input = search->inputs[i];

		for (size_t j = 0; j < input->policy->feed_count; j++) {
			int error;

			if (!input_knows(input, j) ||
			    !spans_are(search->spans, search->count, &input->feeds[j],
				       search->family))
				continue;
			error = words_add(ret, arena, "feed %s",
					  input->policy->feeds[j].name);
			return error ? error : 1;
		}
	}
	return 0;
}

static int find_name(const struct search_names *search, struct arena *arena,
		     struct words *ret)
{
	int r = name_group(search, arena, ret);

	return r ? r : name_feed(search, arena, ret);
}

/* The addresses between the spans. */
static struct span *invert(const struct span *spans, size_t count, enum family family,
			   size_t *ret)
{
	struct span *gaps = calloc(count + 1, sizeof(*gaps));
	uint128_t last = span_all(family).last, next = 0;
	size_t found = 0;

	*ret = 0;
	if (!gaps)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (spans[i].first > next)
			gaps[found++] = (struct span){ next, spans[i].first - 1 };
		next = spans[i].last + 1;
	}
	if (count == 0 || spans[count - 1].last < last)
		gaps[found++] = (struct span){ next, last };
	*ret = found;
	return gaps;
}

static int add_ranges(const struct span *spans, size_t count, enum family family,
		      struct arena *arena, struct words *ret)
{
	char text[RANGE_TEXT_MAX];
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = words_add(
			ret, arena, "%s",
			range_format((struct address_range){ family, spans[i].first,
							     spans[i].last },
				     text));
	return error;
}

int words_addresses(const struct span *spans, size_t count, enum family family,
		    const struct diagram_input *const *inputs, size_t input_count,
		    struct arena *arena, struct words *ret)
{
	enum { FEW = 3 };
	size_t gap_count;
	auto_free struct span *gaps = invert(spans, count, family, &gap_count);
	struct search_names search = { spans, count, family, inputs, input_count };
	int r;

	*ret = (struct words){ .all = gaps && gap_count == 0 };
	if (!gaps)
		return -ENOMEM;
	r = ret->all ? 1 : find_name(&search, arena, ret);
	if (r)
		return r < 0 ? r : 0;
	search.spans = gaps;
	search.count = gap_count;
	r = find_name(&search, arena, ret);
	/* From the first address or to the last is no hole in anything. */
	ret->but = r > 0 || (count > FEW && gap_count < count) ||
		   (gap_count == 1 && count > 1);
	if (r)
		return r < 0 ? r : 0;
	return ret->but ? add_ranges(gaps, gap_count, family, arena, ret)
			: add_ranges(spans, count, family, arena, ret);
}

enum { DAYS = 7, DAY_SECONDS = 86400, HOURS_BYTES = 200 };

static void write_clock(char out[static 12], uint32_t seconds)
{
	if (seconds % 60)
		snprintf(out, 12, "%02u:%02u:%02u", seconds / 3600 % 100,
			 seconds / 60 % 60, seconds % 60);
	else
		snprintf(out, 12, "%02u:%02u", seconds / 3600 % 100, seconds / 60 % 60);
}

/* The part of a span that falls on a day, behind what is there of it. */
static void write_hours(char out[static HOURS_BYTES], struct span span, uint32_t day)
{
	uint32_t begin = day * DAY_SECONDS, end = begin + DAY_SECONDS;
	uint32_t first = (uint32_t)span.first, last = (uint32_t)span.last + 1;
	size_t used = strlen(out);
	char from[12], to[12];

	if (first >= end || last <= begin)
		return;
	write_clock(from, first > begin ? first - begin : 0);
	write_clock(to, last < end ? last - begin : DAY_SECONDS);
	snprintf(out + used, HOURS_BYTES - used, "%s%s-%s", used ? "," : "", from, to);
}

int words_times(const struct span *spans, size_t count, struct arena *arena,
		struct words *ret)
{
	static const char *const names[] = { "sun", "mon", "tue", "wed",
					     "thu", "fri", "sat" };
	char hours[DAYS][HOURS_BYTES] = { "" };
	int error = 0;

	*ret = (struct words){ .all = count == 1 && spans[0].first == 0 &&
				      spans[0].last == DAYS * DAY_SECONDS - 1 };
	for (size_t i = 0; i < count; i++)
		for (uint32_t day = 0; day < DAYS; day++)
			write_hours(hours[day], spans[i], day);
	for (size_t day = 0; day < DAYS && !ret->all && !error; day++) {
		char days[DAYS * 4 + 1] = "";
		bool told = false;

		for (size_t i = 0; i < day; i++)
			told |= strcmp(hours[i], hours[day]) == 0;
		if (told || !hours[day][0])
			continue;
		for (size_t i = day; i < DAYS; i++)
			if (strcmp(hours[i], hours[day]) == 0)
				sprintf(days + strlen(days), "%s%s", *days ? "," : "",
					names[i]);
		error = words_add(ret, arena, "%s %s", days, hours[day]);
	}
	return error;
}
