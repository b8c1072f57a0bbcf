/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database of what was observed: SQLite in WAL mode, a row a minute and key. Old
 * minutes become hours, old hours become days. docs/database.md shows the tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/aggregate.h"

enum {
	STORE_SCHEMA_VERSION = 1,           /* PRAGMA user_version */
	STORE_APPLICATION_ID = 0x5669676c,  /* PRAGMA application_id: "Vigl" */
	STORE_HOURS_AFTER_S = 24 * 3600,    /* minutes older than this become hours */
	STORE_DAYS_AFTER_S = 7 * 24 * 3600, /* and hours older than this days (UTC) */
};

struct store;

/* Names behind a row's number, taken down once so rows outlive policies. */
struct store_decider {
	const char *id;
	const char *direction; /* "input", "forward", "output" or "" */
	const char *from_zone; /* "" for none */
	const char *to_zone;
	const char *verdict; /* "allow", "drop", "reject" or "" */
};

enum store_state {
	STORE_READY,
	STORE_BUSY, /* locked by another process: rows wait in memory */
	STORE_READ_ONLY,
	STORE_FULL,   /* the disk, or max_size with nothing left to remove */
	STORE_NEWER,  /* made by a newer Vigil: not touched */
	STORE_BROKEN, /* corrupt and could not be set aside, of another program, or any
			 other failure */
};

/** store_state_name() - "ready", "locked", "read-only", "full", "newer", "broken". */
const char *store_state_name(enum store_state state);

/**
 * store_open() - Open for writing, make or migrate the schema
 * @path: of the database, made with mode 0640; a corrupt file is renamed to
 * PATH.corrupt-N (N from 1 to 9, then 9 again) and a new one made, once a store
 * @set_aside: set to whether that happened
 * @why:  256 bytes, a sentence when the state is not STORE_READY
 *
 * The store is made even when the file can't be used; store_write() then tries again,
 * at most once a call.
 *
 * Return: 0 or -ENOMEM.
 */
int store_open(const char *path, struct store **ret, bool *set_aside,
	       char why[static 256]);
void store_close(struct store *store);

enum store_state store_state(const struct store *store);

/** store_was_set_aside() - Whether a corrupt file was renamed since store_open() began.
 */
bool store_was_set_aside(const struct store *store);

/** store_why() - The sentence for store_state(), "" when ready. Borrowed. */
const char *store_why(const struct store *store);

/* One checkpoint. */
struct store_batch {
	int64_t minute; /* seconds since 1970, a multiple of 60 */
	bool complete;  /* the minute is over and nothing of it was missed */
	uint64_t lost;  /* times the kernel said that events were lost, since the last
			   checkpoint */
	struct aggregate *rows; /* taken when the transaction is committed, else kept */
	/* Names of a number; NULL for an unknown one. */
	const struct store_decider *(*decider)(uint32_t number, void *context);
	void *context;
};

/**
 * store_write() - Add the rows of a minute, in one transaction
 *
 * Rows of the same minute and key add up, so a minute may be written in several parts
 * and by several lives of the agent. A complete minute that gets more rows stays
 * complete only if @batch says so again; one of which something was lost never is.
 * Costs nothing when there are no rows, nothing lost, and the minute is not complete.
 *
 * Return: 0, or -EAGAIN when it could not be written and all rows are kept (see
 * store_state()).
 */
int store_write(struct store *store, const struct store_batch *batch);

/**
 * store_retain() - Remove what is too old or too much, roll up what is old, and give
 * free pages back, in steps of a few thousand rows
 * @now:       seconds since 1970
 * @keep_s:    minutes older than this go
 * @max_bytes: of the database and its WAL; oldest minutes go first until it fits. 0: no
 *             limit. From then on a write that would need more fails as STORE_FULL
 *
 * Takes 50 ms and a step at most.
 *
 * Return: 0 when nothing is left to do, 1 when there is (call again soon), or -EAGAIN.
 */
int store_retain(struct store *store, int64_t now, uint32_t keep_s, uint64_t max_bytes);

/* Questions. They open the database read-only and need no agent. */

enum store_group {
	GROUP_NONE, /* one row a minute and key */
	/* Connections and denied packets are never mixed in a row of a group. */
	GROUP_RULE,
	GROUP_SOURCE,
	GROUP_DESTINATION,
	GROUP_PORT, /* with its protocol */
	GROUP_PROTOCOL,
	GROUP_ZONE,
	GROUP_DIRECTION,
};

struct store_query {
	int64_t since;    /* seconds since 1970, included; 0: from the beginning. The
			     answer begins with the minute, hour or day that holds it */
	int64_t until;    /* excluded; 0: to the end */
	const char *rule; /* NULL: any */
	int denied;       /* -1: any, 0: connections, 1: denied packets */
	bool has_source, has_destination;
	struct address_range source,
		destination; /* rows with an address in the range */
	int port;            /* -1: any */
	int protocol;        /* -1: any */
	enum store_group group;
	size_t limit; /* 0: no limit. Newest first; with a group, most bytes first (most
			 flows or packets where bytes are unknown) */
};

struct store_row {
	int64_t minute;       /* with a group: the last one */
	int64_t first_minute; /* with a group: the first one */
	uint32_t span_s;      /* 60, 3600 or 86400: what @minute covers */
	bool complete; /* every minute of it is; with a group, of all that it adds up.
			  The minute that is still being written is not */
	const char *rule; /* "" when unknown. All strings are borrowed for the call */
	const char *direction;
	const char *from_zone;
	const char *to_zone;
	const char *verdict;
	bool has_source, has_destination; /* false when grouped away; no source too
					     where too many were denied at once */
	struct address source, destination;
	int port;     /* -1 when grouped away */
	int protocol; /* -1 when grouped away */
	bool denied;
	uint64_t flows, packets_out, packets_in; /* of denied packets: 0 flows */
	bool bytes_known; /* else packets and bytes hold what is known: they are at
			     least that */
	uint64_t bytes_out, bytes_in;
};

/**
 * store_query() - Answer from the database at @path
 * @on_row: a positive return stops
 * @why:    256 bytes, a sentence on failure
 *
 * Return: 0, -ENOENT when there is no database yet, -EBUSY, -EUCLEAN when it is
 * corrupt, -EPROTO when it is of another schema version, -EACCES, or -EIO.
 */
int store_query(const char *path, const struct store_query *query,
		int (*on_row)(const struct store_row *row, void *context),
		void *context, char why[static 256]);

struct store_summary {
	int64_t first_minute, last_minute; /* 0 when empty */
	uint64_t minutes, incomplete_minutes, rows, lost;
	uint64_t size_bytes;
};

/** store_size_bytes() - Of the database and its log, on disk; 0 where there is none. */
uint64_t store_size_bytes(const char *path);

/** store_summarize() - How much is remembered. Reads the whole database. Return: as
 * store_query(). */
int store_summarize(const char *path, struct store_summary *ret, char why[static 256]);

struct store_rule {
	const char *id;
	uint64_t flows; /* connections, and denied packets, since there is a database */
	int64_t last_minute; /* in which it decided */
};

/** store_rules() - When each rule last decided, by id; also rules whose minutes are
 * long removed. Return: as store_query(). */
int store_rules(const char *path,
		int (*on_rule)(const struct store_rule *rule, void *context),
		void *context, char why[static 256]);
