/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies to scripts, for the compiler's unit tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/transition.h"

enum { COMPILED_FEEDS_MAX = 4 };

/* An image with all that it needs to live. Zeroed is "nothing yet". */
struct compiled {
	struct policy *policy;
	struct numbering *numbering;
	struct address_set feeds[COMPILED_FEEDS_MAX];
	uint32_t generations[COMPILED_FEEDS_MAX];
	uint32_t static_generation;
	int32_t utc_offset_s;
	bool plain;
	struct image *image;
	struct faults faults;
};

static inline int compiled_try(struct compiled *compiled, const char *text)
{
	struct compile_input input = { .feeds = compiled->feeds,
				       .feed_generations = compiled->generations,
				       .static_generation = compiled->static_generation,
				       .utc_offset_s = compiled->utc_offset_s,
				       .plain = compiled->plain };

	image_free(compiled->image);
	policy_free(compiled->policy);
	compiled->image = NULL;
	compiled->policy = NULL;
	if (!compiled->numbering)
		compiled->numbering = numbering_new();
	assert_non_null(compiled->numbering);
	if (policy_read(text, strlen(text), &compiled->policy, &compiled->faults) < 0)
		fail_msg("%s\n%u: %s", text, compiled->faults.list[0].position.line,
			 compiled->faults.list[0].text);
	input.policy = compiled->policy;
	input.numbering = compiled->numbering;
	return compile_policy(&input, &compiled->image, &compiled->faults);
}

static inline void compiled_make(struct compiled *compiled, const char *text)
{
	assert_int_equal(compiled_try(compiled, text), 0);
}

static inline void compiled_done(struct compiled *compiled)
{
	image_free(compiled->image);
	policy_free(compiled->policy);
	numbering_free(compiled->numbering);
	faults_done(&compiled->faults);
	for (size_t i = 0; i < COMPILED_FEEDS_MAX; i++)
		address_set_done(&compiled->feeds[i]);
}

#define auto_compiled __attribute__((cleanup(compiled_done)))

static inline void compiled_feed(struct compiled *compiled, size_t feed,
				 const char *const *ranges)
{
	address_set_done(&compiled->feeds[feed]);
	compiled->feeds[feed] = (struct address_set)ADDRESS_SET_NULL;
	for (; *ranges; ranges++) {
		struct address_range range;

		assert_int_equal(range_parse(*ranges, &range), 0);
		assert_int_equal(address_set_add(&compiled->feeds[feed], range), 0);
	}
	address_set_finish(&compiled->feeds[feed]);
}

/* Whether the rules have the line "add rule inet vigil TEXT", whole. */
static inline bool compiled_has(const struct compiled *compiled, const char *text)
{
	auto_buffer struct buffer line = BUFFER_NULL;

	buffer_printf(&line, "add rule inet vigil %s\n", text);
	assert_int_equal(line.error, 0);
	return strstr(compiled->image->rules, line.data) != NULL;
}

#define assert_rule(compiled, text)                                                    \
	do {                                                                           \
		if (!compiled_has(compiled, text))                                     \
			fail_msg("no rule \"%s\" in:\n%s", text,                       \
				 (compiled)->image->rules);                            \
	} while (0)

#define assert_no_rule(compiled, text) assert_false(compiled_has(compiled, text))

/* How many rules a chain has. */
static inline size_t compiled_count(const struct compiled *compiled, const char *chain)
{
	char start[256];
	size_t count = 0;

	snprintf(start, sizeof(start), "add rule inet vigil %s ", chain);
	for (const char *at = compiled->image->rules; (at = strstr(at, start));
	     at += strlen(start))
		count++;
	return count;
}
