/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/revision.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagram/editing.h"
#include "diagram/words.h"

enum { RANGES_SHOWN = 4 };

struct edit *editing_add(struct editing *editing, enum edit_kind kind, const char *what,
			 const char *name, uint32_t line)
{
	struct revision *revision = editing->revision;
	struct edit *edit = arena_grow(&revision->arena, &revision->edits,
				       revision->count, sizeof(*edit));

	if (!edit) {
		editing->error = -ENOMEM;
		return NULL;
	}
	*edit = (struct edit){ kind, what, name, line, NULL, 0 };
	revision->count++;
	return edit;
}

void editing_detail(struct editing *editing, struct edit *edit, const char *format, ...)
{
	struct arena *arena = &editing->revision->arena;
	auto_free char *text = NULL;
	const char **place;
	va_list args;
	int size;

	if (!edit)
		return;
	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		text = NULL;
	place = arena_grow(arena, &edit->details, edit->detail_count, sizeof(*place));
	if (text && place)
		*place = arena_strndup(arena, text, (size_t)size);
	if (text && place && *place)
		edit->detail_count++;
	else
		editing->error = -ENOMEM;
}

void editing_texts(struct editing *editing, struct edit *edit, const char *what,
		   const struct buffer *before, const struct buffer *after)
{
	const char *old = before->data ? before->data : "";
	const char *new = after->data ? after->data : "";

	if (before->error || after->error)
		editing->error = -ENOMEM;
	else if (strcmp(old, new) != 0)
		editing_detail(editing, edit, "%s: %s -> %s", what, *old ? old : "none",
			       *new ? new : "none");
}

/* How many ranges it takes to tell what only @set has. */
static int count_extra(const struct address_set *set, const struct address_set *other,
		       size_t *ret)
{
	auto_address_set struct address_set extra = ADDRESS_SET_NULL;

	if (address_set_add_all(&extra, set) < 0)
		return -ENOMEM;
	address_set_finish(&extra);
	if (address_set_subtract(&extra, other) < 0)
		return -ENOMEM;
	*ret = extra.count4 + extra.count6;
	return 0;
}

void editing_sets(struct editing *editing, struct edit *edit, const char *what,
		  const struct address_set *before, const struct address_set *after)
{
	size_t added, removed;

	if (address_set_equal(before, after))
		return;
	if (count_extra(after, before, &added) < 0 ||
	    count_extra(before, after, &removed) < 0) {
		editing->error = -ENOMEM;
		return;
	}
	if (added && removed)
		editing_detail(editing, edit, "%s%zu range%s added, %zu removed", what,
			       added, added == 1 ? "" : "s", removed);
	else
		editing_detail(editing, edit, "%s%zu range%s %s", what, added + removed,
			       added + removed == 1 ? "" : "s",
			       added ? "added" : "removed");
}

void editing_drop(struct editing *editing, struct edit *edit)
{
	if (edit && edit->detail_count == 0)
		editing->revision->count--;
}

void write_zones(struct buffer *out, const struct policy *policy, const uint32_t *zones,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, i ? ", %s" : "%s", policy->zones[zones[i]].name);
}

static int write_family(struct buffer *out, const struct address_set *set,
			enum family family, struct arena *arena)
{
	size_t count = set_span_count(set, family);
	auto_free struct span *spans = calloc(count + 1, sizeof(*spans));
	struct words words;
	int error;

	if (!spans)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		spans[i] = set_span(set, family, i);
	error = words_addresses(spans, count, family, NULL, 0, arena, &words);
	if (!error)
		words_write(&words, family == FAMILY_IPV4 ? "any IPv4" : "any IPv6",
			    RANGES_SHOWN, out);
	return error;
}

int write_addresses(struct buffer *out, const struct policy *policy,
		    const struct address_set *set)
{
	struct arena arena = ARENA_INIT(0);
	int error = 0;

	for (size_t i = 0; i < policy->group_count; i++) {
		if (!address_set_equal(&policy->groups[i].addresses, set))
			continue;
		buffer_printf(out, "group %s", policy->groups[i].name);
		return 0;
	}
	if (set->count4)
		error = write_family(out, set, FAMILY_IPV4, &arena);
	if (set->count4 && set->count6)
		buffer_text(out, ", ");
	if (!error && set->count6)
		error = write_family(out, set, FAMILY_IPV6, &arena);
	arena_done(&arena);
	return error;
}

int revision_find(const struct diagram_input inputs[2], struct revision *ret)
{
	struct editing editing = { .revision = ret, .inputs = inputs };

	*ret = (struct revision){ .count = 0 };
	find_rule_edits(&editing);
	find_set_edits(&editing);
	find_setting_edits(&editing);
	return editing.error;
}

void revision_done(struct revision *revision)
{
	arena_done(&revision->arena);
	*revision = (struct revision){ .count = 0 };
}
