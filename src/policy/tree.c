/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "policy/policy.h"
#include "policy/quote.h"
#include "policy/syntax.h"

enum { ANCHORS_MAX = 1000 };

struct anchor {
	const char *name;
	struct node *node;
};

/* A tree under construction. */
struct builder {
	struct arena *arena;
	struct faults *faults;
	struct node *open[POLICY_DEPTH_MAX]; /* collections not ended yet */
	struct node *keys[POLICY_DEPTH_MAX]; /* key that waits for its value, if any */
	size_t depth;
	struct node *root;
	unsigned int documents;
	struct anchor anchors[ANCHORS_MAX];
	size_t anchor_count;
	size_t nodes;
};

static struct position position_of(const yaml_event_t *event)
{
	return (struct position){ (uint32_t)event->start_mark.line + 1,
				  (uint32_t)event->start_mark.column + 1 };
}

static struct node *new_node(struct builder *builder, enum node_kind kind,
			     const yaml_event_t *event)
{
	struct node *node = arena_alloc(builder->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->position = position_of(event);
	node->expanded = 1;
	node->height = kind == NODE_SCALAR ? 0 : 1;
	return node;
}

static int count_nodes(struct builder *builder, size_t more, struct position position)
{
	builder->nodes += more;
	if (builder->nodes <= POLICY_NODES_MAX)
		return 0;
	return faults_add(
		builder->faults, position,
		"the file holds more than %d values, aliases counted as often "
		"as they are used",
		POLICY_NODES_MAX);
}

static int append(struct builder *builder, struct node *parent, size_t index,
		  struct node *child)
{
	struct node **place = arena_grow(builder->arena, &parent->items, index,
					 sizeof(struct node *));

	if (!place)
		return -ENOMEM;
	*place = child;
	parent->expanded += child->expanded;
	if (parent->height < child->height + 1)
		parent->height = (uint8_t)(child->height + 1);
	return 0;
}

static int add_pair(struct builder *builder, struct node *map, struct node *key,
		    struct node *value)
{
	if (append(builder, map, 2 * map->count, key) < 0 ||
	    append(builder, map, 2 * map->count + 1, value) < 0)
		return -ENOMEM;
	map->count++;
	return 0;
}

/* Gives a finished node its place in the tree. */
static int attach(struct builder *builder, struct node *node)
{
	struct node *parent, **key;

	if (builder->depth == 0) {
		builder->root = node;
		return 0;
	}
	parent = builder->open[builder->depth - 1];
	key = &builder->keys[builder->depth - 1];
	if (parent->kind == NODE_LIST) {
		if (append(builder, parent, parent->count, node) < 0)
			return -ENOMEM;
		parent->count++;
		return 0;
	}
	if (*key)
		return add_pair(builder, parent, take(*key), node);
	if (node->kind != NODE_SCALAR)
		return faults_add(builder->faults, node->position,
				  "a key must be a word, not a list or a map");
	*key = node;
	return 0;
}

static struct anchor *find_anchor(struct builder *builder, const char *name)
{
	for (size_t i = 0; i < builder->anchor_count; i++)
		if (strcmp(builder->anchors[i].name, name) == 0)
			return &builder->anchors[i];
	return NULL;
}

static int note_anchor(struct builder *builder, const yaml_char_t *name,
		       struct node *node)
{
	const char *text = (const char *)name;
	struct anchor *anchor;

	if (!text)
		return 0;
	if (find_anchor(builder, text))
		return faults_add(builder->faults, node->position,
				  "anchor %s is defined twice", quote(text).text);
	if (builder->anchor_count == ANCHORS_MAX)
		return faults_add(builder->faults, node->position,
				  "the file defines more than %d anchors", ANCHORS_MAX);
	anchor = &builder->anchors[builder->anchor_count];
	anchor->name = arena_strndup(builder->arena, text, strlen(text));
	anchor->node = node;
	if (!anchor->name)
		return -ENOMEM;
	builder->anchor_count++;
	return 0;
}

static void refuse_tag(struct builder *builder, const yaml_char_t *tag,
		       struct position position)
{
	if (tag)
		faults_add(builder->faults, position,
			   "tags (%s) are not supported: remove it",
			   quote((const char *)tag).text);
}

static int on_scalar(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = new_node(builder, NODE_SCALAR, event);
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	int error;

	if (!node)
		return -ENOMEM;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(text, '\0', size))
		return faults_add(builder->faults, node->position,
				  "text cannot hold a NUL character");
	node->text = arena_strndup(builder->arena, text, size);
	if (!node->text)
		return -ENOMEM;
	refuse_tag(builder, event->data.scalar.tag, node->position);
	error = count_nodes(builder, 1, node->position);
	if (!error)
		error = note_anchor(builder, event->data.scalar.anchor, node);
	return error ? error : attach(builder, node);
}

static int open_collection(struct builder *builder, enum node_kind kind,
			   const yaml_event_t *event, const yaml_char_t *anchor,
			   const yaml_char_t *tag)
{
	struct node *node = new_node(builder, kind, event);
	int error;

	if (!node)
		return -ENOMEM;
	if (builder->depth == POLICY_DEPTH_MAX)
		return faults_add(builder->faults, node->position,
				  "lists and maps are nested more than %d deep",
				  POLICY_DEPTH_MAX);
	refuse_tag(builder, tag, node->position);
	error = count_nodes(builder, 1, node->position);
	if (!error)
		error = note_anchor(builder, anchor, node);
	if (error)
		return error;
	builder->open[builder->depth] = node;
	builder->keys[builder->depth] = NULL;
	builder->depth++;
	return 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct node *a = *(struct node *const *)left;
	const struct node *b = *(struct node *const *)right;
	int order = strcmp(a->text, b->text);

	if (order != 0)
		return order;
	if (a->position.line != b->position.line)
		return a->position.line < b->position.line ? -1 : 1;
	return a->position.column < b->position.column ? -1 : 1;
}

static int check_duplicates(struct builder *builder, const struct node *map)
{
	auto_free struct node **keys = NULL;

	if (map->count < 2)
		return 0;
	keys = reallocarray(NULL, map->count, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < map->count; i++)
		keys[i] = map->items[2 * i];
	qsort(keys, map->count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < map->count; i++)
		if (strcmp(keys[i]->text, keys[i - 1]->text) == 0)
			faults_add(builder->faults, keys[i]->position,
				   "%s is given twice, first in line %u",
				   quote(keys[i]->text).text,
				   keys[i - 1]->position.line);
	return 0;
}

static int close_collection(struct builder *builder)
{
	struct node *node = builder->open[--builder->depth];

	if (node->kind == NODE_MAP && check_duplicates(builder, node) < 0)
		return -ENOMEM;
	return attach(builder, node);
}

static bool is_open(const struct builder *builder, const struct node *node)
{
	for (size_t i = 0; i < builder->depth; i++)
		if (builder->open[i] == node)
			return true;
	return false;
}

static int on_alias(struct builder *builder, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct anchor *anchor = find_anchor(builder, name);
	struct position position = position_of(event);
	int error;

	if (!anchor)
		return faults_add(builder->faults, position,
				  "no anchor %s stands above this alias",
				  quote(name).text);
	if (is_open(builder, anchor->node))
		return faults_add(builder->faults, position,
				  "alias %s stands inside what it names",
				  quote(name).text);
	if (builder->depth + anchor->node->height > POLICY_DEPTH_MAX)
		return faults_add(builder->faults, position,
				  "lists and maps are nested more than %d deep with "
				  "alias %s",
				  POLICY_DEPTH_MAX, quote(name).text);
	error = count_nodes(builder, anchor->node->expanded, position);
	return error ? error : attach(builder, anchor->node);
}

static int on_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (builder->documents++ > 0)
			return faults_add(builder->faults, position_of(event),
					  "a policy is one YAML document: a second one "
					  "begins here");
		return 0;
	case YAML_SCALAR_EVENT:
		return on_scalar(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(builder, NODE_LIST, event,
				       event->data.sequence_start.anchor,
				       event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(builder, NODE_MAP, event,
				       event->data.mapping_start.anchor,
				       event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(builder);
	case YAML_ALIAS_EVENT:
		return on_alias(builder, event);
	default:
		return 0;
	}
}

static int build(struct builder *builder, yaml_parser_t *parser, const char *text,
		 size_t size_bytes)
{
	for (;;) {
		yaml_event_t event;
		bool end;
		int error;

		if (!yaml_parser_parse(parser, &event))
			return syntax_add_fault(parser, text, size_bytes,
						builder->faults);
		end = event.type == YAML_STREAM_END_EVENT;
		error = on_event(builder, &event);
		yaml_event_delete(&event);
		if (error || end)
			return error;
	}
}

int tree_read(const char *text, size_t size_bytes, struct arena *arena,
	      struct node **ret, struct faults *faults)
{
	struct builder builder = { .arena = arena, .faults = faults };
	yaml_parser_t parser;
	int error;

	error = syntax_check_bytes(text, size_bytes, faults);
	if (error)
		return error;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* libyaml asserts that there is a text, however short. */
	yaml_parser_set_input_string(&parser, (const unsigned char *)(text ? text : ""),
				     size_bytes);
	error = build(&builder, &parser, text, size_bytes);
	yaml_parser_delete(&parser);
	if (!error)
		*ret = builder.root;
	return error;
}

bool node_is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->plain &&
	       (!*node->text || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}

struct node *node_find(const struct node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->items[2 * i]->text, key) == 0)
			return map->items[2 * i + 1];
	return NULL;
}
