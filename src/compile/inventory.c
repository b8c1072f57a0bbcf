/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/transition.h"
#include "helper/protocol.h"

void inventory_done(struct inventory *inventory)
{
	arena_done(&inventory->arena);
	*inventory = (struct inventory){ 0 };
}

int inventory_add_name(struct inventory *inventory, const char ***names, size_t *count,
		       const char *name)
{
	const char **place =
		arena_grow(&inventory->arena, names, *count, sizeof(*place));

	if (!place)
		return -ENOMEM;
	*place = arena_strndup(&inventory->arena, name, strlen(name));
	if (!*place)
		return -ENOMEM;
	(*count)++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_names(const char **names, size_t count)
{
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
}

bool inventory_has(const char *const *names, size_t count, const char *name)
{
	return count &&
	       bsearch(&name, names, count, sizeof(*names), compare_names) != NULL;
}

void inventory_finish(struct inventory *inventory)
{
	size_t prefix_length = strlen(HELPER_TAG_PREFIX), tags = 0;

	sort_names(inventory->chains, inventory->chain_count);
	sort_names(inventory->sets, inventory->set_count);
	sort_names(inventory->counters, inventory->counter_count);
	for (size_t i = 0; i < inventory->chain_count; i++) {
		const char *name = inventory->chains[i];

		if (strncmp(name, HELPER_TAG_PREFIX, prefix_length) != 0)
			continue;
		tags++;
		snprintf(inventory->tag, sizeof(inventory->tag), "%s",
			 name + prefix_length);
	}
	if (tags != 1)
		inventory->tag[0] = '\0';
}

static int add_objects(struct inventory *inventory, const char ***names, size_t *count,
		       const struct image_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++) {
		int r = inventory_add_name(inventory, names, count,
					   objects->items[i].name);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_image(struct inventory *inventory, const struct image *image)
{
	char tag_chain[sizeof(HELPER_TAG_PREFIX) + sizeof(image->tag)];
	int r;

	snprintf(tag_chain, sizeof(tag_chain), HELPER_TAG_PREFIX "%s", image->tag);
	r = inventory_add_name(inventory, &inventory->chains, &inventory->chain_count,
			       tag_chain);
	for (size_t i = 0; r == 0 && i < image->set_count; i++)
		r = inventory_add_name(inventory, &inventory->sets,
				       &inventory->set_count, image->sets[i].name);
	if (r == 0)
		r = add_objects(inventory, &inventory->chains, &inventory->chain_count,
				&image->chains);
	if (r == 0)
		r = add_objects(inventory, &inventory->sets, &inventory->set_count,
				&image->dynamic_sets);
	if (r == 0)
		r = add_objects(inventory, &inventory->counters,
				&inventory->counter_count, &image->counters);
	return r;
}

int inventory_of_image(const struct image *image, struct inventory *ret)
{
	struct inventory inventory = { .table = true };
	int r = add_image(&inventory, image);

	if (r < 0) {
		inventory_done(&inventory);
		return r;
	}
	inventory_finish(&inventory);
	*ret = inventory;
	return 0;
}

/* The number after the last dot, 0 where there is none. */
static uint32_t last_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	unsigned long number;
	char *end;

	if (!dot || dot[1] < '0' || dot[1] > '9')
		return 0;
	number = strtoul(dot + 1, &end, 10);
	return *end || number > UINT32_MAX ? 0 : (uint32_t)number;
}

static bool is_feed_set(const char *set, const char *feed)
{
	size_t length = strlen(feed);

	return strncmp(set, "f.", 2) == 0 && strncmp(set + 2, feed, length) == 0 &&
	       (strncmp(set + 2 + length, ".4.", 3) == 0 ||
		strncmp(set + 2 + length, ".6.", 3) == 0) &&
	       !strchr(set + 2 + length + 3, '.');
}

uint32_t inventory_feed_generation(const struct inventory *inventory, const char *feed)
{
	uint32_t lowest = 0;

	for (size_t i = 0; i < inventory->set_count; i++) {
		const char *set = inventory->sets[i];
		uint32_t generation = is_feed_set(set, feed) ? last_number(set) : 0;

		if (generation && (!lowest || generation < lowest))
			lowest = generation;
	}
	return lowest;
}

/* The family at the end of a static set's name without a generation counts for one as
 * well, which does no harm. */
uint32_t inventory_free_generation(const struct inventory *inventory)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < inventory->set_count; i++) {
		const char *set = inventory->sets[i];

		if ((strncmp(set, "f.", 2) == 0 || strncmp(set, "s.", 2) == 0) &&
		    last_number(set) > highest)
			highest = last_number(set);
	}
	return highest == UINT32_MAX ? 1 : highest + 1;
}
