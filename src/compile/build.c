/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void build_fail(struct build *build)
{
	if (!build->error)
		build->error = -ENOMEM;
}

const char *build_text(struct build *build, const char *format, ...)
{
	va_list args;
	char *text;
	int size;

	va_start(args, format);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = size < 0 ? NULL : arena_alloc(&build->image->arena, (size_t)size + 1);
	if (!text) {
		build_fail(build);
		return "";
	}
	va_start(args, format);
	vsnprintf(text, (size_t)size + 1, format, args);
	va_end(args);
	return text;
}

void *build_alloc(struct build *build, size_t count, size_t item_bytes)
{
	void *memory = NULL;

	if (count < SIZE_MAX / 2 / item_bytes)
		memory = arena_alloc(&build->scratch, count * item_bytes);
	if (!memory)
		build_fail(build);
	return memory;
}

void build_rule_begin(struct build *build, const char *chain)
{
	buffer_text(&build->rules, "add rule inet " TABLE_NAME " ");
	buffer_text(&build->rules, chain);
	buffer_text(&build->rules, " ");
}

void build_rule_end(struct build *build)
{
	struct buffer *rules = &build->rules;

	/* Parts of a rule end with a blank; a line does not. */
	if (rules->size_bytes && rules->data[rules->size_bytes - 1] == ' ')
		rules->data[--rules->size_bytes] = '\0';
	buffer_text(rules, "\n");
}

void build_rule(struct build *build, const char *chain, const char *format, ...)
{
	char text[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(text)) {
		if (!build->error)
			build->error = faults_add(
				build->faults, (struct position){ 0 },
				"a rule of chain %s is longer than %zu bytes", chain,
				sizeof(text) - 1);
		return;
	}
	build_rule_begin(build, chain);
	buffer_text(&build->rules, text);
	build_rule_end(build);
}

static void add_object(struct build *build, struct image_objects *objects,
		       const char *name, const char *declaration, bool base)
{
	struct image_object *object = arena_grow(&build->image->arena, &objects->items,
						 objects->count, sizeof(*object));

	if (!object) {
		build_fail(build);
		return;
	}
	*object = (struct image_object){ (char *)name, (char *)declaration, base };
	objects->count++;
}

void build_counter(struct build *build, const char *id)
{
	const char *name = build_text(build, COUNTER_PREFIX "%s", id);

	add_object(build, &build->image->counters, name,
		   build_text(build, "add counter inet " TABLE_NAME " %s\n", name),
		   false);
}

void build_chain(struct build *build, const char *name)
{
	const char *copy = build_text(build, "%s", name);

	add_object(build, &build->image->chains, copy,
		   build_text(build, "add chain inet " TABLE_NAME " %s\n", copy),
		   false);
}

void build_base_chain(struct build *build, const char *name, const char *hook)
{
	const char *copy = build_text(build, "%s", name);

	add_object(build, &build->image->chains, copy,
		   build_text(build, "add chain inet " TABLE_NAME " %s { %s }\n", copy,
			      hook),
		   true);
}

void build_dynamic_set(struct build *build, const char *name, enum family family,
		       const char *flags)
{
	const char *copy = build_text(build, "%s", name);

	add_object(build, &build->image->dynamic_sets, copy,
		   build_text(build,
			      "add set inet " TABLE_NAME
			      " %s { type ipv%d_addr; size 65535; flags %s; }\n",
			      copy, (int)family, flags),
		   false);
}

const char *family_keyword(enum family family)
{
	return family == FAMILY_IPV4 ? "ip" : "ip6";
}
