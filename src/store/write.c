/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One checkpoint of the aggregate, in one transaction. */
#include "store/store.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "store/internal.h"

/* 8 PiB: so many can be added up before 63 bits are not enough, and no flow of a minute
 * carries as much. */
static const uint64_t counter_max = (uint64_t)1 << 53;

struct writing {
	struct store *store;
	const struct store_batch *batch;
	int result; /* SQLite's, when a row failed */
};

static void bind_counter(sqlite3_stmt *statement, int place, uint64_t value, bool known)
{
	if (!known)
		sqlite3_bind_null(statement, place);
	else
		sqlite3_bind_int64(
			statement, place,
			(sqlite3_int64)(value < counter_max ? value : counter_max));
}

static void bind_names(sqlite3_stmt *statement, const struct store_decider *names)
{
	sqlite3_bind_text(statement, 1, names->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, names->direction, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, names->from_zone, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, names->to_zone, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, names->verdict, -1, SQLITE_STATIC);
}

static int find_decider(struct store *store, const struct store_decider *names,
			int64_t *ret)
{
	sqlite3_stmt *statement = store_statement(store, SQL_FIND_DECIDER);
	int result;

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	bind_names(statement, names);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result;
}

/* The names may have changed since the last batch, when numbers were given away: look
 * them up once a batch. */
static int intern_decider(struct store *store, const struct store_decider *names,
			  int64_t *ret)
{
	int result = find_decider(store, names, ret);
	sqlite3_stmt *statement;

	if (result == SQLITE_ROW)
		return SQLITE_OK;
	if (result != SQLITE_DONE)
		return result;
	statement = store_statement(store, SQL_ADD_DECIDER);
	if (!statement)
		return sqlite3_extended_errcode(store->db);
	bind_names(statement, names);
	result = store_run(store, SQL_ADD_DECIDER);
	*ret = sqlite3_last_insert_rowid(store->db);
	return result;
}

static int use_decider(struct writing *writing, uint32_t number,
		       struct decider_use **ret)
{
	static const struct store_decider nobody = { "", "", "", "", "" };
	struct decider_use *use = deciders_get(&writing->store->deciders, number);
	const struct store_decider *names;

	*ret = use;
	if (!use)
		return SQLITE_NOMEM;
	if (use->id)
		return SQLITE_OK;
	names = writing->batch->decider(number, writing->batch->context);
	return intern_decider(writing->store, names ?: &nobody, &use->id);
}

static int add_row(struct writing *writing, const struct row *row)
{
	sqlite3_stmt *statement = store_statement(writing->store, SQL_ADD_FLOW);
	int address_bytes = row->key.family == FAMILY_IPV4 ? 4 : 16;
	struct decider_use *use;
	int result = use_decider(writing, row->key.number, &use);

	if (result)
		return result;
	if (!statement)
		return sqlite3_extended_errcode(writing->store->db);
	use->flows += row->key.denied ? row->packets_out : row->flows;
	sqlite3_bind_int64(statement, 1, writing->batch->minute);
	sqlite3_bind_int64(statement, 2, use->id);
	sqlite3_bind_blob(statement, 3, row->key.source, address_bytes, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 4, row->key.destination, address_bytes,
			  SQLITE_STATIC);
	sqlite3_bind_int(statement, 5, row->key.protocol);
	sqlite3_bind_int(statement, 6, row->key.port);
	sqlite3_bind_int(statement, 7, row->key.denied);
	bind_counter(statement, 8, row->flows, true);
	bind_counter(statement, 9, row->packets_out, row->bytes_known);
	bind_counter(statement, 10, row->packets_in, row->bytes_known);
	bind_counter(statement, 11, row->bytes_out, row->bytes_known);
	bind_counter(statement, 12, row->bytes_in, row->bytes_known);
	return store_run(writing->store, SQL_ADD_FLOW);
}

static int on_row(const struct row *row, void *context)
{
	struct writing *writing = context;

	writing->result = add_row(writing, row);
	return writing->result ? -EIO : 0;
}

static int count_deciders(struct store *store, int64_t minute)
{
	sqlite3_stmt *statement = store_statement(store, SQL_COUNT_DECIDER);
	int result = SQLITE_OK;

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	for (size_t i = 0; !result && i < store->deciders.capacity; i++) {
		const struct decider_use *use = &store->deciders.slots[i];

		if (!use->id || !use->flows)
			continue;
		sqlite3_bind_int64(statement, 1, use->id);
		bind_counter(statement, 2, use->flows, true);
		sqlite3_bind_int64(statement, 3, minute);
		result = store_run(store, SQL_COUNT_DECIDER);
	}
	return result;
}

static int add_minute(struct store *store, const struct store_batch *batch)
{
	sqlite3_stmt *statement = store_statement(store, SQL_ADD_MINUTE);

	if (!statement)
		return sqlite3_extended_errcode(store->db);
	sqlite3_bind_int64(statement, 1, batch->minute);
	sqlite3_bind_int(statement, 2, batch->complete);
	bind_counter(statement, 3, batch->lost, true);
	return store_run(store, SQL_ADD_MINUTE);
}

static int write_batch(struct store *store, const struct store_batch *batch)
{
	struct writing writing = { .store = store, .batch = batch };
	int result = store_run(store, SQL_BEGIN);

	deciders_clear(&store->deciders);
	result = result ?: add_minute(store, batch);
	if (!result && aggregate_each(batch->rows, on_row, &writing) < 0)
		result = writing.result;
	result = result ?: count_deciders(store, batch->minute);
	return result ?: store_run(store, SQL_COMMIT);
}

int store_write(struct store *store, const struct store_batch *batch)
{
	int result;

	if (!aggregate_counts(batch->rows).rows && !batch->lost && !batch->complete)
		return 0;
	if (!store_connect(store))
		return -EAGAIN;
	result = write_batch(store, batch);
	if (result && store_recover(store, result))
		result = write_batch(store, batch);
	/* A corrupt file that could not be set aside was closed on the way. */
	if (!store->db || store_settle(store, result) < 0)
		return -EAGAIN;
	aggregate_clear(batch->rows);
	return 0;
}
