/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/schema.h"

#include <assert.h>

#include "base/cleanup.h"
#include "store/store.h"

enum { PLAIN_TABLES = 3 };

/*
 * Rows are clustered by minute, so writing touches few pages, a question about a time
 * reads only that time, and the oldest go in one piece. Names stand once in deciders.
 */
static const char tables_1[] =
	"CREATE TABLE deciders ("
	" id INTEGER PRIMARY KEY,"
	" rule TEXT NOT NULL,"
	" direction TEXT NOT NULL,"
	" from_zone TEXT NOT NULL,"
	" to_zone TEXT NOT NULL,"
	" verdict TEXT NOT NULL,"
	" flows INTEGER NOT NULL DEFAULT 0,"
	" last_minute INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE (rule, direction, from_zone, to_zone, verdict)) STRICT;"
	"CREATE TABLE minutes ("
	" minute INTEGER PRIMARY KEY,"
	" complete INTEGER NOT NULL,"
	" lost INTEGER NOT NULL,"
	" span INTEGER NOT NULL) STRICT;"
	"CREATE INDEX minutes_by_span ON minutes (span, minute);"
	"CREATE TABLE flows ("
	" minute INTEGER NOT NULL,"
	" decider INTEGER NOT NULL,"
	" source BLOB NOT NULL,"
	" destination BLOB NOT NULL,"
	" protocol INTEGER NOT NULL,"
	" port INTEGER NOT NULL,"
	" denied INTEGER NOT NULL,"
	" flows INTEGER NOT NULL,"
	" packets_out INTEGER,"
	" packets_in INTEGER,"
	" bytes_out INTEGER,"
	" bytes_in INTEGER,"
	" PRIMARY KEY (minute, decider, source, destination, protocol, port, denied)"
	") STRICT, WITHOUT ROWID;";

/* SQLite has no function that writes addresses: spell IPv4 byte by byte. */
/* clang-format off */
#define NIBBLE(column, at) \
	"instr('0123456789ABCDEF', substr(hex(f." column "), " at ", 1)) - 1"
#define OCTET(column, high, low) \
	"((" NIBBLE(column, high) ") * 16 + " NIBBLE(column, low) ")"
#define ADDRESS(column) \
	" CASE length(f." column ") WHEN 4 THEN " \
	OCTET(column, "1", "2") " || '.' || " OCTET(column, "3", "4") " || '.' || " \
	OCTET(column, "5", "6") " || '.' || " OCTET(column, "7", "8") \
	" ELSE lower(hex(f." column ")) END AS " column ","
/* clang-format on */

static const char view_1[] =
	"CREATE VIEW readable AS SELECT"
	" datetime(f.minute, 'unixepoch') AS time, m.span AS span, d.rule AS rule,"
	" d.direction AS direction, d.from_zone AS from_zone, d.to_zone AS to_zone,"
	" d.verdict AS verdict," ADDRESS("source") ADDRESS(
		"destination") " f.protocol AS protocol, f.port AS port, f.denied AS "
			       "denied,"
			       " f.flows AS flows, f.packets_out AS packets_out, "
			       "f.packets_in AS packets_in,"
			       " f.bytes_out AS bytes_out, f.bytes_in AS bytes_in"
			       " FROM flows f JOIN deciders d ON d.id = f.decider"
			       " JOIN minutes m ON m.minute = f.minute;";

/* What leads from each version to the next; an empty file is version 0. */
static const struct {
	const char *tables, *view;
} steps[] = {
	{ tables_1, view_1 },
};

static_assert(ARRAY_SIZE(steps) == STORE_SCHEMA_VERSION, "each version has its step");

static int finish(sqlite3_stmt *statement, int64_t *ret)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	else if (result == SQLITE_DONE)
		*ret = 0;
	/* Finalizing gives the error of the step again. */
	return sqlite3_finalize(statement);
}

int sql_number(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	return result ?: finish(statement, ret);
}

/*
 * A view or a virtual table in the place of one of ours, or a column that is computed,
 * would have whoever reads do work that the file's author thought up. Asked of what
 * SQLite made of the schema: its text may say anything.
 */
static const char plain_tables[] =
	"SELECT count(*) FROM pragma_table_list l WHERE l.schema = 'main'"
	" AND l.type = 'table' AND l.name IN ('deciders', 'minutes', 'flows')"
	" AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(l.name) WHERE hidden)";

int schema_look(sqlite3 *db, enum schema_kind *ret, int *version)
{
	int64_t application, user, objects, plain = PLAIN_TABLES;
	int result = sql_number(db, "PRAGMA application_id", &application);

	result = result ?: sql_number(db, "PRAGMA user_version", &user);
	result = result
			 ?: sql_number(db, "SELECT count(*) FROM sqlite_schema",
				       &objects);
	if (!result && user == STORE_SCHEMA_VERSION)
		result = sql_number(db, plain_tables, &plain);
	if (result)
		return result;
	*version = (int)user;
	if (application == 0 && user == 0 && objects == 0)
		*ret = SCHEMA_EMPTY;
	else if (application != STORE_APPLICATION_ID || user < 1 ||
		 plain != PLAIN_TABLES)
		*ret = SCHEMA_FOREIGN;
	else if (user > STORE_SCHEMA_VERSION)
		*ret = SCHEMA_NEWER;
	else
		*ret = user < STORE_SCHEMA_VERSION ? SCHEMA_OLDER : SCHEMA_CURRENT;
	return SQLITE_OK;
}

static int set_pragma(sqlite3 *db, const char *name, int value)
{
	char *sql = sqlite3_mprintf("PRAGMA %s = %d", name, value);
	int result = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return result;
}

static int migrate(sqlite3 *db, int version)
{
	int result = SQLITE_OK;

	for (; !result && version < STORE_SCHEMA_VERSION; version++) {
		result = sqlite3_exec(db, steps[version].tables, NULL, NULL, NULL);
		result = result
				 ?: sqlite3_exec(db, steps[version].view, NULL, NULL,
						 NULL);
	}
	result = result ?: set_pragma(db, "application_id", STORE_APPLICATION_ID);
	return result ?: set_pragma(db, "user_version", STORE_SCHEMA_VERSION);
}

int schema_prepare(sqlite3 *db, enum schema_kind kind, int version)
{
	int result;

	/* Only before the first table is made. */
	if (kind == SCHEMA_EMPTY) {
		result = sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL", NULL,
				      NULL, NULL);
		if (result)
			return result;
	}
	result = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	if (result || kind == SCHEMA_CURRENT)
		return result;
	result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (result)
		return result;
	result = migrate(db, version);
	result = result ?: sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (result)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return result;
}
