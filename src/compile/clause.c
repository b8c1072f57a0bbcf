/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ends of a rule as alternatives that a single statement can express. */
#include "compile/lower.h"

#include "compile/build.h"

/* The alternatives of one end in one family: its addresses, and each of its feeds. */
struct sides {
	struct side *list;
	size_t count;
};

static void add_side(struct build *build, struct sides *sides, struct side side)
{
	struct side *place =
		arena_grow(&build->scratch, &sides->list, sides->count, sizeof(*place));

	if (!place) {
		build_fail(build);
		return;
	}
	*place = side;
	sides->count++;
}

struct side clause_side(struct build *build, const struct address_set *addresses,
			enum family family, size_t inline_max)
{
	struct side side = { .kind = SIDE_RANGES,
			     .addresses = addresses,
			     .hull = set_hull(addresses, family) };

	if (span_equal(side.hull, span_all(family)) &&
	    set_span_count(addresses, family) == 1) {
		side.kind = SIDE_ANY;
	} else if (set_span_count(addresses, family) > inline_max) {
		side.kind = SIDE_SET;
		side.set = sets_static(build, addresses, family);
	}
	return side;
}

static struct sides find_sides(struct build *build, const struct endpoint *end,
			       enum family family)
{
	struct side any = { .kind = SIDE_ANY, .hull = span_all(family) };
	struct sides sides = { 0 };

	if (!end->restricted) {
		add_side(build, &sides, any);
		return sides;
	}
	if (set_span_count(&end->addresses, family))
		add_side(
			build, &sides,
			clause_side(build, &end->addresses, family, INLINE_RANGES_MAX));
	for (size_t i = 0; i < end->feed_count; i++) {
		struct side feed = any;

		feed.kind = SIDE_SET;
		feed.set = sets_feed(build, end->feeds[i], family);
		add_side(build, &sides, feed);
	}
	return sides;
}

static void add_clause(struct build *build, struct subject *subject,
		       struct clause clause)
{
	struct clause *place = arena_grow(&build->scratch, &subject->clauses,
					  subject->clause_count, sizeof(*place));

	if (!place) {
		build_fail(build);
		return;
	}
	*place = clause;
	subject->clause_count++;
}

static void make_family(struct build *build, struct subject *subject,
			enum family family)
{
	struct sides from = find_sides(build, &subject->rule->from, family);
	struct sides to = find_sides(build, &subject->rule->to, family);
	uint8_t families = family == FAMILY_IPV4 ? FAMILIES_IPV4 : FAMILIES_IPV6;

	for (size_t i = 0; i < from.count; i++) {
		for (size_t j = 0; j < to.count; j++)
			add_clause(
				build, subject,
				(struct clause){ families, from.list[i], to.list[j] });
	}
}

void clauses_make(struct build *build, struct subject *subject)
{
	struct side any = { .kind = SIDE_ANY, .hull = span_all(FAMILY_IPV6) };

	if (!subject->rule->from.restricted && !subject->rule->to.restricted) {
		add_clause(build, subject, (struct clause){ FAMILIES_BOTH, any, any });
		return;
	}
	make_family(build, subject, FAMILY_IPV4);
	make_family(build, subject, FAMILY_IPV6);
}
