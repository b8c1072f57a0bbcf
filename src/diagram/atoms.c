/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/atoms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Every one is held against all others. */
enum { PATTERNS_MAX = 10000 };

static bool is_wildcard(const char *pattern)
{
	size_t size = strlen(pattern);

	return size > 0 && pattern[size - 1] == '*';
}

/* How much of the name a pattern tells; an exact name tells all and its end. 0: it does
 * not match. */
static size_t match(const char *pattern, const char *interface)
{
	size_t size = strlen(pattern);

	if (!is_wildcard(pattern))
		return strcmp(pattern, interface) == 0 ? size + 1 : 0;
	return strncmp(pattern, interface, size - 1) == 0 ? size : 0;
}

/* The most telling pattern of a policy. */
static const char *find(const struct policy *policy, const char *interface,
			uint32_t *ret_zone)
{
	const char *found = NULL;
	size_t best = 0;

	*ret_zone = ATOM_NO_ZONE;
	for (uint32_t i = 0; i < policy->zone_count; i++) {
		const struct zone *zone = &policy->zones[i];

		for (size_t j = 0; j < zone->interface_count; j++) {
			size_t size = match(zone->interfaces[j], interface);

			if (size <= best)
				continue;
			best = size;
			found = zone->interfaces[j];
			*ret_zone = i;
		}
	}
	return found;
}

struct making {
	const struct policy *const *policies;
	struct arena *arena;
	struct atoms *atoms;
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether no pattern tells more of a name than this one does (or any, for NULL). */
static bool decides(const struct making *making, const char *pattern,
		    const char *interface)
{
	size_t told = pattern ? match(pattern, interface) : 0;
	bool decided = !pattern;

	if (strcmp(interface, "lo") == 0)
		return false;
	for (size_t i = 0; i < 2; i++) {
		uint32_t zone;
		const char *found = find(making->policies[i], interface, &zone);

		if (found && match(found, interface) > told)
			return false;
		decided |= same(found, pattern);
	}
	return decided;
}

/* A name that this pattern decides about, as short as there is. */
static bool invent(const struct making *making, const char *pattern,
		   char out[static INTERFACE_MAX_CHARS + 1])
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	enum { LETTERS = sizeof(letters) - 1 };
	int stem = pattern ? (int)strlen(pattern) - is_wildcard(pattern) : 3;
	const char *text = pattern ? pattern : "eth";

	if (pattern && !is_wildcard(pattern)) {
		strcpy(out, pattern);
		return decides(making, pattern, out);
	}
	for (int i = 0; i < LETTERS * (LETTERS + 1); i++) {
		char tail[3] = { letters[i % LETTERS] };

		if (i >= LETTERS)
			tail[1] = letters[i / LETTERS - 1];
		if (snprintf(out, INTERFACE_MAX_CHARS + 1, "%.*s%s", stem, text,
			     tail) <= INTERFACE_MAX_CHARS &&
		    decides(making, pattern, out))
			return true;
	}
	snprintf(out, INTERFACE_MAX_CHARS + 1, "%.*s", stem, text);
	return stem > 0 && decides(making, pattern, out);
}

static int add(struct making *making, const char *pattern)
{
	struct atom fresh = { .patterns = NULL }, *atom = NULL;
	const char **place;

	if (!invent(making, pattern, fresh.interface))
		return 0;
	for (size_t i = 0; i < 2; i++)
		find(making->policies[i], fresh.interface, &fresh.zones[i]);
	for (size_t i = 0; i < making->atoms->count; i++)
		if (memcmp(making->atoms->items[i].zones, fresh.zones,
			   sizeof(fresh.zones)) == 0)
			atom = &making->atoms->items[i];
	if (!atom) {
		atom = arena_grow(making->arena, &making->atoms->items,
				  making->atoms->count, sizeof(*atom));
		if (!atom)
			return -ENOMEM;
		*atom = fresh;
		making->atoms->count++;
	}
	if (!pattern)
		return 0;
	for (size_t i = 0; i < atom->pattern_count; i++)
		if (strcmp(atom->patterns[i], pattern) == 0)
			return 0;
	place = arena_grow(making->arena, &atom->patterns, atom->pattern_count,
			   sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = pattern;
	atom->pattern_count++;
	return 0;
}

static size_t count_patterns(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->zone_count; i++)
		count += policy->zones[i].interface_count;
	return count;
}

int atoms_make(const struct policy *const policies[2], struct arena *arena,
	       struct atoms *ret)
{
	struct making making = { policies, arena, ret };
	int error = 0;

	if (count_patterns(policies[0]) + count_patterns(policies[1]) > PATTERNS_MAX)
		return -E2BIG;
	for (size_t i = 2; i-- > 0;) {
		const struct policy *policy = policies[i];

		for (size_t j = 0; j < policy->zone_count; j++) {
			const struct zone *zone = &policy->zones[j];

			for (size_t k = 0; k < zone->interface_count && !error; k++)
				error = add(&making, zone->interfaces[k]);
		}
		if (policies[0] == policies[1])
			break;
	}
	return error ? error : add(&making, NULL);
}
