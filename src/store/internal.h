/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of store/ that write share. Results are SQLite's. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

#include "store/deciders.h"
#include "store/store.h"

/* Statements that are used again and again, prepared when first needed. */
enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_ADD_MINUTE,
	SQL_ADD_FLOW,
	SQL_FIND_DECIDER,
	SQL_ADD_DECIDER,
	SQL_COUNT_DECIDER,
	SQL_OLDEST,
	SQL_NEXT_OF_SPAN,
	SQL_BOUNDARY,
	SQL_DELETE_FLOWS,
	SQL_DELETE_MINUTES,
	SQL_MOVE_FLOWS,
	SQL_MAKE_SPAN,
	SQL_SET_SPAN,
	SQL_PAGES,
	SQL_FREE_PAGES,
	SQL_COUNT,
};

struct store {
	char *path;
	sqlite3 *db; /* NULL until it could be opened and its schema is right */
	dev_t device;
	ino_t inode; /* of the file that is open */
	ino_t log_inode;
	sqlite3_stmt *statements[SQL_COUNT];
	struct deciders deciders;
	enum store_state state;
	bool set_aside;
	bool over_limit;      /* a write did not fit into @limit_bytes */
	uint64_t limit_bytes; /* that PRAGMA max_page_count stands for; 0: none */
	char why[256];
};

/** store_connect() - Make sure that the file at the store's path is open. Return:
 * whether it is; else the state says why not. */
bool store_connect(struct store *store);

/** store_statement() - Return: ready to bind and run, or NULL (sqlite3_errcode()). */
sqlite3_stmt *store_statement(struct store *store, enum statement which);

/** store_run() - Run a statement that was bound, or needs no binding, to its end, and
 * reset it. Return: SQLITE_OK or another result. */
int store_run(struct store *store, enum statement which);

/** store_settle() - Set the state after a result, and undo an open transaction if it is
 * a failure. Return: 0 or -EAGAIN. */
int store_settle(struct store *store, int result);

/** store_recover() - Set a corrupt file aside and make a new one, if @result says that
 * it is corrupt and this is the first time. Return: whether there is a new one. */
bool store_recover(struct store *store, int result);
