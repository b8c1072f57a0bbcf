/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about flows. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/reader.h"
#include "store/schema.h"

/* What a row of the answer consists of; NULL or '' where it is grouped away. */
enum column {
	COLUMN_MINUTE,
	COLUMN_FIRST,
	COLUMN_SPAN,
	COLUMN_RULE,
	COLUMN_DIRECTION,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_VERDICT,
	COLUMN_SOURCE,
	COLUMN_DESTINATION,
	COLUMN_PORT,
	COLUMN_PROTOCOL,
	COLUMN_DENIED,
	COLUMN_FLOWS,
	COLUMN_PACKETS_OUT,
	COLUMN_PACKETS_IN,
	COLUMN_BYTES_OUT,
	COLUMN_BYTES_IN,
	COLUMN_KNOWN,
	COLUMN_COMPLETE,
	COLUMN_COUNT,
};

#define TOTALS                                                                         \
	"sum(f.flows), sum(f.packets_out), sum(f.packets_in), sum(f.bytes_out),"       \
	" sum(f.bytes_in), count(*) = count(f.bytes_out), min(m.whole)"
#define GROUP_TIMES "max(f.minute), min(f.minute), max(m.span), "

/* Columns up to the totals, and what one row is made for. */
static const struct {
	const char *columns, *key;
} groups[] = {
	[GROUP_NONE] = { "f.minute, f.minute, m.span, d.rule, d.direction, d.from_zone,"
			 " d.to_zone, d.verdict, f.source, f.destination, f.port,"
			 " f.protocol, f.denied, f.flows, f.packets_out, f.packets_in,"
			 " f.bytes_out, f.bytes_in, f.bytes_out IS NOT NULL,"
			 " m.whole",
			 NULL },
	[GROUP_RULE] = { GROUP_TIMES "d.rule, '', '', '', max(d.verdict), NULL, NULL,"
				     " NULL, NULL, f.denied, " TOTALS,
			 "d.rule" },
	[GROUP_SOURCE] = { GROUP_TIMES "'', '', '', '', '', f.source, NULL, NULL,"
				       " NULL, f.denied, " TOTALS,
			   "f.source" },
	[GROUP_DESTINATION] = { GROUP_TIMES "'', '', '', '', '', NULL, f.destination,"
					    " NULL, NULL, f.denied, " TOTALS,
				"f.destination" },
	[GROUP_PORT] = { GROUP_TIMES "'', '', '', '', '', NULL, NULL, f.port,"
				     " f.protocol, f.denied, " TOTALS,
			 "f.port, f.protocol" },
	[GROUP_PROTOCOL] = { GROUP_TIMES "'', '', '', '', '', NULL, NULL, NULL,"
					 " f.protocol, f.denied, " TOTALS,
			     "f.protocol" },
	[GROUP_ZONE] = { GROUP_TIMES
			 "'', d.direction, d.from_zone, d.to_zone, '', NULL, NULL,"
			 " NULL, NULL, f.denied, " TOTALS,
			 "d.direction, d.from_zone, d.to_zone" },
	[GROUP_DIRECTION] = { GROUP_TIMES "'', d.direction, '', '', '', NULL, NULL,"
					  " NULL, NULL, f.denied, " TOTALS,
			      "d.direction" },
};

struct asking {
	sqlite3 *db;
	const struct store_query *query;
	int64_t since, until; /* of whole minutes, hours, days */
};

static const char *address_condition(struct address_range range, const char *columns[2])
{
	return columns[range.family == FAMILY_IPV4];
}

/* Minutes, hours and days, and whether each minute of them is there and complete. */
#define SPANS                                                                          \
	"WITH m(minute, span, whole) AS MATERIALIZED (SELECT s.minute, s.span,"        \
	" CASE WHEN s.span <= 60 THEN s.complete ELSE"                                 \
	" (SELECT count(*) * 60 >= s.span AND total(p.complete) = count(*)"            \
	" FROM minutes p WHERE p.minute >= s.minute AND p.minute < s.minute + s.span)" \
	" END FROM minutes s WHERE s.span > 0 AND s.minute >= ?1 AND s.minute < ?2) "

/* The joins are CROSS so that SQLite keeps their order: flows, by time, come first. */
static void write_sql(const struct asking *asking, struct buffer *sql)
{
	static const char *source[] = {
		" AND length(f.source) = 16 AND f.source BETWEEN ?5 AND ?6",
		" AND length(f.source) = 4 AND f.source BETWEEN ?5 AND ?6",
	};
	static const char *destination[] = {
		" AND length(f.destination) = 16 AND f.destination BETWEEN ?7 AND ?8",
		" AND length(f.destination) = 4 AND f.destination BETWEEN ?7 AND ?8",
	};
	const struct store_query *query = asking->query;

	buffer_printf(sql,
		      SPANS
		      "SELECT %s FROM flows f CROSS JOIN deciders d ON d.id = f.decider"
		      " CROSS JOIN m ON m.minute = f.minute"
		      " WHERE f.minute >= ?1 AND f.minute < ?2",
		      groups[query->group].columns);
	if (query->rule)
		buffer_text(sql, " AND f.decider IN"
				 " (SELECT id FROM deciders WHERE rule = ?3)");
	if (query->denied >= 0)
		buffer_text(sql, query->denied ? " AND f.denied" : " AND NOT f.denied");
	if (query->has_source)
		buffer_text(sql, address_condition(query->source, source));
	if (query->has_destination)
		buffer_text(sql, address_condition(query->destination, destination));
	if (query->port >= 0)
		buffer_text(sql, " AND f.port = ?9");
	if (query->protocol >= 0)
		buffer_text(sql, " AND f.protocol = ?10");
	if (query->group == GROUP_NONE)
		buffer_text(sql, " ORDER BY f.minute DESC LIMIT ?4");
	else
		buffer_printf(sql,
			      " GROUP BY %s, f.denied ORDER BY total(f.bytes_out) +"
			      " total(f.bytes_in) DESC, sum(f.flows) DESC,"
			      " sum(f.packets_out) DESC, %s LIMIT ?4",
			      groups[query->group].key, groups[query->group].key);
}

/* Binding a parameter that the statement does not have fails, and that is fine. */
static void bind_range(sqlite3_stmt *statement, int place, struct address_range range)
{
	int size_bytes = range.family == FAMILY_IPV4 ? 4 : 16;
	uint128_t ends[] = { range.first, range.last };

	for (int end = 0; end < 2; end++) {
		uint8_t wire[16];

		for (int i = size_bytes; i-- > 0; ends[end] >>= 8)
			wire[i] = (uint8_t)ends[end];
		sqlite3_bind_blob(statement, place + end, wire, size_bytes,
				  SQLITE_TRANSIENT);
	}
}

static void bind_all(const struct asking *asking, sqlite3_stmt *statement)
{
	const struct store_query *query = asking->query;
	int64_t limit =
		query->limit && query->limit < INT64_MAX ? (int64_t)query->limit : -1;

	sqlite3_bind_int64(statement, 1, asking->since);
	sqlite3_bind_int64(statement, 2, asking->until);
	sqlite3_bind_text(statement, 3, query->rule, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, limit);
	if (query->has_source)
		bind_range(statement, 5, query->source);
	if (query->has_destination)
		bind_range(statement, 7, query->destination);
	sqlite3_bind_int(statement, 9, query->port);
	sqlite3_bind_int(statement, 10, query->protocol);
}

static bool read_address(sqlite3_stmt *statement, int column, struct address *ret)
{
	const uint8_t *wire = sqlite3_column_blob(statement, column);
	int size_bytes = sqlite3_column_bytes(statement, column);

	*ret = (struct address){ .family =
					 size_bytes == 4 ? FAMILY_IPV4 : FAMILY_IPV6 };
	if (!wire || (size_bytes != 4 && size_bytes != 16))
		return false;
	for (int i = 0; i < size_bytes; i++)
		ret->value = ret->value << 8 | wire[i];
	return true;
}

static const char *text_at(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column) ?: "";
}

static uint64_t counter_at(sqlite3_stmt *statement, int column)
{
	sqlite3_int64 value = sqlite3_column_int64(statement, column);

	return value > 0 ? (uint64_t)value : 0;
}

static int number_at(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return -1;
	return sqlite3_column_int(statement, column);
}

static struct store_row read_row(sqlite3_stmt *statement)
{
	struct store_row row = {
		.minute = sqlite3_column_int64(statement, COLUMN_MINUTE),
		.first_minute = sqlite3_column_int64(statement, COLUMN_FIRST),
		.span_s = (uint32_t)sqlite3_column_int(statement, COLUMN_SPAN),
		.rule = text_at(statement, COLUMN_RULE),
		.direction = text_at(statement, COLUMN_DIRECTION),
		.from_zone = text_at(statement, COLUMN_FROM),
		.to_zone = text_at(statement, COLUMN_TO),
		.verdict = text_at(statement, COLUMN_VERDICT),
		.port = number_at(statement, COLUMN_PORT),
		.protocol = number_at(statement, COLUMN_PROTOCOL),
		.denied = sqlite3_column_int(statement, COLUMN_DENIED),
		.flows = counter_at(statement, COLUMN_FLOWS),
		.packets_out = counter_at(statement, COLUMN_PACKETS_OUT),
		.packets_in = counter_at(statement, COLUMN_PACKETS_IN),
		.bytes_known = sqlite3_column_int(statement, COLUMN_KNOWN),
		.complete = sqlite3_column_int(statement, COLUMN_COMPLETE),
		.bytes_out = counter_at(statement, COLUMN_BYTES_OUT),
		.bytes_in = counter_at(statement, COLUMN_BYTES_IN),
	};

	row.has_source = read_address(statement, COLUMN_SOURCE, &row.source) &&
			 (!row.denied || row.source.value);
	row.has_destination =
		read_address(statement, COLUMN_DESTINATION, &row.destination);
	return row;
}

/* A time may begin within an hour or day whose minutes are no longer apart. */
static int find_bounds(struct asking *asking)
{
	const struct store_query *query = asking->query;
	auto_statement sqlite3_stmt *statement = NULL;
	int result;

	asking->since = query->since;
	asking->until = query->until ?: INT64_MAX;
	statement = reader_prepare(asking->db,
				   "SELECT min(minute) FROM minutes WHERE minute <= ?1"
				   " AND minute > ?1 - 86400 AND minute + span > ?1");
	if (!statement)
		return sqlite3_extended_errcode(asking->db);
	sqlite3_bind_int64(statement, 1, query->since);
	result = sqlite3_step(statement);
	if (result != SQLITE_ROW)
		return result;
	if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
		asking->since = sqlite3_column_int64(statement, 0);
	return SQLITE_OK;
}

static int answer(struct asking *asking,
		  int (*on_row)(const struct store_row *row, void *context),
		  void *context)
{
	auto_buffer struct buffer sql = BUFFER_NULL;
	auto_statement sqlite3_stmt *statement = NULL;
	int result = find_bounds(asking);

	if (result)
		return result;
	write_sql(asking, &sql);
	if (sql.error)
		return SQLITE_NOMEM;
	statement = reader_prepare(asking->db, sql.data);
	if (!statement)
		return sqlite3_extended_errcode(asking->db);
	bind_all(asking, statement);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_row row = read_row(statement);

		if (on_row(&row, context) > 0)
			return SQLITE_OK;
	}
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

int store_query(const char *path, const struct store_query *query,
		int (*on_row)(const struct store_row *row, void *context),
		void *context, char why[static 256])
{
	auto_reader sqlite3 *db = NULL;
	struct asking asking = { .query = query };
	int result = reader_open(path, &db, why);

	if (result < 0)
		return result;
	asking.db = db;
	result = answer(&asking, on_row, context);
	return result ? reader_fail(db, path, result, why) : 0;
}
