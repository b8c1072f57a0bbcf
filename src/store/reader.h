/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening the database to read, also where nothing may be written. */
#pragma once

#include <sqlite3.h>

/**
 * reader_open() - Open, check the schema, and begin to read: all answers are of the
 * same moment
 * @ret: set on success only; sqlite3_close() it
 * @why: a sentence on failure
 *
 * Return: 0, or as store_query().
 */
int reader_open(const char *path, sqlite3 **ret, char why[static 256]);

/** reader_fail() - Say why a read went wrong. Return: -errno as store_query(). */
int reader_fail(sqlite3 *db, const char *path, int result, char why[static 256]);

/** reader_prepare() - Return: a statement to finalize, or NULL (sqlite3_errcode()). */
sqlite3_stmt *reader_prepare(sqlite3 *db, const char *sql);

static inline void close_reader(sqlite3 **db)
{
	sqlite3_close(*db);
}

static inline void finalize_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

#define auto_reader __attribute__((cleanup(close_reader)))
#define auto_statement __attribute__((cleanup(finalize_statement)))
