/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_view.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/units.h"
#include "cli/when.h"

/* What can be done without goes first: zones are told by the rule, replies are mostly
 * told by what was sent, and addresses stay whole as long as anything else can go. */
static const struct column flow_columns[] = {
	{ .title = "TIME" },
	{ .title = "ZONES", .give = 1 },
	{ .title = "SOURCE", .give = 8, .minimum = 15 },
	{ .title = "DESTINATION", .give = 5, .fold = true },
	{ .title = "TRAFFIC" },
	{ .title = "RULE", .give = 2, .minimum = 8 },
	{ .title = "ACTION", .give = 6 },
	{ .title = "COUNT", .right = true, .give = 7 },
	{ .title = "SENT", .right = true, .give = 4 },
	{ .title = "RECV", .right = true, .give = 3 },
};

/* The same for what was added up; the first title is that of the group. */
#define GROUP_COLUMNS(name)                                                            \
	{                                                                              \
		{ .title = (name), .give = 6, .minimum = 12 }, { .title = "ACTION" },  \
			{ .title = "COUNT", .right = true },                           \
			{ .title = "PACKETS", .right = true, .give = 5 },              \
			{ .title = "SENT", .right = true, .give = 4 },                 \
			{ .title = "RECV", .right = true, .give = 3 },                 \
			{ .title = "FIRST", .give = 1 },                               \
		{                                                                      \
			.title = "LAST", .give = 2                                     \
		}                                                                      \
	}

static const struct column group_columns[][8] = {
	[GROUP_RULE] = GROUP_COLUMNS("RULE"),
	[GROUP_SOURCE] = GROUP_COLUMNS("SOURCE"),
	[GROUP_DESTINATION] = GROUP_COLUMNS("DESTINATION"),
	[GROUP_PORT] = GROUP_COLUMNS("TRAFFIC"),
	[GROUP_PROTOCOL] = GROUP_COLUMNS("PROTOCOL"),
	[GROUP_ZONE] = GROUP_COLUMNS("ZONES"),
	[GROUP_DIRECTION] = GROUP_COLUMNS("DIRECTION"),
};

struct table *flow_view_table(enum store_group group)
{
	if (group == GROUP_NONE)
		return table_new(flow_columns, ARRAY_SIZE(flow_columns));
	return table_new(group_columns[group], ARRAY_SIZE(group_columns[group]));
}

char *flow_view_zones(const char *direction, const char *from_zone, const char *to_zone,
		      char out[static ZONES_TEXT_MAX])
{
	bool input = strcmp(direction, "input") == 0;
	bool output = strcmp(direction, "output") == 0;

	if (!direction[0] && !from_zone[0] && !to_zone[0]) {
		snprintf(out, ZONES_TEXT_MAX, "-");
		return out;
	}
	snprintf(out, ZONES_TEXT_MAX, "%s > %s",
		 output         ? "host"
		 : from_zone[0] ? from_zone
				: "any",
		 input        ? "host"
		 : to_zone[0] ? to_zone
			      : "any");
	return out;
}

static const char *or_dash(const char *text)
{
	return text && text[0] ? text : "-";
}

static void add_address(struct table *table, bool known, struct address address)
{
	char text[ADDRESS_TEXT_MAX];

	table_cell(table, STYLE_PLAIN, known ? address_format(address, text) : "-");
}

/* "tcp/443", "icmp/8", or the protocol alone where a port says nothing. */
static void add_traffic(struct table *table, const struct store_row *row)
{
	char name[UNITS_TEXT_MAX];

	if (row->protocol < 0)
		table_cell(table, STYLE_PLAIN, "-");
	else if (row->port > 0 || (row->port == 0 && (row->protocol == IPPROTO_ICMP ||
						      row->protocol == IPPROTO_ICMPV6)))
		table_cell_printf(table, STYLE_PLAIN, "%s/%d",
				  units_protocol(row->protocol, name), row->port);
	else
		table_cell(table, STYLE_PLAIN, units_protocol(row->protocol, name));
}

static void add_count(struct table *table, uint64_t count)
{
	char text[UNITS_TEXT_MAX];

	table_cell(table, STYLE_PLAIN, units_count(count, text));
}

/* Where the kernel did not count all of it, what is known is a lower bound. */
static void add_bytes(struct table *table, bool known, uint64_t bytes)
{
	char text[UNITS_TEXT_MAX];

	if (!known && bytes == 0)
		table_cell(table, STYLE_FAINT, "-");
	else
		table_cell_printf(table, known ? STYLE_PLAIN : STYLE_FAINT, "%s%s",
				  known ? "" : ">", units_bytes_short(bytes, text));
}

/* What was added up may have had several verdicts, but was let through or was not. A
 * packet that an allowing rule turned away went beyond the rule's limit. */
static const char *action(const struct store_row *row, bool group)
{
	if (row->denied && strcmp(row->verdict, "allow") == 0)
		return VERDICT_LIMIT;
	if (row->verdict[0])
		return row->verdict;
	if (row->denied)
		return "deny";
	return group ? "allow" : "-";
}

static void add_action(struct table *table, const struct store_row *row, bool group)
{
	const char *text = action(row, group);

	table_cell(table,
		   row->denied                  ? STYLE_BAD
		   : strcmp(text, "allow") == 0 ? STYLE_GOOD
						: STYLE_PLAIN,
		   text);
}

/* Nothing comes back to what was denied. */
static void add_amounts(struct table *table, const struct store_row *row)
{
	add_bytes(table, row->bytes_known, row->bytes_out);
	if (row->denied)
		table_cell(table, STYLE_FAINT, "-");
	else
		add_bytes(table, row->bytes_known, row->bytes_in);
}

static void add_flow(struct table *table, const struct store_row *row, int64_t now)
{
	char zones[ZONES_TEXT_MAX], time[WHEN_TEXT_MAX];

	table_cell_printf(table, row->complete ? STYLE_PLAIN : STYLE_FAINT, "%s%s",
			  when_format_span(row->minute, row->span_s, now, time),
			  row->complete ? "" : "*");
	table_cell(
		table, STYLE_FAINT,
		flow_view_zones(row->direction, row->from_zone, row->to_zone, zones));
	add_address(table, row->has_source, row->source);
	add_address(table, row->has_destination, row->destination);
	add_traffic(table, row);
	table_cell(table, STYLE_PLAIN, or_dash(row->rule));
	add_action(table, row, false);
	add_count(table, row->denied ? row->packets_out : row->flows);
	add_amounts(table, row);
}

static void add_group_key(struct table *table, enum store_group group,
			  const struct store_row *row)
{
	char text[ZONES_TEXT_MAX];

	switch (group) {
	case GROUP_RULE:
		table_cell(table, STYLE_PLAIN, or_dash(row->rule));
		return;
	case GROUP_SOURCE:
		add_address(table, row->has_source, row->source);
		return;
	case GROUP_DESTINATION:
		add_address(table, row->has_destination, row->destination);
		return;
	case GROUP_ZONE:
		table_cell(table, STYLE_PLAIN,
			   flow_view_zones(row->direction, row->from_zone, row->to_zone,
					   text));
		return;
	case GROUP_DIRECTION:
		table_cell(table, STYLE_PLAIN, or_dash(row->direction));
		return;
	case GROUP_PORT:
	case GROUP_PROTOCOL:
	case GROUP_NONE:
	default:
		add_traffic(table, row);
	}
}

void flow_view_add(struct table *table, enum store_group group,
		   const struct store_row *row, int64_t now)
{
	char time[WHEN_TEXT_MAX];

	if (group == GROUP_NONE) {
		add_flow(table, row, now);
		return;
	}
	add_group_key(table, group, row);
	add_action(table, row, true);
	add_count(table, row->denied ? row->packets_out : row->flows);
	add_count(table, row->packets_out + row->packets_in);
	add_amounts(table, row);
	table_cell(table, STYLE_PLAIN, when_format(row->first_minute, now, time));
	table_cell(table, STYLE_PLAIN, when_format(row->minute, now, time));
}

/* --- JSON ------------------------------------------------------------------------ */

static json_t *text_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *address_or_null(bool known, struct address address)
{
	char text[ADDRESS_TEXT_MAX];

	return known ? json_string(address_format(address, text)) : json_null();
}

static json_t *number_or_null(bool known, uint64_t number)
{
	return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *protocol_or_null(int protocol)
{
	char text[UNITS_TEXT_MAX];

	return protocol < 0 ? json_null() : json_string(units_protocol(protocol, text));
}

/* As people see it: what an allowing rule turned away went beyond its limit. */
static json_t *verdict_or_null(const struct store_row *row)
{
	if (row->denied && strcmp(row->verdict, "allow") == 0)
		return json_string(VERDICT_LIMIT);
	return text_or_null(row->verdict);
}

json_t *flow_view_zone(const char *direction, const char *zone, const char *host_when)
{
	return text_or_null(strcmp(direction, host_when) == 0 ? "host" : zone);
}

static json_t *zone_from(const struct store_row *row)
{
	return flow_view_zone(row->direction, row->from_zone, "output");
}

static json_t *zone_to(const struct store_row *row)
{
	return flow_view_zone(row->direction, row->to_zone, "input");
}

static json_t *group_key(enum store_group group, const struct store_row *row)
{
	switch (group) {
	case GROUP_RULE:
		return json_pack("{s:o, s:o}", "rule", text_or_null(row->rule),
				 "verdict", verdict_or_null(row));
	case GROUP_SOURCE:
		return json_pack("{s:o}", "source",
				 address_or_null(row->has_source, row->source));
	case GROUP_DESTINATION:
		return json_pack(
			"{s:o}", "destination",
			address_or_null(row->has_destination, row->destination));
	case GROUP_PORT:
		return json_pack("{s:o, s:o}", "protocol",
				 protocol_or_null(row->protocol), "port",
				 number_or_null(row->port >= 0, (uint64_t)row->port));
	case GROUP_PROTOCOL:
		return json_pack("{s:o}", "protocol", protocol_or_null(row->protocol));
	case GROUP_ZONE:
		return json_pack("{s:o, s:o, s:o}", "direction",
				 text_or_null(row->direction), "from_zone",
				 zone_from(row), "to_zone", zone_to(row));
	case GROUP_DIRECTION:
		return json_pack("{s:o}", "direction", text_or_null(row->direction));
	case GROUP_NONE:
	default:
		return json_object();
	}
}

static json_t *flow_key(const struct store_row *row)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "span",
			 (json_int_t)row->span_s, "rule", text_or_null(row->rule),
			 "direction", text_or_null(row->direction), "from_zone",
			 zone_from(row), "to_zone", zone_to(row), "verdict",
			 verdict_or_null(row), "source",
			 address_or_null(row->has_source, row->source), "destination",
			 address_or_null(row->has_destination, row->destination),
			 "protocol", protocol_or_null(row->protocol), "port",
			 number_or_null(row->port >= 0, (uint64_t)row->port));
}

static json_t *bytes_or_null(bool known, uint64_t bytes)
{
	return number_or_null(known || bytes, bytes);
}

static json_t *totals(enum store_group group, const struct store_row *row)
{
	return json_pack(
		"{s:b, s:b, s:o*, s:I, s:I, s:I, s:I, s:b, s:o, s:o}", "denied",
		row->denied, "complete", row->complete, "first_minute",
		group == GROUP_NONE ? NULL
				    : json_integer((json_int_t)row->first_minute),
		"minute", (json_int_t)row->minute, "flows", (json_int_t)row->flows,
		"packets_out", (json_int_t)row->packets_out, "packets_in",
		(json_int_t)row->packets_in, "bytes_known", row->bytes_known,
		"bytes_out", bytes_or_null(row->bytes_known, row->bytes_out),
		"bytes_in",
		row->denied ? json_null()
			    : bytes_or_null(row->bytes_known, row->bytes_in));
}

json_t *flow_view_json(enum store_group group, const struct store_row *row)
{
	json_t *object = group == GROUP_NONE ? flow_key(row) : group_key(group, row);
	json_t *numbers = totals(group, row);

	if (!object || !numbers || json_object_update(object, numbers) < 0) {
		json_decref(object);
		object = NULL;
	}
	json_decref(numbers);
	return object;
}
