/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/feeds.h"

#include <limits.h>
#include <string.h>

#include "policy/addresses.h"
#include "policy/quote.h"
#include "policy/scalar.h"

enum {
	ENTRIES_DEFAULT = 2000000,
	ENTRIES_MAX = 4000000,
	REFRESH_MAX_S = 366 * 86400,
};

static const char *const keys[] = { "file",     "refresh",  "never", "max_entries",
				    "on_error", "on_empty", "url",   NULL };

void feeds_name(struct reader *reader, const struct node *node)
{
	struct policy *policy = reader->policy;
	struct address_range range;

	policy->feeds = reader_alloc(reader, node->count * sizeof(*policy->feeds));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++) {
		const struct node *key = node->items[2 * i];
		struct feed *feed = &policy->feeds[policy->feed_count];

		if (range_parse(key->text, &range) != RANGE_NOT_ADDRESS)
			faults_add(reader->faults, key->position,
				   "feed %s has the form of an address: give it "
				   "another name",
				   quote(key->text).text);
		else
			reader_new_name(reader, key, "feed");
		feed->name = reader_copy(reader, key->text);
		feed->position = key->position;
		if (!feed->name)
			return;
		reader_name(reader, &reader->lists,
			    &(struct name){ .text = feed->name,
					    .position = key->position,
					    .kind = NAME_FEED,
					    .index = (uint32_t)policy->feed_count });
		policy->feed_count++;
	}
}

static const char *read_file(struct reader *reader, const struct node *map,
			     struct position position)
{
	const struct node *node = node_find(map, "file");
	const char *text;

	if (!node) {
		if (!node_find(map, "url"))
			faults_add(reader->faults, position,
				   "a feed needs a file: write file: PATH");
		return NULL;
	}
	text = reader_text(reader, node, "the path of a file");
	if (!text)
		return NULL;
	if (strlen(text) >= PATH_MAX)
		faults_add(reader->faults, node->position, "this path is too long");
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			faults_add(reader->faults, node->position,
				   "a path cannot hold control characters");
			break;
		}
	return reader_copy(reader, text);
}

/* Which of two words; @fallback when the key is absent. */
static bool read_either(struct reader *reader, const struct node *map, const char *key,
			const char *yes, const char *no, bool fallback)
{
	const char *const words[] = { no, yes, NULL };
	const struct node *node = node_find(map, key);
	int choice = node ? reader_choice(reader, node, key, words) : fallback;

	return choice < 0 ? fallback : choice;
}

static void read_feed(struct reader *reader, const struct node *map, struct feed *feed)
{
	struct selection never = { .addresses = ADDRESS_SET_NULL };
	const struct node *node;

	reader_keys(reader, map, "a feed", keys);
	node = node_find(map, "url");
	if (node)
		faults_add(reader->faults, node->position,
			   "url is not supported yet: fetch the list into a file, and "
			   "write file: PATH");
	feed->file = read_file(reader, map, feed->position);
	node = node_find(map, "refresh");
	if (node)
		scalar_duration(reader, node, "refresh", 1, REFRESH_MAX_S,
				&feed->refresh_s);
	node = node_find(map, "max_entries");
	if (node)
		scalar_number(reader, node, "max_entries", 1, ENTRIES_MAX,
			      &feed->max_entries);
	feed->keep_on_error =
		read_either(reader, map, "on_error", "keep", "fail", true);
	feed->allow_empty =
		read_either(reader, map, "on_empty", "allow", "keep", false);
	node = node_find(map, "never");
	if (!node)
		return;
	read_addresses(reader, node, ADMIT_ADDRESSES | ADMIT_GROUPS, "never", &never);
	feed->never = never.addresses;
}

void feeds_read(struct reader *reader, const struct node *node)
{
	for (size_t i = 0; i < reader->policy->feed_count && !reader_stopped(reader);
	     i++) {
		const struct node *value = node->items[2 * i + 1];
		struct feed *feed = &reader->policy->feeds[i];

		feed->max_entries = ENTRIES_DEFAULT;
		if (reader_map_like(reader, value, "a feed",
				    filled_in("{ file: ", value->text, "PATH", " }")))
			read_feed(reader, value, feed);
	}
}
