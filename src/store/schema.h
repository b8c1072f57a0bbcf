/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables, and how a file comes to have them. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum schema_kind {
	SCHEMA_EMPTY, /* a new file */
	SCHEMA_CURRENT,
	SCHEMA_OLDER,
	SCHEMA_NEWER,
	SCHEMA_FOREIGN, /* a database, but not ours */
};

/**
 * schema_look() - What kind of database this is; changes nothing
 * @version: set to its PRAGMA user_version
 *
 * Return: SQLITE_OK or another result of SQLite.
 */
int schema_look(sqlite3 *db, enum schema_kind *ret, int *version);

/**
 * schema_prepare() - Bring an empty, older or current one to the newest, in one
 * transaction
 *
 * Return: SQLITE_OK or another result of SQLite; then nothing changed.
 */
int schema_prepare(sqlite3 *db, enum schema_kind kind, int version);

/** sql_number() - The one integer a statement answers with. Return: SQLITE_OK or
 * another result of SQLite. */
int sql_number(sqlite3 *db, const char *sql, int64_t *ret);
