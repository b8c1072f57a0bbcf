/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiling policies in tests. Include it after cmocka.h. */
#pragma once

#include <stdlib.h>

#include "compile/transition.h"
#include "tests/unit/policy/reading.h"

enum { TEST_FEEDS_MAX = 2 };

/* A policy, its feeds and the image of both. */
struct compiled {
	struct policy *policy;
	struct address_set *feeds; /* the image borrows them */
	uint32_t generations[TEST_FEEDS_MAX];
	struct image *image;
};

static inline void compiled_done(struct compiled *compiled)
{
	image_free(compiled->image);
	for (size_t i = 0; compiled->feeds && i < TEST_FEEDS_MAX; i++)
		address_set_done(&compiled->feeds[i]);
	free(compiled->feeds);
	policy_free(compiled->policy);
}

#define auto_compiled __attribute__((cleanup(compiled_done)))

/* A finished set of "RANGE RANGE ...". */
static inline struct address_set addresses_of(const char *text)
{
	struct address_set set = ADDRESS_SET_NULL;
	char copy[512], *rest = copy, *word;
	struct address_range range;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " "))) {
		assert_int_equal(range_parse(word, &range), 0);
		assert_int_equal(address_set_add(&set, range), 0);
	}
	address_set_finish(&set);
	return set;
}

static inline struct image *compile_input(const struct compile_input *input)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct image *image = NULL;

	if (compile_policy(input, &image, &faults) < 0)
		fail_msg("%s", faults.count ? faults.list[0].text : "no memory");
	return image;
}

/* @feed: what each feed of the policy holds; NULL for nothing. */
static inline struct compiled compile_text(const char *text, const char *feed,
					   uint32_t generation,
					   struct numbering *numbering)
{
	struct compiled compiled = { .policy = read_good(text) };

	compiled.feeds = calloc(TEST_FEEDS_MAX, sizeof(*compiled.feeds));
	assert_non_null(compiled.feeds);
	assert_in_range(compiled.policy->feed_count, 0, TEST_FEEDS_MAX);
	for (size_t i = 0; i < compiled.policy->feed_count; i++) {
		if (feed)
			compiled.feeds[i] = addresses_of(feed);
		compiled.generations[i] = generation;
	}
	compiled.image = compile_input(&(struct compile_input){
		.policy = compiled.policy,
		.feeds = compiled.feeds,
		.feed_generations = compiled.generations,
		.numbering = numbering,
	});
	return compiled;
}
