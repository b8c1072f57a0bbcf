/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/numbering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

enum { BUCKETS = 16384 };

struct slot {
	struct decider decider; /* owns its strings; number 0 in an empty slot */
	uint32_t next;          /* in the same bucket */
	bool in_use;            /* assigned since numbering_begin() */
};

struct numbering {
	struct slot slots[NUMBER_MAX + 1]; /* by number */
	uint32_t buckets[BUCKETS];
	uint32_t next_free;  /* all numbers below have been given away once */
	uint32_t next_reuse; /* all numbers below are in use */
};

struct numbering *numbering_new(void)
{
	struct numbering *numbering = calloc(1, sizeof(*numbering));

	if (numbering) {
		numbering->next_free = NUMBER_FIRST_FREE;
		numbering->next_reuse = NUMBER_FIRST_FREE;
	}
	return numbering;
}

static void release(struct decider *decider)
{
	free((char *)decider->id);
	free((char *)decider->from_zone);
	free((char *)decider->to_zone);
	*decider = (struct decider){ 0 };
}

void numbering_free(struct numbering *numbering)
{
	if (!numbering)
		return;
	for (size_t i = 0; i <= NUMBER_MAX; i++)
		release(&numbering->slots[i].decider);
	free(numbering);
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
	/* FNV-1a, with the NUL so that neighbours do not run together. */
	do {
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	} while (*text++);
	return hash;
}

static uint32_t *bucket_of(struct numbering *numbering, const struct decider *decider)
{
	uint32_t hash = 2166136261u ^ (uint32_t)decider->direction;

	hash = hash_text(hash, decider->id);
	hash = hash_text(hash, decider->from_zone);
	hash = hash_text(hash, decider->to_zone);
	return &numbering->buckets[hash % BUCKETS];
}

static bool same(const struct decider *a, const struct decider *b)
{
	return a->direction == b->direction && strcmp(a->id, b->id) == 0 &&
	       strcmp(a->from_zone, b->from_zone) == 0 &&
	       strcmp(a->to_zone, b->to_zone) == 0;
}

static struct slot *find(struct numbering *numbering, const struct decider *decider)
{
	uint32_t number = *bucket_of(numbering, decider);

	while (number && !same(&numbering->slots[number].decider, decider))
		number = numbering->slots[number].next;
	return number ? &numbering->slots[number] : NULL;
}

static void drop(struct numbering *numbering, struct slot *slot)
{
	uint32_t *link = bucket_of(numbering, &slot->decider);

	while (*link != slot->decider.number)
		link = &numbering->slots[*link].next;
	*link = slot->next;
	release(&slot->decider);
	slot->next = 0;
}

/* Take an empty slot for a copy of @decider. */
static int fill(struct numbering *numbering, uint32_t number,
		const struct decider *decider)
{
	struct slot *slot = &numbering->slots[number];
	uint32_t *bucket = bucket_of(numbering, decider);
	struct decider copy = {
		.number = number,
		.id = strdup(decider->id),
		.direction = decider->direction,
		.from_zone = strdup(decider->from_zone),
		.to_zone = strdup(decider->to_zone),
	};

	if (!copy.id || !copy.from_zone || !copy.to_zone) {
		release(&copy);
		return -ENOMEM;
	}
	*slot = (struct slot){ .decider = copy, .next = *bucket };
	*bucket = number;
	return 0;
}

/* An empty slot's number, made empty if need be. */
static uint32_t pick(struct numbering *numbering, uint32_t limit)
{
	uint32_t *number = &numbering->next_free;

	while (*number <= limit && numbering->slots[*number].decider.number)
		(*number)++;
	if (*number <= limit)
		return *number;
	number = &numbering->next_reuse;
	while (*number <= limit && numbering->slots[*number].in_use)
		(*number)++;
	if (*number > limit)
		return NUMBER_NONE;
	/* It may be empty: what a narrower mark moved away left it so. */
	if (numbering->slots[*number].decider.number)
		drop(numbering, &numbering->slots[*number]);
	return *number;
}

uint32_t numbering_assign(struct numbering *numbering, const char *id,
			  enum direction direction, const char *from_zone,
			  const char *to_zone, uint32_t limit)
{
	struct decider wanted = { .id = id,
				  .direction = direction,
				  .from_zone = from_zone,
				  .to_zone = to_zone };
	struct slot *slot = find(numbering, &wanted);
	uint32_t number;

	if (slot && slot->decider.number <= limit) {
		slot->in_use = true;
		return slot->decider.number;
	}
	if (limit > NUMBER_MAX)
		limit = NUMBER_MAX;
	number = pick(numbering, limit);
	if (number == NUMBER_NONE)
		return NUMBER_NONE;
	/* The mark has become narrower than the old number. */
	if (slot)
		drop(numbering, slot);
	if (fill(numbering, number, &wanted) < 0)
		return NUMBER_NONE;
	numbering->slots[number].in_use = true;
	return number;
}

void numbering_begin(struct numbering *numbering)
{
	for (size_t i = 0; i <= NUMBER_MAX; i++)
		numbering->slots[i].in_use = false;
	numbering->next_reuse = NUMBER_FIRST_FREE;
}

const struct decider *numbering_find(const struct numbering *numbering, uint32_t number)
{
	if (number > NUMBER_MAX || !numbering->slots[number].decider.number)
		return NULL;
	return &numbering->slots[number].decider;
}

static bool is_name(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && length <= NAME_MAX_CHARS && text[length] == '\0';
}

static int read_direction(const char *text, enum direction *ret)
{
	for (int i = DIRECTION_INPUT; i <= DIRECTION_OUTPUT; i++) {
		if (strcmp(text, direction_name((enum direction)i)) == 0) {
			*ret = (enum direction)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_number(const char *text, uint32_t *ret)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 5 || text[length] != '\0' || text[0] == '0')
		return -EINVAL;
	*ret = (uint32_t)strtoul(text, NULL, 10);
	return *ret <= NUMBER_MAX ? 0 : -EINVAL;
}

static int read_zone(const char *text, const char **ret)
{
	if (strcmp(text, "-") == 0)
		*ret = "";
	else if (is_name(text))
		*ret = text;
	else
		return -EINVAL;
	return 0;
}

/* One line, which is cut into its words. */
static int read_line(struct numbering *numbering, char *line)
{
	struct decider decider = { 0 };
	char *words[5];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = strsep(&line, " ");
		if (!words[i])
			return -EINVAL;
	}
	if (line || read_number(words[0], &decider.number) < 0 ||
	    read_direction(words[1], &decider.direction) < 0 ||
	    read_zone(words[2], &decider.from_zone) < 0 ||
	    read_zone(words[3], &decider.to_zone) < 0 || !is_name(words[4]))
		return -EINVAL;
	decider.id = words[4];
	if (numbering->slots[decider.number].decider.number ||
	    find(numbering, &decider))
		return -EINVAL;
	return fill(numbering, decider.number, &decider);
}

static int read_all(struct numbering *numbering, char *text)
{
	while (*text) {
		char *line = strsep(&text, "\n");
		int r;

		if (!text)
			return -EINVAL; /* the last line is cut off */
		r = read_line(numbering, line);
		if (r < 0)
			return r;
	}
	return 0;
}

int numbering_read(struct numbering *numbering, const char *text, size_t size_bytes)
{
	auto_free char *copy = malloc(size_bytes + 1);
	bool *before;
	int r;

	if (!copy)
		return -ENOMEM;
	if (memchr(text, '\0', size_bytes))
		return -EINVAL;
	if (size_bytes)
		memcpy(copy, text, size_bytes);
	copy[size_bytes] = '\0';
	before = calloc(NUMBER_MAX + 1, sizeof(*before));
	if (!before)
		return -ENOMEM;
	for (size_t i = 0; i <= NUMBER_MAX; i++)
		before[i] = numbering->slots[i].decider.number;
	r = read_all(numbering, copy);
	for (size_t i = 0; r < 0 && i <= NUMBER_MAX; i++) {
		if (numbering->slots[i].decider.number && !before[i])
			drop(numbering, &numbering->slots[i]);
	}
	free(before);
	return r;
}

static const char *zone_or_dash(const char *zone)
{
	return *zone ? zone : "-";
}

void numbering_write(const struct numbering *numbering, struct buffer *out)
{
	for (size_t i = 0; i <= NUMBER_MAX; i++) {
		const struct decider *decider = &numbering->slots[i].decider;

		if (decider->number)
			buffer_printf(out, "%u %s %s %s %s\n", decider->number,
				      direction_name(decider->direction),
				      zone_or_dash(decider->from_zone),
				      zone_or_dash(decider->to_zone), decider->id);
	}
}
