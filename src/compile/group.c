/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/group.h"

#include <errno.h>

enum {
	/* Boxes that are looked at on one axis before another is tried. */
	CANDIDATES_MAX = 128,
	/* Groups that are looked at one by one, newest first. */
	LOOK_BACK = 32,
};

/* Who overlaps a box. */
struct question {
	const struct groups *groups;
	const struct box *box;
	uint32_t number;
	size_t looked_at;
	size_t barrier; /* groups up to the newest that decides otherwise, from 1 */
	size_t enough;  /* no barrier above this one is asked for */
};

static bool note_barrier(uint32_t item, void *context)
{
	struct question *question = context;
	const struct placed *placed = &question->groups->placed[item];

	if (++question->looked_at > CANDIDATES_MAX)
		return false;
	/* The same decision may be taken sooner or later. */
	if (placed->number != question->number && placed->group >= question->barrier &&
	    boxes_overlap(&placed->box, question->box))
		question->barrier = placed->group + 1;
	return question->barrier < question->enough;
}

/* Whether any axis gives an answer without looking at too many. */
static bool ask(struct question *question, const struct overlap_index *axes,
		size_t enough)
{
	question->barrier = 0;
	question->enough = enough;
	for (enum axis axis = AXES; axis-- > 0;) {
		if (!axes[axis].root)
			continue;
		question->looked_at = 0;
		if (overlap_visit(&axes[axis], question->box->spans[axis], note_barrier,
				  question) ||
		    question->barrier >= enough)
			return true;
	}
	return false;
}

/* A single group: one that has too many candidates counts as a barrier. */
static bool group_bars(struct question *question, const struct group *group)
{
	bool has_axes = false;

	for (enum axis axis = 0; axis < AXES; axis++)
		has_axes |= group->axes[axis].root != NULL;
	if (!has_axes) {
		const struct placed *only =
			&question->groups->placed[group->members[0]];

		return only->number != question->number &&
		       boxes_overlap(&only->box, question->box);
	}
	return !ask(question, group->axes, 1) || question->barrier != 0;
}

/*
 * How many groups must stay before the box: up to the newest one with an overlapping
 * box that decides otherwise.
 */
static size_t find_barrier(const struct groups *groups, const struct box *box,
			   uint32_t number)
{
	struct question question = { .groups = groups, .box = box, .number = number };
	size_t floor = groups->count > LOOK_BACK ? groups->count - LOOK_BACK : 0;

	if (ask(&question, groups->axes, groups->count))
		return question.barrier;
	for (size_t i = groups->count; i > floor; i--) {
		if (group_bars(&question, &groups->list[i - 1]))
			return i;
	}
	return floor;
}

/* What of a box is not yet in a group of its shape. */
struct remainder {
	const struct groups *groups;
	const struct box *box;
	struct pieces pieces;
	size_t looked_at;
	bool too_many;
};

static bool take_out(uint32_t item, void *context)
{
	struct remainder *remainder = context;
	const struct box *member = &remainder->groups->placed[item].box;

	if (++remainder->looked_at > CANDIDATES_MAX)
		return false;
	if (boxes_overlap(member, remainder->box))
		remainder->too_many |= !pieces_subtract(&remainder->pieces, member);
	return !remainder->too_many && remainder->pieces.count > 0;
}

static bool subtract_group(struct remainder *remainder, const struct group *group)
{
	const struct pieces whole = { { *remainder->box }, 1 };

	if (group->shape.layer4 == LAYER4_ALL && !group->shape.source &&
	    !group->shape.destination) {
		remainder->pieces.count = 0;
		return true;
	}
	for (enum axis axis = AXES; axis-- > 0;) {
		if (!group->axes[axis].root)
			continue;
		remainder->pieces = whole;
		remainder->looked_at = 0;
		if (overlap_visit(&group->axes[axis], remainder->box->spans[axis],
				  take_out, remainder) ||
		    remainder->pieces.count == 0)
			return true;
		if (remainder->too_many)
			return false;
	}
	return false;
}

static int add_member(struct groups *groups, size_t at, const struct box *box,
		      uint32_t number)
{
	struct group *group = &groups->list[at];
	uint32_t item = (uint32_t)groups->placed_count;
	struct placed *placed = arena_grow(groups->arena, &groups->placed,
					   groups->placed_count, sizeof(*placed));
	uint32_t *member = arena_grow(groups->arena, &group->members,
				      group->member_count, sizeof(*member));
	int r = placed && member ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	*placed = (struct placed){ *box, number, (uint32_t)at };
	*member = item;
	groups->placed_count++;
	group->member_count++;
	for (enum axis axis = 0; r == 0 && axis < AXES; axis++) {
		r = overlap_add(&groups->axes[axis], groups->arena, box->spans[axis],
				item);
		if (r == 0 && shape_has_axis(&group->shape, axis))
			r = overlap_add(&group->axes[axis], groups->arena,
					box->spans[axis], item);
	}
	return r;
}

static size_t *bucket_of(struct groups *groups, const struct shape *shape)
{
	size_t hash = (size_t)shape->source_set * 31 + (size_t)shape->destination_set;

	hash = hash / 16 + shape->schedule * 7;
	hash = hash * 2 + shape->source;
	hash = hash * 2 + shape->destination;
	hash = hash * 2 + shape->exact;
	hash = hash * 5 + shape->layer4;
	hash = hash * 3 + shape->families;
	return &groups->buckets[hash % SHAPE_BUCKETS];
}

static int add_group(struct groups *groups, const struct subject *subject,
		     const struct box *box, uint32_t number)
{
	struct group *group =
		arena_grow(groups->arena, &groups->list, groups->count, sizeof(*group));
	size_t *bucket = bucket_of(groups, &box->shape);

	if (!group)
		return -ENOMEM;
	*group = (struct group){ .shape = box->shape,
				 .subject = subject,
				 .next = *bucket };
	*bucket = ++groups->count;
	return add_member(groups, groups->count - 1, box, number);
}

/* Put what is not there yet into a group. Return: 0, -ENOMEM, or -E2BIG when it does
 * not fit. */
static int join_group(struct groups *groups, size_t at, const struct box *box,
		      uint32_t number)
{
	struct remainder remainder = { .groups = groups, .box = box };
	int r = 0;

	if (!subtract_group(&remainder, &groups->list[at]))
		return -E2BIG;
	for (size_t i = 0; r == 0 && i < remainder.pieces.count; i++)
		r = add_member(groups, at, &remainder.pieces.list[i], number);
	return r;
}

int groups_place(struct groups *groups, const struct subject *subject,
		 const struct box *box, uint32_t number)
{
	size_t barrier, at;
	int r = -E2BIG;

	if (groups->closed)
		return 0;
	barrier = find_barrier(groups, box, number);
	for (at = *bucket_of(groups, &box->shape); at; at = groups->list[at - 1].next) {
		/* The last of the barrier's groups can take what it does not hold. */
		if (at < barrier)
			break;
		if (shapes_equal(&groups->list[at - 1].shape, &box->shape))
			r = join_group(groups, at - 1, box, number);
		if (r != -E2BIG)
			return r;
	}
	groups->closed = box_is_everything(box);
	return add_group(groups, subject, box, number);
}
