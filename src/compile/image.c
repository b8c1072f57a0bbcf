/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compile/digest.h"
#include "helper/protocol.h"
#include "compile/transition.h"

static int compare_objects(const void *a, const void *b)
{
	const struct image_object *x = a, *y = b;

	if (x->base != y->base)
		return x->base - y->base;
	return strcmp(x->name, y->name);
}

static int compare_sets(const void *a, const void *b)
{
	const struct image_set *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int compare_deciders(const void *a, const void *b)
{
	const struct image_decider *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Several may ask for the same object. */
static void sort_objects(struct image_objects *objects)
{
	size_t kept = 0;

	if (objects->count == 0)
		return;
	qsort(objects->items, objects->count, sizeof(*objects->items), compare_objects);
	for (size_t i = 1; i < objects->count; i++) {
		if (compare_objects(&objects->items[kept], &objects->items[i]) != 0)
			objects->items[++kept] = objects->items[i];
	}
	objects->count = kept + 1;
}

static void add_objects(struct buffer *out, const struct image_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		buffer_text(out, objects->items[i].declaration);
}

static void digest_objects(struct digest *digest, const struct image_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		digest_text(digest, objects->items[i].declaration);
}

/* The names of static sets are made of their elements. */
static void make_tags(struct image *image)
{
	struct digest digest, whole;

	digest_init(&digest);
	for (size_t i = 0; i < image->set_count; i++)
		digest_text(&digest, image->sets[i].declaration);
	digest_objects(&digest, &image->counters);
	digest_objects(&digest, &image->dynamic_sets);
	digest_objects(&digest, &image->chains);
	digest_text(&digest, image->rules);
	whole = digest;
	digest_finish(&digest, image->script_tag);
	for (size_t i = 0; i < image->set_count; i++) {
		const struct image_set *set = &image->sets[i];

		if (set->feed)
			digest_ranges(&whole, set->addresses, set->family);
	}
	digest_finish(&whole, image->tag);
}

int image_finish(struct image *image, struct buffer *rules)
{
	int r = buffer_take(rules, &image->rules, &image->rules_bytes);

	if (r < 0)
		return r;
	if (image->set_count)
		qsort(image->sets, image->set_count, sizeof(*image->sets),
		      compare_sets);
	if (image->decider_count)
		qsort(image->deciders, image->decider_count, sizeof(*image->deciders),
		      compare_deciders);
	sort_objects(&image->counters);
	sort_objects(&image->dynamic_sets);
	sort_objects(&image->chains);
	make_tags(image);
	return 0;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	arena_done(&image->arena);
	free(image->rules);
	free(image);
}

void transition_script(const struct image *image, struct buffer *out)
{
	buffer_text(out, "add table inet " TABLE_NAME "\n");
	for (size_t i = 0; i < image->set_count; i++)
		buffer_text(out, image->sets[i].declaration);
	add_objects(out, &image->counters);
	add_objects(out, &image->dynamic_sets);
	add_objects(out, &image->chains);
	buffer_add(out, image->rules, image->rules_bytes);
	buffer_printf(out, "add chain inet " TABLE_NAME " " HELPER_TAG_PREFIX "%s\n",
		      image->tag);
}
