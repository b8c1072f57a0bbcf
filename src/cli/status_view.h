/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How things stand, as lines for a person. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "store/store.h"

struct buffer;

enum { STATUS_WIDTH = 80 };

/** status_view() - The agent's GetStatus reply, lines of at most STATUS_WIDTH where
 *  names and paths allow. @now: seconds since 1970. */
void status_view(json_t *status, int64_t now, bool color, struct buffer *out);

/** status_view_database() - What the database at @path tells by itself. */
void status_view_database(const char *path, const struct store_summary *summary,
			  int64_t now, struct buffer *out);
