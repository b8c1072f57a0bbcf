/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char lead[] = "add rule inet " TABLE_NAME " ";

/* Place in the script is place in memory, so texts can be compared by their address. */
static int compare_places(const void *left, const void *right)
{
	const struct known_rule *a = left, *b = right;
	int order = strcmp(a->chain, b->chain);

	return order ? order : (a->text > b->text) - (a->text < b->text);
}

static int compare_handles(const void *left, const void *right)
{
	const struct known_rule *a = left, *b = right;

	return (a->handle > b->handle) - (a->handle < b->handle);
}

static size_t count_lines(const char *text, size_t size_bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < size_bytes; i++)
		count += text[i] == '\n';
	return count;
}

/* Lines other than rules are not the compiler's. */
static void split(char *text, struct ruleset *ruleset)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) && rest) {
		char *chain = line + strlen(lead), *blank;

		if (strncmp(line, lead, strlen(lead)) != 0)
			continue;
		blank = strchr(chain, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		ruleset->rules[ruleset->count++] =
			(struct known_rule){ .chain = chain, .text = blank + 1 };
	}
}

int ruleset_begin(const struct image *image, struct ruleset *ret)
{
	size_t lines = count_lines(image->rules, image->rules_bytes);
	char *text = arena_strndup(&ret->arena, image->rules, image->rules_bytes);

	ret->rules = arena_alloc(&ret->arena, (lines + 1) * sizeof(*ret->rules));
	ret->next = arena_alloc(&ret->arena, (lines + 1) * sizeof(*ret->next));
	if (!text || !ret->rules || !ret->next)
		return -ENOMEM;
	split(text, ret);
	qsort(ret->rules, ret->count, sizeof(*ret->rules), compare_places);
	return 0;
}

/* The first rule of a chain, or the count. */
static size_t first_of(const struct ruleset *ruleset, const char *chain)
{
	size_t low = 0, high = ruleset->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ruleset->rules[middle].chain, chain) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int ruleset_name(struct ruleset *ruleset, const char *chain, uint64_t handle)
{
	size_t first = first_of(ruleset, chain), at;

	if (first == ruleset->count)
		return -EPROTO;
	at = first + ruleset->next[first]++;
	if (at >= ruleset->count || strcmp(ruleset->rules[at].chain, chain) != 0)
		return -EPROTO;
	ruleset->rules[at].handle = handle;
	ruleset->named++;
	return 0;
}

int ruleset_end(struct ruleset *ruleset)
{
	if (ruleset->named != ruleset->count)
		return -EPROTO;
	qsort(ruleset->rules, ruleset->count, sizeof(*ruleset->rules), compare_handles);
	return 0;
}

const struct known_rule *ruleset_find(const struct ruleset *ruleset, uint64_t handle)
{
	const struct known_rule key = { .handle = handle };

	if (ruleset->count == 0)
		return NULL;
	return bsearch(&key, ruleset->rules, ruleset->count, sizeof(key),
		       compare_handles);
}

void ruleset_done(struct ruleset *ruleset)
{
	arena_done(&ruleset->arena);
	*ruleset = (struct ruleset){ 0 };
}
