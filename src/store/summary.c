/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the whole. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/reader.h"

static uint64_t unsigned_at(sqlite3_stmt *statement, int column)
{
	sqlite3_int64 value = sqlite3_column_int64(statement, column);

	return value > 0 ? (uint64_t)value : 0;
}

static uint64_t size_of_part(const char *path, const char *suffix)
{
	auto_free char *name = NULL;
	struct stat file;

	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return 0;
	}
	return stat(name, &file) == 0 ? (uint64_t)file.st_size : 0;
}

uint64_t store_size_bytes(const char *path)
{
	return size_of_part(path, "") + size_of_part(path, "-wal");
}

int store_summarize(const char *path, struct store_summary *ret, char why[static 256])
{
	auto_reader sqlite3 *db = NULL;
	auto_statement sqlite3_stmt *statement = NULL;
	int result = reader_open(path, &db, why);

	if (result < 0)
		return result;
	statement = reader_prepare(
		db, "SELECT min(minute), max(minute), count(*), total(complete = 0),"
		    " total(lost), (SELECT count(*) FROM flows) FROM minutes");
	if (!statement || sqlite3_step(statement) != SQLITE_ROW)
		return reader_fail(db, path, sqlite3_extended_errcode(db), why);
	*ret = (struct store_summary){
		.first_minute = sqlite3_column_int64(statement, 0),
		.last_minute = sqlite3_column_int64(statement, 1),
		.minutes = unsigned_at(statement, 2),
		.incomplete_minutes = unsigned_at(statement, 3),
		.lost = unsigned_at(statement, 4),
		.rows = unsigned_at(statement, 5),
		.size_bytes = store_size_bytes(path),
	};
	return 0;
}

int store_rules(const char *path,
		int (*on_rule)(const struct store_rule *rule, void *context),
		void *context, char why[static 256])
{
	auto_reader sqlite3 *db = NULL;
	auto_statement sqlite3_stmt *statement = NULL;
	int result = reader_open(path, &db, why);

	if (result < 0)
		return result;
	statement = reader_prepare(
		db, "SELECT rule, sum(flows), max(last_minute) FROM deciders"
		    " WHERE rule != '' GROUP BY rule ORDER BY rule");
	if (!statement)
		return reader_fail(db, path, sqlite3_extended_errcode(db), why);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_rule rule = {
			.id = (const char *)sqlite3_column_text(statement, 0),
			.flows = unsigned_at(statement, 1),
			.last_minute = sqlite3_column_int64(statement, 2),
		};

		if (rule.id && on_rule(&rule, context) > 0)
			return 0;
	}
	return result == SQLITE_DONE ? 0 : reader_fail(db, path, result, why);
}
