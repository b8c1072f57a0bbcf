/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reader.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/quote.h"

static void *note_failure(struct reader *reader, const struct arena *arena,
			  size_t wanted_bytes)
{
	if (wanted_bytes > arena->limit_bytes - arena->used_bytes)
		reader->too_large = true;
	else
		reader->no_memory = true;
	return NULL;
}

static void *alloc_from(struct reader *reader, struct arena *arena, size_t size_bytes)
{
	void *memory = arena_alloc(arena, size_bytes);

	return memory ? memory : note_failure(reader, arena, size_bytes);
}

void *reader_alloc(struct reader *reader, size_t size_bytes)
{
	return alloc_from(reader, &reader->policy->arena, size_bytes);
}

void *reader_scratch(struct reader *reader, size_t size_bytes)
{
	return alloc_from(reader, &reader->scratch, size_bytes);
}

void *reader_grow(struct reader *reader, void *items, size_t count, size_t item_bytes)
{
	struct arena *arena = &reader->policy->arena;
	void *place = arena_grow(arena, items, count, item_bytes);

	return place ? place : note_failure(reader, arena, 2 * count * item_bytes);
}

const char *reader_copy(struct reader *reader, const char *text)
{
	char *copy = reader_alloc(reader, strlen(text) + 1);

	return copy ? strcpy(copy, text) : NULL;
}

void reader_name(struct reader *reader, struct names *names, const struct name *name)
{
	if (names_add(names, &reader->scratch, name) < 0)
		note_failure(reader, &reader->scratch,
			     2 * names->count * sizeof(*name));
}

static bool count_ranges(struct reader *reader, size_t more)
{
	if (reader->ranges + more > READER_RANGES_MAX) {
		if (reader->ranges <= READER_RANGES_MAX)
			faults_add(reader->faults, (struct position){ 0, 0 },
				   "the addresses of all groups and rules come to more "
				   "than %d ranges: keep long lists in a feed",
				   READER_RANGES_MAX);
		reader->ranges = READER_RANGES_MAX + 1;
		return false;
	}
	reader->ranges += more;
	return true;
}

void reader_add_range(struct reader *reader, struct address_set *set,
		      struct address_range range)
{
	if (count_ranges(reader, 1) && address_set_add(set, range) < 0)
		reader->no_memory = true;
}

void reader_add_set(struct reader *reader, struct address_set *set,
		    const struct address_set *more)
{
	if (count_ranges(reader, more->count4 + more->count6) &&
	    address_set_add_all(set, more) < 0)
		reader->no_memory = true;
}

bool reader_stopped(const struct reader *reader)
{
	return reader->no_memory || reader->too_large ||
	       reader->ranges > READER_RANGES_MAX;
}

static const char *kind_name(const struct node *node)
{
	if (node_is_null(node))
		return "nothing";
	switch (node->kind) {
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	default:
		return "text";
	}
}

bool reader_map(struct reader *reader, const struct node *node, const char *what)
{
	if (node->kind == NODE_MAP)
		return true;
	faults_add(reader->faults, node->position,
		   "%s must be a map of KEY: VALUE pairs, here is %s", what,
		   kind_name(node));
	return false;
}

bool reader_map_like(struct reader *reader, const struct node *node, const char *what,
		     struct quoted example)
{
	if (node->kind == NODE_MAP)
		return true;
	faults_add(reader->faults, node->position,
		   "%s must be a map, here is %s: write %s", what, kind_name(node),
		   example.text);
	return false;
}

bool reader_negation(struct reader *reader, const struct node *node)
{
	if (node->kind != NODE_SCALAR || node->text[0] != '!')
		return false;
	faults_add(
		reader->faults, node->position,
		"there is no negation (\"!\"): put a rule for what is left out first");
	return true;
}

bool reader_section(struct reader *reader, const struct node *node, const char *what)
{
	return !node_is_null(node) && reader_map(reader, node, what);
}

bool reader_list(struct reader *reader, const struct node *node, const char *what)
{
	if (node->kind == NODE_LIST)
		return true;
	if (!node_is_null(node))
		faults_add(reader->faults, node->position,
			   "%s must be a list, here is %s", what, kind_name(node));
	return false;
}

/* Words of other firewalls, and ours for them. */
static const char *translate(const char *word, const char *const *keys)
{
	static const char *const pairs[][2] = {
		{ "accept", "allow" },
		{ "permit", "allow" },
		{ "pass", "allow" },
		{ "deny", "drop" },
		{ "block", "drop" },
		{ "refuse", "reject" },
		{ "src", "from" },
		{ "source", "from" },
		{ "dst", "to" },
		{ "dest", "to" },
		{ "destination", "to" },
		{ "name", "id" },
		{ "description", "comment" },
		{ "schedule", "time" },
		{ "snat", "masquerade" },
		{ "dnat", "forward" },
		{ "interfaces", "zones" },
		{ "sets", "groups" },
		{ "icmp6", "icmpv6" },
		{ "path", "file" },
		{ "ip", "address" },
		{ "ips", "address" },
		{ "addr", "address" },
		{ "network", "address" },
		{ "subnet", "address" },
		{ "cidr", "address" },
		{ "interface", "zone" },
		{ "iface", "zone" },
		{ "set", "group" },
		{ "proto", "protocol" },
		{ "from", "src" },
		{ "source", "src" },
		{ "to", "dst" },
		{ "destination", "dst" },
		{ "expected", "expect" },
		{ "rule", "by" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (strcmp(pairs[i][0], word) != 0)
			continue;
		for (; *keys; keys++)
			if (strcmp(*keys, pairs[i][1]) == 0)
				return *keys;
	}
	return NULL;
}

/* "a, b or c"; empty when that is longer than a sentence bears. */
static void join_words(const char *const *words, char *out, size_t out_bytes)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; words[i]; i++) {
		const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		if (used + strlen(joint) + strlen(words[i]) >= out_bytes) {
			out[0] = '\0';
			return;
		}
		used = (size_t)(stpcpy(stpcpy(out + used, joint), words[i]) - out);
	}
}

/* What may stand instead of a word that resembles none. */
static void refuse_strange_key(struct reader *reader, const struct node *key,
			       const struct node *value, const char *what,
			       const char *const *keys)
{
	char all[64];

	/* "{ allow: ssh, http }" is a map with the key "http". */
	if (node_is_null(value)) {
		faults_add(reader->faults, key->position,
			   "%s has no key %s; a list stands in brackets, such as [ssh, "
			   "http]",
			   what, quote(key->text).text);
		return;
	}
	join_words(keys, all, sizeof(all));
	faults_add(reader->faults, key->position, "%s has no key %s%s%s", what,
		   quote(key->text).text, all[0] ? ": it takes " : "", all);
}

static void refuse_key(struct reader *reader, const struct node *key,
		       const struct node *value, const char *what,
		       const char *const *keys)
{
	const char *ours = translate(key->text, keys);

	if (strcmp(key->text, "<<") == 0)
		faults_add(reader->faults, key->position,
			   "merge keys (<<) are not supported: write the keys out");
	else if (ours)
		faults_add(reader->faults, key->position,
			   "%s has no key %s; did you mean \"%s\"?", what,
			   quote(key->text).text, ours);
	else if (nearest_word(key->text, keys))
		faults_add(reader->faults, key->position, "%s has no key %s%s", what,
			   quote(key->text).text, did_you_mean(key->text, keys).text);
	else
		refuse_strange_key(reader, key, value, what, keys);
}

bool reader_keys(struct reader *reader, const struct node *map, const char *what,
		 const char *const *keys)
{
	bool all_known = true;

	for (size_t i = 0; i < map->count; i++) {
		const char *const *known = keys;

		while (*known && strcmp(*known, map->items[2 * i]->text) != 0)
			known++;
		if (*known)
			continue;
		refuse_key(reader, map->items[2 * i], map->items[2 * i + 1], what,
			   keys);
		all_known = false;
	}
	return all_known;
}

const char *reader_text(struct reader *reader, const struct node *node,
			const char *what)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node) && *node->text)
		return node->text;
	faults_add(reader->faults, node->position, "%s is expected here, not %s", what,
		   node->kind == NODE_SCALAR ? "nothing" : kind_name(node));
	return NULL;
}

const char *reader_value(struct reader *reader, const struct node *node,
			 const char *what)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node) && *node->text)
		return node->text;
	faults_add(reader->faults, node->position,
		   "%s needs one word as its value, here is %s", what,
		   node->kind == NODE_SCALAR ? "nothing" : kind_name(node));
	return NULL;
}

size_t reader_items(const struct node *const *node, struct node *const **ret)
{
	if ((*node)->kind == NODE_LIST) {
		*ret = (*node)->items;
		return (*node)->count;
	}
	*ret = (struct node *const *)node;
	return 1;
}

int reader_choice(struct reader *reader, const struct node *node, const char *what,
		  const char *const *words)
{
	const char *text = reader_value(reader, node, what);
	char all[128];
	const char *ours;

	if (!text)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	join_words(words, all, sizeof(all));
	ours = translate(text, words);
	if (ours)
		faults_add(reader->faults, node->position,
			   "%s is %s, not %s; did you mean \"%s\"?", what, all,
			   quote(text).text, ours);
	else
		faults_add(reader->faults, node->position, "%s is %s, not %s%s", what,
			   all, quote(text).text, did_you_mean(text, words).text);
	return -1;
}

void reader_verdict(struct reader *reader, const struct node *node, const char *what,
		    enum verdict *ret)
{
	static const char *const words[] = { "allow", "drop", "reject", NULL };
	int choice = reader_choice(reader, node, what, words);

	if (choice >= 0)
		*ret = (enum verdict)choice;
}

/* What a text becomes when it is made a name; empty when that would be another word. */
static struct quoted near_name(const char *text)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	struct quoted name = { "" };
	size_t used = 0;

	for (; *text && used <= NAME_MAX_CHARS; text++) {
		char c = *text;

		if ((unsigned char)c >= 0x80)
			return (struct quoted){ "" };
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!strchr(alphabet, c))
			c = '-';
		if (used > 0 || !strchr("._-", c))
			name.text[used++] = c;
	}
	name.text[used] = '\0';
	return name;
}

bool reader_new_name(struct reader *reader, const struct node *key, const char *what)
{
	struct quoted near = near_name(key->text);
	struct quoted hint = { "" };

	if (name_valid(key->text))
		return true;
	if (strlen(key->text) > NAME_MAX_CHARS)
		faults_add(reader->faults, key->position,
			   "%s %s has more than %d characters", what,
			   quote(key->text).text, NAME_MAX_CHARS);
	else {
		if (name_valid(near.text))
			hint = filled_in("; did you mean \"", near.text, "a-name",
					 "\"?");
		faults_add(reader->faults, key->position,
			   "%s %s: a name is made of a-z, 0-9, \".\", \"_\" and \"-\", "
			   "and begins with a letter or digit%s",
			   what, quote(key->text).text, hint.text);
	}
	return false;
}
