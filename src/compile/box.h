/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches as boxes in the space of source, destination and protocol with port. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/span.h"

struct build;
struct subject;

/* What is looked at beyond the addresses. */
enum layer4 {
	LAYER4_ALL,
	LAYER4_PROTOCOL,
	LAYER4_PORT, /* protocol and destination port */
	LAYER4_ICMP, /* type */
	LAYER4_ICMPV6,
};

/* Boxes of one shape can stand in one look-up. */
struct shape {
	const char *source_set; /* NULL, or a named set that must hold the source */
	const char *destination_set;
	size_t schedule; /* of the subject */
	uint8_t families;
	uint8_t layer4;
	bool source; /* part of the look-up's key */
	bool destination;
	bool exact; /* the key is one value, not a range */
};

enum axis { AXIS_SOURCE, AXIS_DESTINATION, AXIS_LAYER4, AXES };

/*
 * Nothing outside the spans matches; what is inside matches when the shape's sets and
 * schedule agree. On the last axis a point is PROTOCOL << 16 | PORT (or ICMP type).
 */
struct box {
	struct shape shape;
	struct span spans[AXES];
};

/** boxes_make() - Fill a subject's boxes from its clauses, unless they are there. */
void boxes_make(struct build *build, struct subject *subject);

/** boxes_overlap() - Whether a packet could match both. */
bool boxes_overlap(const struct box *a, const struct box *b);

/** shapes_equal() - Whether two boxes can stand in one look-up. */
bool shapes_equal(const struct shape *a, const struct shape *b);

/** shape_has_axis() - Whether an axis is part of the key. */
bool shape_has_axis(const struct shape *shape, enum axis axis);

/** box_is_everything() - Whether every packet matches. */
bool box_is_everything(const struct box *box);

enum { PIECES_MAX = 32 };

struct pieces {
	struct box list[PIECES_MAX];
	size_t count;
};

/**
 * pieces_subtract() - Take a box of the same shape out of all pieces
 *
 * Return: false when that makes too many of them.
 */
bool pieces_subtract(struct pieces *pieces, const struct box *less);
