/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/sets.h"

#include <stdio.h>
#include <string.h>

#include "compile/build.h"
#include "compile/digest.h"
#include "compile/span.h"

static void declare(struct build *build, const char *name, enum family family,
		    bool feed, const struct address_set *addresses)
{
	struct image *image = build->image;
	struct image_set *set =
		arena_grow(&image->arena, &image->sets, image->set_count, sizeof(*set));

	if (!set) {
		build_fail(build);
		return;
	}
	*set = (struct image_set){
		.name = (char *)name,
		.declaration =
			(char *)build_text(build,
					   "add set inet " TABLE_NAME
					   " %s { type ipv%d_addr; flags interval; }\n",
					   name, (int)family),
		.family = family,
		.feed = feed,
		.addresses = addresses,
	};
	image->set_count++;
}

const char *sets_feed(struct build *build, uint32_t feed, enum family family)
{
	struct sets *sets = &build->sets;
	const char **name;

	if (!sets->feeds)
		sets->feeds = build_alloc(build, build->policy->feed_count,
					  sizeof(*sets->feeds));
	if (!sets->feeds)
		return "";
	name = &sets->feeds[feed][family == FAMILY_IPV6];
	if (!*name) {
		*name = build_text(build, "f.%s.%d.%u", build->policy->feeds[feed].name,
				   (int)family, build->input->feed_generations[feed]);
		declare(build, *name, family, true, &build->input->feeds[feed]);
	}
	return *name;
}

/* A copy of one family's half that the image owns. Sets live in one array that is
 * never moved, since image_set points into it. */
static const struct address_set *
own(struct build *build, const struct address_set *addresses, enum family family)
{
	struct image *image = build->image;
	struct address_set *copy = arena_alloc(&image->arena, sizeof(*copy));
	size_t bytes = set_span_count(addresses, family);

	if (!copy)
		return NULL;
	if (family == FAMILY_IPV4) {
		bytes *= sizeof(*copy->v4);
		copy->v4 = (void *)arena_strndup(&image->arena,
						 (const char *)addresses->v4, bytes);
		copy->count4 = addresses->count4;
		return copy->v4 ? copy : NULL;
	}
	bytes *= sizeof(*copy->v6);
	copy->v6 = (void *)arena_strndup(&image->arena, (const char *)addresses->v6,
					 bytes);
	copy->count6 = addresses->count6;
	return copy->v6 ? copy : NULL;
}

static void name_static(struct build *build, const struct address_set *addresses,
			enum family family, char out[static 64])
{
	char digits[DIGEST_DIGITS + 1];
	struct digest digest;

	digest_init(&digest);
	digest_ranges(&digest, addresses, family);
	digest_finish(&digest, digits);
	snprintf(out, 64, "s.%s.%d", digits, (int)family);
	if (build->input->static_generation)
		snprintf(out + strlen(out), 64 - strlen(out), ".%u",
			 build->input->static_generation);
}

static size_t *bucket_of(struct sets *sets, const char *name)
{
	uint32_t hash = 2166136261u;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return &sets->buckets[hash % SET_BUCKETS];
}

static const char *add_static(struct build *build, const char *name, size_t *bucket,
			      const struct address_set *addresses, enum family family)
{
	struct sets *sets = &build->sets;
	struct static_set *set = arena_grow(&build->scratch, &sets->statics,
					    sets->static_count, sizeof(*set));
	const struct address_set *copy = own(build, addresses, family);

	if (!set || !copy) {
		build_fail(build);
		return "";
	}
	*set = (struct static_set){ build_text(build, "%s", name), *bucket };
	*bucket = ++sets->static_count;
	declare(build, set->name, family, false, copy);
	return set->name;
}

const char *sets_static(struct build *build, const struct address_set *addresses,
			enum family family)
{
	struct sets *sets = &build->sets;
	size_t *bucket, at;
	char name[64];

	if (!sets->buckets)
		sets->buckets = build_alloc(build, SET_BUCKETS, sizeof(*sets->buckets));
	if (!sets->buckets)
		return "";
	name_static(build, addresses, family, name);
	bucket = bucket_of(sets, name);
	for (at = *bucket; at; at = sets->statics[at - 1].next) {
		if (strcmp(sets->statics[at - 1].name, name) == 0)
			return sets->statics[at - 1].name;
	}
	return add_static(build, name, bucket, addresses, family);
}
