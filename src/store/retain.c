/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping the database bounded. Each step is a transaction of its own over at most
 * STEP_ROWS rows, so events never wait long, and a stop at any time leaves everything
 * counted once: a row that is rolled up leaves its minute in the same transaction in
 * which it is added to the hour or day.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "store/internal.h"
#include "store/schema.h"

enum {
	STEP_ROWS = 2000,
	STEP_PAGES = 256,
	BUDGET_MS = 50,
	PAGES_MIN = 64, /* an empty database has about 12 */
	WAL_BYTES = 8 * 1024 * 1024,
};

static const int64_t pages_max = 0xfffffffe; /* SQLite's own limit */

static_assert(STEP_PAGES == 256, "as step_shrink() spells it");

struct limits {
	int64_t now, keep_s, pages;
};

static int number_of(struct store *store, enum statement which, int64_t *ret)
{
	sqlite3_stmt *statement = store_statement(store, which);
	int result;

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result == SQLITE_ROW ? SQLITE_OK : result;
}

/* Where a step over the rows of a minute ends: before this key. */
static int bind_boundary(struct store *store, int64_t minute, enum statement which,
			 bool *whole)
{
	sqlite3_stmt *boundary = store_statement(store, SQL_BOUNDARY);
	sqlite3_stmt *statement = store_statement(store, which);
	int result;

	if (!boundary || !statement)
		return sqlite3_extended_errcode(store->db);
	sqlite3_bind_int64(boundary, 1, minute);
	sqlite3_bind_int(boundary, 2, STEP_ROWS);
	result = sqlite3_step(boundary);
	*whole = result == SQLITE_DONE;
	sqlite3_bind_int64(statement, 1, minute);
	for (int i = 0; i < 6; i++) {
		if (*whole)
			sqlite3_bind_int64(statement, i + 2, INT64_MAX);
		else if (result == SQLITE_ROW)
			sqlite3_bind_value(statement, i + 2,
					   sqlite3_column_value(boundary, i));
	}
	sqlite3_reset(boundary);
	return result == SQLITE_ROW || *whole ? SQLITE_OK : result;
}

static int run_with(struct store *store, enum statement which, int64_t first,
		    int64_t second)
{
	sqlite3_stmt *statement = store_statement(store, which);

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	sqlite3_bind_int64(statement, 1, first);
	sqlite3_bind_int64(statement, 2, second);
	return store_run(store, which);
}

static int remove_rows(struct store *store, int64_t minute, int64_t span)
{
	bool whole = false;
	int result = store_run(store, SQL_BEGIN);

	result = result ?: bind_boundary(store, minute, SQL_DELETE_FLOWS, &whole);
	result = result ?: store_run(store, SQL_DELETE_FLOWS);
	if (!result && whole)
		result = run_with(store, SQL_DELETE_MINUTES, minute, span);
	return result ?: store_run(store, SQL_COMMIT);
}

static int move_rows(struct store *store, int64_t minute, int64_t to, int64_t span)
{
	bool whole = false;
	int result = store_run(store, SQL_BEGIN);

	result = result ?: run_with(store, SQL_MAKE_SPAN, to, span);
	if (!result && minute != to) {
		result = bind_boundary(store, minute, SQL_MOVE_FLOWS, &whole);
		if (!result)
			sqlite3_bind_int64(store->statements[SQL_MOVE_FLOWS], 8, to);
		result = result ?: store_run(store, SQL_MOVE_FLOWS);
		result = result
				 ?: bind_boundary(store, minute, SQL_DELETE_FLOWS,
						  &whole);
		result = result ?: store_run(store, SQL_DELETE_FLOWS);
		if (!result && whole)
			result = run_with(store, SQL_SET_SPAN, minute, 0);
	}
	return result ?: store_run(store, SQL_COMMIT);
}

static bool is_too_old(const struct limits *limits, int64_t minute, int64_t span)
{
	return minute + span <= limits->now - limits->keep_s;
}

/* Removal makes pages free and the file may stay as large, so count those in use. The
 * minute that is being written stays: without it there would be nothing left to say. */
static int is_too_much(struct store *store, const struct limits *limits, int64_t minute,
		       bool *ret)
{
	int64_t pages = 0, free_pages = 0, allowed = limits->pages;
	int result = number_of(store, SQL_PAGES, &pages);

	result = result ?: number_of(store, SQL_FREE_PAGES, &free_pages);
	/* Room for the next minutes; much room where the last one did not fit. */
	allowed -= store->over_limit ? allowed / 2 : allowed / 8;
	*ret = limits->pages && pages - free_pages > allowed &&
	       minute < limits->now - limits->now % MINUTE_S;
	return result;
}

static int oldest(struct store *store, int64_t *minute, int64_t *span)
{
	sqlite3_stmt *statement = store_statement(store, SQL_OLDEST);
	int result;

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		*minute = sqlite3_column_int64(statement, 0);
		*span = sqlite3_column_int64(statement, 1);
	}
	sqlite3_reset(statement);
	return result;
}

/* Steps return whether there may be more to do, or a failure in @result. */
static bool step_removal(struct store *store, const struct limits *limits, int *result)
{
	int64_t minute = 0, span = 0;
	bool too_much = false;

	*result = oldest(store, &minute, &span);
	if (*result != SQLITE_ROW) {
		*result = *result == SQLITE_DONE ? SQLITE_OK : *result;
		return false;
	}
	if (span < MINUTE_S)
		span = MINUTE_S;
	*result = is_too_much(store, limits, minute, &too_much);
	if (*result || (!too_much && !is_too_old(limits, minute, span)))
		return false;
	*result = remove_rows(store, minute, span);
	return !*result;
}

static bool step_roll_up(struct store *store, int64_t from_span, int64_t to_span,
			 int64_t before, int *result)
{
	sqlite3_stmt *next = store_statement(store, SQL_NEXT_OF_SPAN);
	int64_t minute = 0;

	if (!next) {
		*result = sqlite3_extended_errcode(store->db);
		return false;
	}
	sqlite3_bind_int64(next, 1, from_span);
	sqlite3_bind_int64(next, 2, before - before % to_span);
	*result = sqlite3_step(next);
	if (*result == SQLITE_ROW)
		minute = sqlite3_column_int64(next, 0);
	sqlite3_reset(next);
	if (*result != SQLITE_ROW) {
		*result = *result == SQLITE_DONE ? SQLITE_OK : *result;
		return false;
	}
	*result = move_rows(store, minute, minute - minute % to_span, to_span);
	return !*result;
}

/* A few free pages serve the next minutes; many belong to the disk. */
static bool step_shrink(struct store *store, int *result)
{
	int64_t pages = 0, free_pages = 0;

	*result = number_of(store, SQL_PAGES, &pages);
	*result = *result ?: number_of(store, SQL_FREE_PAGES, &free_pages);
	if (*result || free_pages < STEP_PAGES || free_pages < pages / 8)
		return false;
	*result = sqlite3_exec(store->db, "PRAGMA incremental_vacuum(256)", NULL, NULL,
			       NULL);
	return !*result;
}

static bool step(struct store *store, const struct limits *limits, int *result)
{
	if (step_removal(store, limits, result) || *result)
		return !*result;
	if (step_roll_up(store, MINUTE_S, HOUR_S, limits->now - STORE_HOURS_AFTER_S,
			 result) ||
	    *result)
		return !*result;
	if (step_roll_up(store, HOUR_S, DAY_S, limits->now - STORE_DAYS_AFTER_S,
			 result) ||
	    *result)
		return !*result;
	return step_shrink(store, result);
}

static int set_pragma(sqlite3 *db, const char *name, int64_t value)
{
	char *sql = sqlite3_mprintf("PRAGMA %s = %lld", name, (long long)value);
	int result = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return result;
}

/* A part of @max_bytes is for the log, which is played back when half of that is used
 * and then holds at most one transaction more. */
static int set_limit(struct store *store, uint64_t max_bytes, int64_t *pages)
{
	int64_t log_bytes =
		max_bytes / 4 < WAL_BYTES ? (int64_t)max_bytes / 4 : WAL_BYTES;
	int64_t page_bytes = 0;
	int result;

	*pages = 0;
	if (!max_bytes)
		log_bytes = WAL_BYTES;
	result = sql_number(store->db, "PRAGMA page_size", &page_bytes);
	if (result || page_bytes <= 0)
		return result ?: SQLITE_CORRUPT;
	if (max_bytes)
		*pages = ((int64_t)(max_bytes < INT64_MAX ? max_bytes : INT64_MAX) -
			  log_bytes) /
			 page_bytes;
	if (max_bytes && *pages < PAGES_MIN)
		*pages = PAGES_MIN;
	if (*pages > pages_max)
		*pages = pages_max;
	store->limit_bytes = max_bytes;
	result = set_pragma(store->db, "max_page_count", *pages ?: pages_max);
	result = result
			 ?: set_pragma(store->db, "wal_autocheckpoint",
				       log_bytes / 2 / page_bytes ?: 1);
	return result ?: set_pragma(store->db, "journal_size_limit", log_bytes / 2);
}

int store_retain(struct store *store, int64_t now, uint32_t keep_s, uint64_t max_bytes)
{
	struct limits limits = { .now = now, .keep_s = keep_s };
	int64_t end_ms = clock_ms() + BUDGET_MS;
	bool more = true;
	int result;

	if (!store_connect(store))
		return -EAGAIN;
	result = set_limit(store, max_bytes, &limits.pages);
	while (!result && more && clock_ms() < end_ms)
		more = step(store, &limits, &result);
	if (store_recover(store, result))
		return 0;
	if (!store->db)
		return -EAGAIN;
	return result ? store_settle(store, result) : more;
}
