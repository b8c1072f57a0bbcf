/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed elements: the form in which address sets cross the wall (helper/protocol.h).
 */
#pragma once

#include <stdint.h>

#include "base/address.h"
#include "helper/protocol.h"

struct buffer;

/** elements_pack() - One block that adds or deletes all of a family's ranges of @set.
 */
void elements_pack(struct buffer *out, enum helper_element_op op, const char *set_name,
		   const struct address_set *set, enum family family);

/** elements_pack_difference() - The blocks that turn @from into @to: deletions, then
 * additions. */
void elements_pack_difference(struct buffer *out, const char *set_name,
			      const struct address_set *from,
			      const struct address_set *to, enum family family,
			      size_t *added, size_t *deleted);

/** elements_pack_tag() - The blocks that replace the tag chain @from ("" for none) by
 * @to. */
void elements_pack_tag(struct buffer *out, const char *from, const char *to);
