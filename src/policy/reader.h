/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the readers of a policy's sections share while a policy is read. A reader notes
 * each fault it finds and goes on with what makes sense, so that one run finds them
 * all; whether the policy stands is decided at the end by whether there are errors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/names.h"
#include "policy/policy.h"
#include "policy/quote.h"
#include "policy/tree.h"

/* Groups inside groups are followed by recursion, which needs a bound. */
enum { GROUP_DEPTH_MAX = 64 };

/* Address ranges that all sets of a policy may hold together. */
enum { READER_RANGES_MAX = 8000000 };

/* Names of groups and feeds share one table; this tells them apart. */
enum { NAME_GROUP = 1, NAME_FEED = 2 };

struct group {
	const char *name;
	struct position position;
	const struct node *node;
	enum { GROUP_UNREAD, GROUP_OPEN, GROUP_READ } state;
	struct address_set addresses; /* finished once read */
};

struct reader {
	struct policy *policy;
	struct faults *faults;
	struct arena scratch; /* YAML nodes and tables, gone after reading */
	bool no_memory;
	bool too_large; /* POLICY_MEMORY_MAX is used up */
	size_t ranges;  /* counted against READER_RANGES_MAX */
	struct names zones;
	struct names lists;    /* groups and feeds */
	struct names services; /* of `ports`, not the built-in ones */
	struct names ids;      /* of rules and nat */
	struct group *groups;
	size_t group_count;
	uint32_t open_groups[GROUP_DEPTH_MAX]; /* being read, outermost first */
	size_t open_count;
	struct traffic_list *service_traffic; /* by index in @services */
};

/** reader_alloc(), reader_scratch(), reader_grow() - As arena_alloc() and arena_grow(),
 * from the policy's arena, the scratch one, and the policy's; a failure is noted in the
 * reader, so callers just give up on NULL. */
void *reader_alloc(struct reader *reader, size_t size_bytes);
void *reader_scratch(struct reader *reader, size_t size_bytes);
void *reader_grow(struct reader *reader, void *items, size_t count, size_t item_bytes);

/** reader_copy() - A copy of @text that lives as long as the policy, or NULL. */
const char *reader_copy(struct reader *reader, const char *text);

/** reader_name() - Add to a table of names; a failure is noted in the reader. */
void reader_name(struct reader *reader, struct names *names, const struct name *name);

/** reader_add_range(), reader_add_set() - Add to a set within READER_RANGES_MAX; a
 * failure is noted in the reader. */
void reader_add_range(struct reader *reader, struct address_set *set,
		      struct address_range range);
void reader_add_set(struct reader *reader, struct address_set *set,
		    const struct address_set *more);

/** reader_stopped() - Whether memory or a bound is used up, so that going on is idle.
 */
bool reader_stopped(const struct reader *reader);

/** reader_map() - Whether @node is a map; a fault otherwise. @what: "a rule". */
bool reader_map(struct reader *reader, const struct node *node, const char *what);

/** reader_map_like() - The same; the fault shows what to write. */
bool reader_map_like(struct reader *reader, const struct node *node, const char *what,
		     struct quoted example);

/** reader_negation() - Whether a word begins with "!", which is a fault everywhere. */
bool reader_negation(struct reader *reader, const struct node *node);

/** reader_section() - The same for a section, which may also be left empty: then false
 * without a fault. */
bool reader_section(struct reader *reader, const struct node *node, const char *what);

/** reader_list() - The same for a list. */
bool reader_list(struct reader *reader, const struct node *node, const char *what);

/** reader_keys() - A fault for each key of @map that is not one of @keys. Return:
 * whether there was none, so that a key that is missing need not be noted as well. */
bool reader_keys(struct reader *reader, const struct node *map, const char *what,
		 const char *const *keys);

/** reader_text() - The text of a scalar, or NULL with a fault. @what: "a zone's name".
 */
const char *reader_text(struct reader *reader, const struct node *node,
			const char *what);

/** reader_value() - The same for the value of a key. @what: the key. */
const char *reader_value(struct reader *reader, const struct node *node,
			 const char *what);

/** reader_items() - A list's items, or the one scalar or map itself. Return: how many.
 */
size_t reader_items(const struct node *const *node, struct node *const **ret);

/**
 * reader_choice() - Which of @words a scalar is
 * @words: NULL-terminated
 *
 * Return: its index, or -1 with a fault.
 */
int reader_choice(struct reader *reader, const struct node *node, const char *what,
		  const char *const *words);

/** reader_verdict() - Index of allow, drop or reject: reader_choice() for a verdict. */
void reader_verdict(struct reader *reader, const struct node *node, const char *what,
		    enum verdict *ret);

/** reader_new_name() - Whether a key may name a @what ("zone"); a fault otherwise. */
bool reader_new_name(struct reader *reader, const struct node *key, const char *what);

/* The sections, each with the value of its key. */
void read_zones(struct reader *reader, const struct node *node);
void read_ports(struct reader *reader, const struct node *node);
void read_groups_and_feeds(struct reader *reader, const struct node *groups,
			   const struct node *feeds);
void read_ban(struct reader *reader, const struct node *node);
void read_defaults(struct reader *reader, const struct node *node);
void read_rules(struct reader *reader, const struct node *node);
void read_nat(struct reader *reader, const struct node *node);
void read_flows(struct reader *reader, const struct node *node);
void read_tests(struct reader *reader, const struct node *node);

/** check_policy() - Warnings that need the whole policy. */
void check_policy(struct reader *reader);
