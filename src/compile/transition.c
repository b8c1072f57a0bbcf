/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/transition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/elements.h"
#include "compile/inventory.h"
#include "compile/span.h"
#include "helper/protocol.h"

/* What a plan is made of, before it is one. */
struct plan {
	const struct image *committed;
	const struct inventory *inventory;
	const struct image *wanted;
	struct buffer prepare, fill, swap, undo;
	struct transition *transition;
};

static void plan_done(struct plan *plan)
{
	buffer_done(&plan->prepare);
	buffer_done(&plan->fill);
	buffer_done(&plan->swap);
	buffer_done(&plan->undo);
}

static int compare_set_name(const void *name, const void *set)
{
	return strcmp(name, ((const struct image_set *)set)->name);
}

static const struct image_set *find_set(const struct image *image, const char *name)
{
	if (!image || image->set_count == 0)
		return NULL;
	return bsearch(name, image->sets, image->set_count, sizeof(*image->sets),
		       compare_set_name);
}

static int compare_object_name(const void *name, const void *object)
{
	return strcmp(name, ((const struct image_object *)object)->name);
}

static bool have_object(const struct image_object *items, size_t count,
			const char *name)
{
	return count &&
	       bsearch(name, items, count, sizeof(*items), compare_object_name);
}

/* Base chains stand behind the others, each part by name. */
static bool have_chain(const struct image_objects *chains, const char *name)
{
	size_t plain = chains->count;

	while (plain && chains->items[plain - 1].base)
		plain--;
	return have_object(chains->items, plain, name) ||
	       have_object(chains->items + plain, chains->count - plain, name);
}

static int add_step(struct transition *transition, enum step_kind kind, bool atomic,
		    struct buffer *buffer)
{
	struct step *step = &transition->steps[transition->step_count];
	int r = buffer_take(buffer, &step->data, &step->size_bytes);

	if (r < 0)
		return r;
	step->kind = kind;
	step->atomic = atomic;
	transition->step_count++;
	return 0;
}

static bool same_elements(const struct image_set *a, const struct image_set *b)
{
	size_t count = set_span_count(a->addresses, a->family);

	if (set_span_count(b->addresses, b->family) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!span_equal(set_span(a->addresses, a->family, i),
				set_span(b->addresses, b->family, i)))
			return false;
	}
	return true;
}

static void prepare_set(struct plan *plan, const struct image_set *set, bool left_over)
{
	size_t count = set_span_count(set->addresses, set->family);

	if (left_over)
		buffer_printf(&plan->prepare, "delete set inet " TABLE_NAME " %s\n",
			      set->name);
	buffer_text(&plan->prepare, set->declaration);
	buffer_printf(&plan->undo, "delete set inet " TABLE_NAME " %s\n", set->name);
	if (count)
		elements_pack(&plan->fill, HELPER_ADD, set->name, set->addresses,
			      set->family);
	plan->transition->elements_added += count;
}

/* Make and fill the sets that are new, while nothing refers to them. */
static int plan_sets(struct plan *plan)
{
	const struct inventory *inventory = plan->inventory;

	for (size_t i = 0; i < plan->wanted->set_count; i++) {
		const struct image_set *set = &plan->wanted->sets[i];
		const struct image_set *old = find_set(plan->committed, set->name);

		if (!inventory_has(inventory->sets, inventory->set_count, set->name))
			prepare_set(plan, set, false);
		else if (!plan->committed || (old && !same_elements(old, set)))
			return -EUCLEAN;
		else if (!old)
			prepare_set(plan, set, true);
	}
	return 0;
}

static bool wants_set(const struct image *wanted, const char *name)
{
	return find_set(wanted, name) || have_object(wanted->dynamic_sets.items,
						     wanted->dynamic_sets.count, name);
}

/* A preparation that was cut short, or somebody else. */
static bool has_leftovers(const struct inventory *inventory, const struct image *wanted)
{
	for (size_t i = 0; i < inventory->set_count; i++)
		if (!wants_set(wanted, inventory->sets[i]))
			return true;
	return false;
}

static void delete_unwanted(struct plan *plan)
{
	const struct inventory *inventory = plan->inventory;
	const struct image *wanted = plan->wanted;
	struct buffer *out = &plan->swap;

	for (size_t i = 0; i < inventory->chain_count; i++) {
		if (!have_chain(&wanted->chains, inventory->chains[i]))
			buffer_printf(out, "delete chain inet " TABLE_NAME " %s\n",
				      inventory->chains[i]);
	}
	for (size_t i = 0; i < inventory->set_count; i++) {
		const char *name = inventory->sets[i];

		if (!wants_set(wanted, name))
			buffer_printf(out, "delete set inet " TABLE_NAME " %s\n", name);
	}
	for (size_t i = 0; i < inventory->counter_count; i++) {
		const char *name = inventory->counters[i];

		if (!have_object(wanted->counters.items, wanted->counters.count, name))
			buffer_printf(out, "delete counter inet " TABLE_NAME " %s\n",
				      name);
	}
}

/* Base chains are always told again, for their policy. */
static void add_missing(struct buffer *out, const struct image_objects *objects,
			const char *const *names, size_t count)
{
	for (size_t i = 0; i < objects->count; i++) {
		const struct image_object *object = &objects->items[i];

		if (object->base || !inventory_has(names, count, object->name))
			buffer_text(out, object->declaration);
	}
}

static void plan_swap(struct plan *plan)
{
	const struct inventory *inventory = plan->inventory;
	const struct image *wanted = plan->wanted;
	struct buffer *out = &plan->swap;

	if (!inventory->table) {
		transition_script(wanted, out);
		return;
	}
	buffer_text(out, "add table inet " TABLE_NAME "\n");
	buffer_text(out, "flush table inet " TABLE_NAME "\n");
	delete_unwanted(plan);
	add_missing(out, &wanted->counters, inventory->counters,
		    inventory->counter_count);
	add_missing(out, &wanted->dynamic_sets, inventory->sets, inventory->set_count);
	add_missing(out, &wanted->chains, inventory->chains, inventory->chain_count);
	buffer_add(out, wanted->rules, wanted->rules_bytes);
	buffer_printf(out, "add chain inet " TABLE_NAME " " HELPER_TAG_PREFIX "%s\n",
		      wanted->tag);
}

static int plan_rules(struct plan *plan)
{
	struct transition *transition = plan->transition;
	int r;

	buffer_text(&plan->prepare, "add table inet " TABLE_NAME "\n");
	r = plan_sets(plan);
	if (r == 0 && plan->undo.size_bytes)
		r = add_step(transition, STEP_SCRIPT, true, &plan->prepare);
	if (r == 0 && plan->fill.size_bytes)
		r = add_step(transition, STEP_ELEMENTS, false, &plan->fill);
	if (r < 0)
		return r;
	plan_swap(plan);
	transition->rules_changed = true;
	r = add_step(transition, STEP_SCRIPT, true, &plan->swap);
	if (r < 0)
		return r;
	transition->undo.kind = STEP_SCRIPT;
	transition->undo.atomic = true;
	return buffer_take(&plan->undo, &transition->undo.data,
			   &transition->undo.size_bytes);
}

/* Both images have the same sets. */
static int plan_elements(struct plan *plan)
{
	for (size_t i = 0; i < plan->wanted->set_count; i++) {
		const struct image_set *set = &plan->wanted->sets[i];
		const struct image_set *old = find_set(plan->committed, set->name);
		size_t added, deleted;

		if (!old)
			return -EUCLEAN;
		elements_pack_difference(&plan->fill, set->name, old->addresses,
					 set->addresses, set->family, &added, &deleted);
		plan->transition->elements_added += added;
		plan->transition->elements_deleted += deleted;
	}
	elements_pack_tag(&plan->fill, plan->inventory->tag, plan->wanted->tag);
	return add_step(plan->transition, STEP_ELEMENTS, true, &plan->fill);
}

int transition_again(const struct inventory *inventory, const struct image *image,
		     struct transition *ret)
{
	struct transition transition = { .step_count = 0 };
	auto_call(plan_done) struct plan plan = { .committed = image,
						  .inventory = inventory,
						  .wanted = image,
						  .transition = &transition };
	int r = plan_rules(&plan);

	if (r < 0) {
		transition_done(&transition);
		return r;
	}
	transition.rules_changed = false;
	*ret = transition;
	return 0;
}

int transition_plan(const struct image *committed, const struct inventory *inventory,
		    const struct image *wanted, struct transition *ret)
{
	struct transition transition = { .step_count = 0 };
	auto_call(plan_done) struct plan plan = { .committed = committed,
						  .inventory = inventory,
						  .wanted = wanted,
						  .transition = &transition };
	bool leftovers = has_leftovers(inventory, wanted);
	int r = 0;

	if (strcmp(inventory->tag, wanted->tag) == 0) {
		if (!leftovers) {
			*ret = transition;
			return 0;
		}
		/* The tag is of what the sets hold as well. */
		plan.committed = committed = wanted;
	}
	/* Somebody else changed the table: the kernel's names are all we know. */
	if (committed && strcmp(committed->tag, inventory->tag) != 0)
		plan.committed = NULL;
	if (plan.committed && !leftovers &&
	    strcmp(committed->script_tag, wanted->script_tag) == 0)
		r = plan_elements(&plan);
	else
		r = plan_rules(&plan);
	if (r < 0) {
		transition_done(&transition);
		return r;
	}
	*ret = transition;
	return 0;
}

void transition_done(struct transition *transition)
{
	for (size_t i = 0; i < transition->step_count; i++)
		free(transition->steps[i].data);
	free(transition->undo.data);
	*transition = (struct transition){ 0 };
}
