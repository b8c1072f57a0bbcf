/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows as the agent sees them. */
#pragma once

#include <jansson.h>

#include "cli/arguments.h"
#include "store/store.h"

struct buffer;

/** flow_follow() - Print events until the agent ends or the reader does. Return: an
 *  enum exit_code. */
int flow_follow(const struct arguments *arguments, const struct store_query *query);

/** flow_follow_wanted() - Whether an Event of io.vigil.Agent is what @query asks for.
 */
bool flow_follow_wanted(json_t *event, const struct store_query *query);

/** flow_follow_line() - An Event as a line for people. */
void flow_follow_line(json_t *event, bool color, struct buffer *out);

/** flow_follow_json() - An event with the names and meanings of flow_view_json().
 *  Return: it, or NULL without memory. */
json_t *flow_follow_json(json_t *event);
