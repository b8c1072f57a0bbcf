/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the finders of edits share. */
#pragma once

#include "base/buffer.h"
#include "diagram/revision.h"

struct editing {
	struct revision *revision;
	const struct diagram_input *inputs;
	int error; /* the first -ENOMEM sticks */
};

/** editing_add() - A new edit; NULL without memory, noted. */
struct edit *editing_add(struct editing *editing, enum edit_kind kind, const char *what,
			 const char *name, uint32_t line);

/** editing_detail() - One more sentence; nothing is done where @edit is NULL. */
void editing_detail(struct editing *editing, struct edit *edit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** editing_texts() - "WHAT: BEFORE -> AFTER" where they differ. */
void editing_texts(struct editing *editing, struct edit *edit, const char *what,
		   const struct buffer *before, const struct buffer *after);

/** editing_sets() - "WHAT: 3 ranges added, 1 removed" where they differ. */
void editing_sets(struct editing *editing, struct edit *edit, const char *what,
		  const struct address_set *before, const struct address_set *after);

/** editing_drop() - Take the last edit back when it has no detail. */
void editing_drop(struct editing *editing, struct edit *edit);

void find_rule_edits(struct editing *editing);
void find_set_edits(struct editing *editing);     /* zones, groups, feeds, ban */
void find_setting_edits(struct editing *editing); /* defaults, nat, flows */

/** write_zones() - Zones by name. */
void write_zones(struct buffer *out, const struct policy *policy, const uint32_t *zones,
		 size_t count);

/** write_addresses() - The name of a group where it is one, else ranges. Return: 0 or
 * -ENOMEM. */
int write_addresses(struct buffer *out, const struct policy *policy,
		    const struct address_set *set);
