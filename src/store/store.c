/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening the database, and what to do when it can't be used. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "store/internal.h"
#include "store/schema.h"

enum {
	BUSY_TIMEOUT_MS = 50, /* events wait meanwhile */
	SET_ASIDE_MAX = 9,
	DISK_FULL_BYTES = 1024 * 1024,
};

static const char *const state_names[] = {
	[STORE_READY] = "ready",         [STORE_BUSY] = "locked",
	[STORE_READ_ONLY] = "read-only", [STORE_FULL] = "full",
	[STORE_NEWER] = "newer",         [STORE_BROKEN] = "broken",
};

const char *store_state_name(enum store_state state)
{
	return state_names[state];
}

enum store_state store_state(const struct store *store)
{
	return store->state;
}

const char *store_why(const struct store *store)
{
	return store->why;
}

bool store_was_set_aside(const struct store *store)
{
	return store->set_aside;
}

__attribute__((format(printf, 3, 4))) static void
set_state(struct store *store, enum store_state state, const char *format, ...)
{
	va_list args;

	store->state = state;
	va_start(args, format);
	vsnprintf(store->why, sizeof(store->why), format, args);
	va_end(args);
}

static void disconnect(struct store *store)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
	sqlite3_close(store->db);
	store->db = NULL;
}

static bool disk_is_full(const struct store *store)
{
	struct statvfs disk;

	return statvfs(store->path, &disk) == 0 &&
	       (uint64_t)disk.f_bavail * disk.f_frsize < DISK_FULL_BYTES;
}

static void say_full(struct store *store)
{
	store->over_limit = store->limit_bytes && !disk_is_full(store);
	if (store->over_limit)
		set_state(store, STORE_FULL,
			  "%s has reached flows.max_size: raise it, or wait until old "
			  "minutes are removed",
			  store->path);
	else
		set_state(store, STORE_FULL,
			  "the disk of %s is full: make room, rows wait in memory",
			  store->path);
}

/* SQLite only says that something could not be opened: the file, its log, or the shared
 * memory; the last two are made in its folder. */
static bool may_not_write(const struct store *store)
{
	auto_free char *folder = strdup(store->path);

	if (eaccess(store->path, W_OK) < 0 && errno != ENOENT)
		return true;
	return folder && eaccess(dirname(folder), W_OK) < 0 && errno != ENOENT;
}

static void say_failure(struct store *store, int result)
{
	int error = sqlite3_system_errno(store->db);

	switch (result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		set_state(store, STORE_BUSY,
			  "another process has locked %s: rows wait in memory until it "
			  "lets go",
			  store->path);
		return;
	case SQLITE_FULL:
		say_full(store);
		return;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		error = EROFS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		set_state(store, STORE_BROKEN,
			  "%s is corrupt and could not be set aside: move it away",
			  store->path);
		return;
	case SQLITE_CANTOPEN:
		if (may_not_write(store))
			error = EROFS;
		break;
	default:
		break;
	}
	if (error == ENOSPC || error == EDQUOT)
		say_full(store);
	else if (error == EROFS || error == EACCES || error == EPERM)
		set_state(store, STORE_READ_ONLY,
			  "%s can't be written: let the agent's user write it and its "
			  "folder",
			  store->path);
	else
		set_state(store, STORE_BROKEN, "%s can't be used: %s (%s)", store->path,
			  sqlite3_errstr(result), error ? strerror(error) : "no errno");
}

int store_settle(struct store *store, int result)
{
	if (result == SQLITE_OK) {
		store->over_limit = false;
		set_state(store, STORE_READY, "%s", "");
		return 0;
	}
	say_failure(store, result);
	if (!sqlite3_get_autocommit(store->db))
		store_run(store, SQL_ROLLBACK);
	return -EAGAIN;
}

static int configure(sqlite3 *db)
{
	/* The file may have been written by anybody: its schema gets no power. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sqlite3_exec(db,
			    "PRAGMA synchronous = NORMAL;"
			    "PRAGMA temp_store = MEMORY;"
			    "PRAGMA journal_size_limit = 4194304;",
			    NULL, NULL, NULL);
}

/* Return: whether the database is one that this program may write. */
static bool accept_kind(struct store *store, enum schema_kind kind, int version)
{
	if (kind == SCHEMA_NEWER)
		set_state(
			store, STORE_NEWER,
			"%s was made by a newer Vigil (schema %d, this one knows %d): "
			"upgrade, or move it away",
			store->path, version, STORE_SCHEMA_VERSION);
	else if (kind == SCHEMA_FOREIGN)
		set_state(
			store, STORE_BROKEN,
			"%s is another program's database: name another file, or move "
			"it away",
			store->path);
	return kind != SCHEMA_NEWER && kind != SCHEMA_FOREIGN;
}

/* Nothing is changed, not even by closing, before the schema is known to be ours. */
static int open_ours(struct store *store)
{
	enum schema_kind kind;
	int version, result;

	result = sqlite3_open_v2(store->path, &store->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (result)
		return result;
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	result = configure(store->db);
	result = result ?: schema_look(store->db, &kind, &version);
	if (result)
		return result;
	if (!accept_kind(store, kind, version))
		return SQLITE_ABORT;
	if (sqlite3_db_readonly(store->db, "main"))
		return SQLITE_READONLY;
	result = schema_prepare(store->db, kind, version);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return result;
}

/* SQLite would make it as the umask says, for everybody to read. */
static void make_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0640);

	if (fd >= 0)
		close(fd);
}

static ino_t log_inode(const struct store *store)
{
	auto_free char *log = NULL;
	struct stat file;

	if (asprintf(&log, "%s-wal", store->path) < 0) {
		log = NULL;
		return 0;
	}
	return stat(log, &file) == 0 ? file.st_ino : 0;
}

static void remember_file(struct store *store)
{
	struct stat file = { 0 };

	/* If it is gone already, the next call sees another inode and opens anew. */
	if (stat(store->path, &file) < 0)
		file.st_ino = 0;
	store->device = file.st_dev;
	store->inode = file.st_ino;
	store->log_inode = log_inode(store);
}

static bool file_was_replaced(const struct store *store)
{
	struct stat file;

	return stat(store->path, &file) < 0 || file.st_dev != store->device ||
	       file.st_ino != store->inode;
}

static void remove_part(const struct store *store, const char *suffix)
{
	auto_free char *path = NULL;

	if (asprintf(&path, "%s%s", store->path, suffix) < 0)
		path = NULL;
	else
		unlink(path);
}

/* SQLite leaves our log behind then, and would play it into the file that came instead.
 */
static void leave_replaced_file(struct store *store)
{
	ino_t ours = store->log_inode;

	disconnect(store);
	if (!ours || log_inode(store) != ours)
		return;
	remove_part(store, "-wal");
	remove_part(store, "-shm");
}

static int connect_once(struct store *store)
{
	int result;

	make_file(store->path);
	result = open_ours(store);
	remember_file(store);
	if (result == SQLITE_OK) {
		set_state(store, STORE_READY, "%s", "");
		return result;
	}
	if (result != SQLITE_ABORT)
		say_failure(store, result);
	disconnect(store);
	return result;
}

static void rename_part(const struct store *store, int number, const char *suffix)
{
	auto_free char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s%s", store->path, suffix) < 0) {
		from = NULL;
		return;
	}
	if (asprintf(&to, "%s.corrupt-%d%s", store->path, number, suffix) < 0) {
		to = NULL;
		return;
	}
	/* Without the log there is nothing to rename; a log that stays behind would be
	 * taken for the new file's, so then it must go. */
	if (rename(from, to) < 0 && *suffix)
		unlink(from);
}

/* Return: the lowest number that is free, or the last one. */
static int free_number(const struct store *store)
{
	int number = 1;

	for (; number < SET_ASIDE_MAX; number++) {
		auto_free char *path = NULL;

		if (asprintf(&path, "%s.corrupt-%d", store->path, number) < 0) {
			path = NULL;
			break;
		}
		if (access(path, F_OK) < 0)
			break;
	}
	return number;
}

bool store_recover(struct store *store, int result)
{
	bool corrupt =
		(result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB;
	int number;

	if (!corrupt || store->set_aside)
		return false;
	say_failure(store, result);
	/* Closing would write the log into the file, and that file is evidence. */
	if (store->db)
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	disconnect(store);
	number = free_number(store);
	rename_part(store, number, "");
	if (access(store->path, F_OK) == 0)
		return false;
	rename_part(store, number, "-wal");
	rename_part(store, number, "-shm");
	store->set_aside = true;
	return connect_once(store) == SQLITE_OK;
}

bool store_connect(struct store *store)
{
	int result;

	if (store->db && !file_was_replaced(store))
		return true;
	if (store->db)
		leave_replaced_file(store);
	result = connect_once(store);
	return result == SQLITE_OK || store_recover(store, result);
}

int store_open(const char *path, struct store **ret, bool *set_aside,
	       char why[static 256])
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->path = strdup(path);
	if (!store->path) {
		free(store);
		return -ENOMEM;
	}
	store_connect(store);
	*set_aside = store->set_aside;
	snprintf(why, 256, "%s", store->why);
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	disconnect(store);
	deciders_done(&store->deciders);
	free(store->path);
	free(store);
}
