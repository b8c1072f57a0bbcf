/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The statements of a writer. */
#include "store/internal.h"

#define ROW_KEY "decider, source, destination, protocol, port, denied"
#define ROW_VALUES "flows, packets_out, packets_in, bytes_out, bytes_in"

/* NULL stays NULL: what is unknown in part is unknown. */
#define ADD_UP                                                                         \
	" ON CONFLICT DO UPDATE SET flows = flows + excluded.flows,"                   \
	" packets_out = packets_out + excluded.packets_out,"                           \
	" packets_in = packets_in + excluded.packets_in,"                              \
	" bytes_out = bytes_out + excluded.bytes_out,"                                 \
	" bytes_in = bytes_in + excluded.bytes_in"

static const char *const sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_ADD_MINUTE] = "INSERT INTO minutes (minute, complete, lost, span)"
			   " VALUES (?1, ?2 AND ?3 = 0, ?3, 60)"
			   " ON CONFLICT DO UPDATE SET lost = lost + ?3,"
			   " complete = ?2 AND lost + ?3 = 0, span = max(span, 60)",
	[SQL_ADD_FLOW] =
		"INSERT INTO flows (minute, " ROW_KEY ", " ROW_VALUES ")"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)" ADD_UP,
	[SQL_FIND_DECIDER] =
		"SELECT id FROM deciders WHERE rule = ?1 AND direction = ?2"
		" AND from_zone = ?3 AND to_zone = ?4 AND verdict = ?5",
	[SQL_ADD_DECIDER] = "INSERT INTO deciders (rule, direction, from_zone, to_zone,"
			    " verdict) VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_COUNT_DECIDER] = "UPDATE deciders SET flows = flows + ?2,"
			      " last_minute = max(last_minute, ?3) WHERE id = ?1",
	[SQL_OLDEST] = "SELECT minute, span FROM minutes ORDER BY minute LIMIT 1",
	[SQL_NEXT_OF_SPAN] =
		"SELECT minute FROM minutes WHERE span = ?1 AND minute < ?2"
		" ORDER BY minute LIMIT 1",
	[SQL_BOUNDARY] = "SELECT " ROW_KEY " FROM flows WHERE minute = ?1"
			 " ORDER BY " ROW_KEY " LIMIT 1 OFFSET ?2",
	[SQL_DELETE_FLOWS] = "DELETE FROM flows WHERE minute = ?1"
			     " AND (" ROW_KEY ") < (?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_DELETE_MINUTES] = "DELETE FROM minutes WHERE minute = ?1"
			       " OR (minute > ?1 AND minute < ?1 + ?2 AND span = 0)",
	[SQL_MOVE_FLOWS] =
		"INSERT INTO flows (minute, " ROW_KEY ", " ROW_VALUES ")"
		" SELECT ?8, " ROW_KEY ", " ROW_VALUES " FROM flows WHERE minute = ?1"
		" AND (" ROW_KEY ") < (?2, ?3, ?4, ?5, ?6, ?7)" ADD_UP,
	[SQL_MAKE_SPAN] = "INSERT INTO minutes (minute, complete, lost, span)"
			  " VALUES (?1, 0, 0, ?2)"
			  " ON CONFLICT DO UPDATE SET span = max(span, ?2)",
	[SQL_SET_SPAN] = "UPDATE minutes SET span = ?2 WHERE minute = ?1",
	[SQL_PAGES] = "PRAGMA page_count",
	[SQL_FREE_PAGES] = "PRAGMA freelist_count",
};

sqlite3_stmt *store_statement(struct store *store, enum statement which)
{
	if (!store->statements[which])
		sqlite3_prepare_v3(store->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT,
				   &store->statements[which], NULL);
	return store->statements[which];
}

int store_run(struct store *store, enum statement which)
{
	sqlite3_stmt *statement = store_statement(store, which);
	int result;

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	do
		result = sqlite3_step(statement);
	while (result == SQLITE_ROW);
	sqlite3_reset(statement);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}
