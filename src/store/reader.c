/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "store/schema.h"
#include "store/store.h"

enum { BUSY_TIMEOUT_MS = 2000, VALUE_BYTES_MAX = 1024 * 1024 };

int reader_fail(sqlite3 *db, const char *path, int result, char why[static 256])
{
	int error = sqlite3_system_errno(db);

	switch (result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(why, 256, "another process has locked %s: try again", path);
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(why, 256,
			 "%s is corrupt: a running agent sets it aside and begins anew",
			 path);
		return -EUCLEAN;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		snprintf(
			why, 256,
			"%s was not closed in order and only somebody who may write "
			"its folder can read it now: start vigil-agent, or ask as root",
			path);
		return -EACCES;
	default:
		snprintf(why, 256, "can't read %s: %s (%s)", path,
			 sqlite3_errstr(result), error ? strerror(error) : "no errno");
		return -EIO;
	}
}

/* Return: the errno of access(2) to the write-ahead log, 0 when it can be read. */
static int log_error(const char *path)
{
	auto_free char *log = NULL;

	if (asprintf(&log, "%s-wal", path) < 0) {
		log = NULL;
		return ENOMEM;
	}
	return access(log, R_OK) < 0 ? errno : 0;
}

static int file_error(const char *path)
{
	struct stat file;

	if (access(path, R_OK) < 0 || stat(path, &file) < 0)
		return errno;
	if (file.st_size == 0)
		return ENOENT;
	return log_error(path) == EACCES ? EACCES : 0;
}

static int check_file(const char *path, char why[static 256])
{
	int error = file_error(path);

	if (error == 0)
		return 0;
	if (error == ENOENT) {
		snprintf(why, 256,
			 "nothing was recorded yet: there is no database %s; is "
			 "vigil-agent running?",
			 path);
	} else if (error == EACCES || error == EPERM) {
		error = EACCES;
		snprintf(why, 256, "you may not read %s: ask as root", path);
	} else {
		snprintf(why, 256, "can't read %s: %s", path, strerror(error));
		error = EIO;
	}
	return -error;
}

static int try_open(const char *name, sqlite3 **ret)
{
	int64_t ignored;
	int result = sqlite3_open_v2(
		name, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
		NULL);

	if (result)
		return result;
	sqlite3_extended_result_codes(*ret, 1);
	sqlite3_busy_timeout(*ret, BUSY_TIMEOUT_MS);
	/* The file may have been written by anybody: its schema gets no power, and no
	   value is longer than ours may be. */
	sqlite3_limit(*ret, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	result = sqlite3_exec(*ret, "PRAGMA temp_store = MEMORY; BEGIN", NULL, NULL,
			      NULL);
	/* Opening is lazy: this is the first read. */
	return result ?: sql_number(*ret, "PRAGMA schema_version", &ignored);
}

/* Return: a URI (sqlite.org/uri.html) that the caller frees, or NULL. */
static char *uri_of(const char *path, const char *options)
{
	auto_buffer struct buffer uri = BUFFER_NULL;
	char *text;

	buffer_text(&uri, "file:");
	for (const char *at = path; *at; at++) {
		if (strchr("%?#", *at))
			buffer_printf(&uri, "%%%02X", (unsigned int)*at);
		else
			buffer_add(&uri, at, 1);
	}
	buffer_text(&uri, options);
	return buffer_take(&uri, &text, NULL) < 0 ? NULL : text;
}

/*
 * A database in WAL mode needs its shared memory file even to be read. The agent keeps
 * one while it runs; after an orderly end there is none, nobody writes, and SQLite may
 * be told that the file does not change.
 */
static int open_any_way(const char *path, sqlite3 **db)
{
	auto_free char *plain = uri_of(path, "");
	auto_free char *immutable = uri_of(path, "?immutable=1");
	int result;

	if (!plain || !immutable)
		return SQLITE_NOMEM;
	result = try_open(plain, db);
	if (((result & 0xff) == SQLITE_CANTOPEN ||
	     (result & 0xff) == SQLITE_READONLY) &&
	    log_error(path) == ENOENT) {
		sqlite3_close(*db);
		*db = NULL;
		result = try_open(immutable, db);
	}
	return result;
}

static int check_schema(sqlite3 *db, const char *path, char why[static 256])
{
	enum schema_kind kind;
	int version;
	int result = schema_look(db, &kind, &version);

	if (result)
		return reader_fail(db, path, result, why);
	switch (kind) {
	case SCHEMA_CURRENT:
		return 0;
	case SCHEMA_EMPTY:
		snprintf(why, 256, "nothing was recorded in %s yet", path);
		return -ENOENT;
	case SCHEMA_OLDER:
	case SCHEMA_NEWER:
		snprintf(why, 256,
			 "%s was made by another version of Vigil (schema %d, this one "
			 "knows %d)",
			 path, version, STORE_SCHEMA_VERSION);
		return -EPROTO;
	case SCHEMA_FOREIGN:
		break;
	}
	snprintf(why, 256, "%s is another program's database", path);
	return -EPROTO;
}

int reader_open(const char *path, sqlite3 **ret, char why[static 256])
{
	auto_reader sqlite3 *db = NULL;
	int result = check_file(path, why);

	if (result < 0)
		return result;
	result = open_any_way(path, &db);
	if (result)
		return reader_fail(db, path, result, why);
	result = check_schema(db, path, why);
	if (result < 0)
		return result;
	*ret = take(db);
	return 0;
}

sqlite3_stmt *reader_prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	return statement;
}
