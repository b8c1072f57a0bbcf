/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the database as a table for people and as JSON for programs. */
#pragma once

#include <jansson.h>

#include "cli/table.h"
#include "store/store.h"

/** flow_view_table() - An empty table for rows of a query grouped by @group. Return:
 * it, or NULL without memory. */
struct table *flow_view_table(enum store_group group);

/**
 * flow_view_add() - One row to such a table
 * @now: seconds since 1970; times of its local day are shown without the date
 */
void flow_view_add(struct table *table, enum store_group group,
		   const struct store_row *row, int64_t now);

/** flow_view_json() - One row as an object. Return: it, or NULL without memory. */
json_t *flow_view_json(enum store_group group, const struct store_row *row);

/* The verdict of a packet that an allowing rule turned away. */
#define VERDICT_LIMIT "limit"

/** flow_view_zone() - One end for JSON: "host" where @direction is @host_when, null for
 *  any or no zone. Return: it, or NULL without memory. */
json_t *flow_view_zone(const char *direction, const char *zone, const char *host_when);

enum { ZONES_TEXT_MAX = 160 };

/** flow_view_zones() - "wan > host", "lan > wan", "-" when nothing is known. Return:
 *  @out. */
char *flow_view_zones(const char *direction, const char *from_zone, const char *to_zone,
		      char out[static ZONES_TEXT_MAX]);
