/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder for a database, and flows to put into it. */
#pragma once

#include <ftw.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema.h"
#include "store/store.h"

enum { START = 1700006400, DAY = 86400 }; /* 2023-11-15 00:00 UTC */

static char folder[64];
static char database[128];

static inline int remove_one(const char *path, const struct stat *file, int type,
			     struct FTW *walk)
{
	(void)file;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/vigil-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(database, sizeof(database), "%s/flows.db", folder);
	return 0;
}

static inline int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#define test_with_folder(name)                                                         \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

static inline struct aggregate *new_rows(void)
{
	struct aggregate_settings settings = { .mark_mask = 0xffff };
	struct aggregate *rows = aggregate_new(&settings);

	assert_non_null(rows);
	return rows;
}

/* One connection that began and ended; without totals when @packets is 0. */
static inline void put_connection(struct aggregate *rows, uint32_t number,
				  uint32_t source, uint16_t port, uint64_t packets)
{
	static uint64_t key;
	struct flow flow = {
		.event = FLOW_NEW,
		.key = ++key,
		.mark = number,
		.protocol = IPPROTO_TCP,
		.source = { FAMILY_IPV4, source },
		.destination = { FAMILY_IPV4, 0xc0000201 },
		.port = port,
	};

	aggregate_add(rows, &flow);
	flow.event = FLOW_END;
	if (packets) {
		flow.original = (struct flow_totals){ true, packets, packets * 100 };
		flow.reply = (struct flow_totals){ true, packets * 2, packets * 1000 };
	}
	aggregate_add(rows, &flow);
}

static inline void put_denied(struct aggregate *rows, uint32_t number, uint32_t source,
			      uint16_t port)
{
	struct flow flow = {
		.event = FLOW_PACKET,
		.number = number,
		.denied = true,
		.protocol = IPPROTO_UDP,
		.source = { FAMILY_IPV6, (uint128_t)0x20010db8 << 96 | source },
		.destination = { FAMILY_IPV6, (uint128_t)0x20010db8 << 96 | 1 },
		.port = port,
		.original = { true, 1, 60 },
	};

	aggregate_add(rows, &flow);
}

static const struct store_decider sample_deciders[] = {
	{ "ssh", "input", "wan", "", "allow" },
	{ "web", "input", "wan", "", "allow" },
	{ "default.input", "input", "wan", "", "drop" },
	{ "ssh", "input", "lan", "", "allow" },
};

/* Numbers from 1 are the sample deciders, others are unknown. */
static inline const struct store_decider *sample_decider(uint32_t number, void *context)
{
	(void)context;
	if (number < 1 || number > 4)
		return NULL;
	return &sample_deciders[number - 1];
}

static inline int write_rows(struct store *store, struct aggregate *rows,
			     int64_t minute, bool complete, uint64_t lost)
{
	struct store_batch batch = {
		.minute = minute,
		.complete = complete,
		.lost = lost,
		.rows = rows,
		.decider = sample_decider,
	};

	return store_write(store, &batch);
}

static inline struct store *open_store(void)
{
	struct store *store;
	bool set_aside;
	char why[256];

	assert_int_equal(store_open(database, &store, &set_aside, why), 0);
	return store;
}

/* The one number that a question of our own answers with. */
static inline int64_t ask(const char *sql)
{
	sqlite3 *db;
	int64_t number = -1;

	assert_int_equal(sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	assert_int_equal(sql_number(db, sql, &number), SQLITE_OK);
	sqlite3_close(db);
	return number;
}

static inline void run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}
