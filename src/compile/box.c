/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/box.h"

#include <netinet/in.h>

#include "compile/build.h"
#include "compile/match.h"

/* A clause that would make more boxes than these has its addresses in named sets. */
enum { CLAUSE_BOXES_MAX = 256 };

static const struct span all_layer4 = { 0, 0xffffff };

bool shapes_equal(const struct shape *a, const struct shape *b)
{
	/* Names of sets are interned. */
	return a->source_set == b->source_set &&
	       a->destination_set == b->destination_set && a->schedule == b->schedule &&
	       a->families == b->families && a->layer4 == b->layer4 &&
	       a->source == b->source && a->destination == b->destination &&
	       a->exact == b->exact;
}

bool shape_has_axis(const struct shape *shape, enum axis axis)
{
	if (axis == AXIS_SOURCE)
		return shape->source;
	if (axis == AXIS_DESTINATION)
		return shape->destination;
	return shape->layer4 != LAYER4_ALL;
}

bool boxes_overlap(const struct box *a, const struct box *b)
{
	return (a->shape.families & b->shape.families) != 0 &&
	       span_overlaps(a->spans[AXIS_LAYER4], b->spans[AXIS_LAYER4]) &&
	       span_overlaps(a->spans[AXIS_SOURCE], b->spans[AXIS_SOURCE]) &&
	       span_overlaps(a->spans[AXIS_DESTINATION], b->spans[AXIS_DESTINATION]);
}

bool box_is_everything(const struct box *box)
{
	const struct shape *shape = &box->shape;

	return shape->families == FAMILIES_BOTH && shape->layer4 == LAYER4_ALL &&
	       !shape->source && !shape->destination && !shape->source_set &&
	       !shape->destination_set && !shape->schedule;
}

static size_t side_count(const struct side *side, enum family family)
{
	return side->kind == SIDE_RANGES ? set_span_count(side->addresses, family) : 1;
}

static struct span side_span(const struct side *side, enum family family, size_t i)
{
	return side->kind == SIDE_RANGES ? set_span(side->addresses, family, i)
					 : side->hull;
}

static void add_box(struct build *build, struct subject *subject, struct box box)
{
	struct box *place = arena_grow(&build->scratch, &subject->boxes,
				       subject->box_count, sizeof(*place));

	if (!place) {
		build_fail(build);
		return;
	}
	box.shape.exact = true;
	for (enum axis axis = 0; axis < AXES; axis++) {
		bool protocol =
			axis == AXIS_LAYER4 && box.shape.layer4 == LAYER4_PROTOCOL;

		if (shape_has_axis(&box.shape, axis) && !protocol)
			box.shape.exact &= span_single(box.spans[axis]);
	}
	*place = box;
	subject->box_count++;
}

/* All pairs of the clause's ranges; @box tells the rest. */
static void add_addresses(struct build *build, struct subject *subject,
			  const struct clause *clause, struct box box)
{
	enum family family = families_one(clause->families);
	size_t sources = side_count(&clause->source, family);
	size_t destinations = side_count(&clause->destination, family);

	for (size_t i = 0; i < sources; i++) {
		box.spans[AXIS_SOURCE] = side_span(&clause->source, family, i);
		for (size_t j = 0; j < destinations; j++) {
			box.spans[AXIS_DESTINATION] =
				side_span(&clause->destination, family, j);
			add_box(build, subject, box);
		}
	}
}

static struct span layer4_span(const struct traffic *traffic, size_t i)
{
	uint32_t base = (uint32_t)traffic->protocol << 16;

	if (traffic->range_count == 0)
		return (struct span){ base, base | 0xffff };
	return (struct span){ base | traffic->ranges[i].first,
			      base | traffic->ranges[i].last };
}

static enum layer4 layer4_of(const struct traffic *traffic)
{
	if (traffic->range_count == 0)
		return LAYER4_PROTOCOL;
	if (traffic->protocol == IPPROTO_ICMP)
		return LAYER4_ICMP;
	if (traffic->protocol == IPPROTO_ICMPV6)
		return LAYER4_ICMPV6;
	return LAYER4_PORT;
}

static void add_traffic(struct build *build, struct subject *subject,
			const struct clause *clause, const struct traffic *traffic,
			struct box box)
{
	size_t count = traffic->range_count ? traffic->range_count : 1;

	box.shape.layer4 = (uint8_t)layer4_of(traffic);
	box.shape.families &= traffic_families(traffic);
	if (!box.shape.families)
		return;
	for (size_t i = 0; i < count; i++) {
		box.spans[AXIS_LAYER4] = layer4_span(traffic, i);
		add_addresses(build, subject, clause, box);
	}
}

static size_t count_spans(const struct traffic_list *traffic)
{
	size_t count = traffic->count == 0;

	for (size_t i = 0; i < traffic->count; i++)
		count += traffic->items[i].range_count ? traffic->items[i].range_count
						       : 1;
	return count;
}

static void fold_side(struct build *build, struct side *side, enum family family)
{
	if (side->kind == SIDE_RANGES)
		*side = clause_side(build, side->addresses, family, 1);
}

/* Put the longer side, then the other, in a set until the boxes are few. */
static struct clause bound_clause(struct build *build, const struct subject *subject,
				  const struct clause *clause)
{
	struct clause bounded = *clause;
	enum family family = families_one(clause->families);
	size_t spans = count_spans(&subject->rule->traffic);
	size_t sources = side_count(&clause->source, family);
	size_t destinations = side_count(&clause->destination, family);

	if (spans * sources * destinations <= CLAUSE_BOXES_MAX)
		return bounded;
	fold_side(build,
		  sources >= destinations ? &bounded.source : &bounded.destination,
		  family);
	if (spans * (sources < destinations ? sources : destinations) >
	    CLAUSE_BOXES_MAX) {
		fold_side(build, &bounded.source, family);
		fold_side(build, &bounded.destination, family);
	}
	return bounded;
}

static void add_clause(struct build *build, struct subject *subject,
		       const struct clause *unbounded)
{
	const struct traffic_list *traffic = &subject->rule->traffic;
	struct clause clause = bound_clause(build, subject, unbounded);
	struct box box = {
		.shape = {
			.source_set = clause.source.set,
			.destination_set = clause.destination.set,
			.schedule = subject->schedule,
			.families = clause.families,
			.source = clause.source.kind == SIDE_RANGES,
			.destination = clause.destination.kind == SIDE_RANGES,
		},
		.spans[AXIS_LAYER4] = all_layer4,
	};

	if (traffic->count == 0)
		add_addresses(build, subject, &clause, box);
	for (size_t i = 0; i < traffic->count; i++)
		add_traffic(build, subject, &clause, &traffic->items[i], box);
}

void boxes_make(struct build *build, struct subject *subject)
{
	if (subject->boxes || (subject->windows && subject->window_count == 0))
		return;
	for (size_t i = 0; i < subject->clause_count; i++)
		add_clause(build, subject, &subject->clauses[i]);
}

/* What is left of @piece goes to @out; @less overlaps it. Beside the key all boxes of a
 * shape ask for the same. */
static bool cut(struct pieces *out, struct box piece, const struct box *less)
{
	for (enum axis axis = 0; axis < AXES; axis++) {
		struct span *span = &piece.spans[axis];
		struct span hole = less->spans[axis];

		if (!shape_has_axis(&piece.shape, axis))
			continue;
		if (span->first < hole.first) {
			if (out->count == PIECES_MAX)
				return false;
			out->list[out->count] = piece;
			out->list[out->count++].spans[axis].last = hole.first - 1;
			span->first = hole.first;
		}
		if (span->last > hole.last) {
			if (out->count == PIECES_MAX)
				return false;
			out->list[out->count] = piece;
			out->list[out->count++].spans[axis].first = hole.last + 1;
			span->last = hole.last;
		}
	}
	return true;
}

bool pieces_subtract(struct pieces *pieces, const struct box *less)
{
	struct pieces left = { .count = 0 };

	for (size_t i = 0; i < pieces->count; i++) {
		const struct box *piece = &pieces->list[i];

		if (boxes_overlap(piece, less)) {
			if (!cut(&left, *piece, less))
				return false;
		} else if (left.count < PIECES_MAX) {
			left.list[left.count++] = *piece;
		} else {
			return false;
		}
	}
	*pieces = left;
	return true;
}
