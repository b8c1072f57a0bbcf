/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of values in the words of a policy: zones, groups, services, days. */
#pragma once

#include "base/arena.h"
#include "compile/span.h"
#include "diagram/input.h"

enum { WORDS_ITEMS_MAX = 1000 };

/* A list of names and ranges. Neither @all nor any item: nothing, or this machine. */
struct words {
	bool all;
	bool but;         /* all but the items */
	const char *name; /* the service that these ports are, or NULL */
	const char **items;
	size_t count;
	size_t left_out; /* items beyond WORDS_ITEMS_MAX */
};

struct buffer;

/** words_add() - Append an item, made as by printf(3). Return: 0 or -ENOMEM. */
int words_add(struct words *words, struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** words_equal() - Whether they say the same. */
bool words_equal(const struct words *a, const struct words *b);

/** words_write() - "any", "any but a, b", "a, b and 7 more". @all: the word for all;
 * @max: items shown. */
void words_write(const struct words *words, const char *all, size_t max,
		 struct buffer *out);

/* A stretch of services (PROTOCOL << 16 | PORT) that are in a set, out of it, or that
 * no packet has. */
struct stretch {
	uint32_t first;
	uint32_t last;
	enum { STRETCH_IN, STRETCH_OUT, STRETCH_VOID } kind;
};

/** words_services() - @stretches: from 0 to 0xffffff without gaps. Return: 0 or
 * -ENOMEM. */
int words_services(const struct stretch *stretches, size_t count, struct arena *arena,
		   struct words *ret);

/** words_traffic() - What a rule speaks of. Return: 0 or -ENOMEM. */
int words_traffic(const struct traffic_list *traffic, struct arena *arena,
		  struct words *ret);

/**
 * words_addresses() - The name of a group or feed where it is one, or of all but one,
 * else ranges
 * @spans:  addresses of @family, ascending, not touching
 * @inputs: whose groups and feeds have names, the first that has one is taken
 *
 * Return: 0 or -ENOMEM.
 */
int words_addresses(const struct span *spans, size_t count, enum family family,
		    const struct diagram_input *const *inputs, size_t input_count,
		    struct arena *arena, struct words *ret);

/** words_times() - Seconds since Sunday, ascending, as days and hours. Return: 0 or
 * -ENOMEM. */
int words_times(const struct span *spans, size_t count, struct arena *arena,
		struct words *ret);
