/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "sample.h"

static void makes_a_database_of_its_own_kind(void **state)
{
	struct store *store = open_store();
	struct stat file;

	(void)state;
	assert_int_equal(store_state(store), STORE_READY);
	assert_string_equal(store_why(store), "");
	store_close(store);
	assert_int_equal(ask("PRAGMA application_id"), STORE_APPLICATION_ID);
	assert_int_equal(ask("PRAGMA user_version"), STORE_SCHEMA_VERSION);
	assert_int_equal(ask("PRAGMA auto_vacuum"), 2);
	assert_int_equal(ask("SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
			 1);
	assert_int_equal(stat(database, &file), 0);
	assert_int_equal(file.st_mode & 0137, 0);
}

static void adds_up_the_parts_of_a_minute(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store;

	(void)state;
	for (int life = 0; life < 3; life++) {
		store = open_store();
		put_connection(rows, 1, 0x0a000001, 22, 5);
		assert_int_equal(write_rows(store, rows, START, false, 0), 0);
		assert_int_equal(aggregate_counts(rows).rows, 0);
		put_connection(rows, 1, 0x0a000001, 22, 5);
		assert_int_equal(write_rows(store, rows, START, true, 0), 0);
		store_close(store);
	}
	assert_int_equal(ask("SELECT count(*) FROM flows"), 1);
	assert_int_equal(ask("SELECT flows FROM flows"), 6);
	assert_int_equal(ask("SELECT bytes_out FROM flows"), 3000);
	assert_int_equal(ask("SELECT packets_in FROM flows"), 60);
	assert_int_equal(ask("SELECT count(*) FROM deciders"), 1);
	assert_int_equal(ask("SELECT complete FROM minutes"), 1);
	aggregate_free(rows);
}

static void keeps_unknown_bytes_unknown(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();

	(void)state;
	put_connection(rows, 1, 1, 22, 5);
	assert_int_equal(write_rows(store, rows, START, false, 0), 0);
	assert_int_equal(ask("SELECT bytes_out IS NOT NULL FROM flows"), 1);
	put_connection(rows, 1, 1, 22, 0);
	assert_int_equal(write_rows(store, rows, START, false, 0), 0);
	put_connection(rows, 1, 1, 22, 5);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	assert_int_equal(ask("SELECT bytes_out IS NULL AND bytes_in IS NULL AND"
			     " packets_out IS NULL AND packets_in IS NULL FROM flows"),
			 1);
	assert_int_equal(ask("SELECT flows FROM flows"), 3);
	store_close(store);
	aggregate_free(rows);
}

static void never_calls_a_minute_complete_of_which_something_was_lost(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();

	(void)state;
	write_rows(store, rows, START, true, 0);
	write_rows(store, rows, START + 60, false, 2);
	write_rows(store, rows, START + 60, true, 0);
	write_rows(store, rows, START + 120, true, 1);
	assert_int_equal(ask("SELECT sum(complete) FROM minutes"), 1);
	assert_int_equal(ask("SELECT sum(lost) FROM minutes"), 3);
	put_connection(rows, 1, 1, 22, 5);
	write_rows(store, rows, START, false, 0);
	assert_int_equal(ask("SELECT sum(complete) FROM minutes"), 0);
	store_close(store);
	aggregate_free(rows);
}

static void writes_nothing_when_there_is_nothing_to_say(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();

	(void)state;
	assert_int_equal(write_rows(store, rows, START, false, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM minutes"), 0);
	store_close(store);
	aggregate_free(rows);
}

static void remembers_names_and_not_numbers(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();

	(void)state;
	put_connection(rows, 1, 1, 22, 1);
	put_connection(rows, 4, 1, 22, 1);
	put_connection(rows, 99, 1, 22, 1);
	put_connection(rows, 100, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	assert_int_equal(ask("SELECT count(*) FROM deciders WHERE rule = 'ssh'"), 2);
	assert_int_equal(ask("SELECT flows FROM deciders WHERE rule = ''"), 2);
	assert_int_equal(ask("SELECT count(*) FROM flows"), 3);
	assert_int_equal(ask("SELECT count(*) FROM readable WHERE rule = 'ssh' AND"
			     " source = '0.0.0.1' AND destination = '192.0.2.1'"),
			 2);
	store_close(store);
	aggregate_free(rows);
}

static int sum_rules(const struct store_rule *rule, void *context)
{
	struct store_rule *seen = context;

	if (strcmp(rule->id, "ssh") == 0)
		seen[0] = *rule;
	else if (strcmp(rule->id, "default.input") == 0)
		seen[1] = *rule;
	else
		fail();
	return 0;
}

static void knows_when_each_rule_last_decided(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();
	struct store_rule seen[2];
	char why[256];

	(void)state;
	put_connection(rows, 1, 1, 22, 1);
	put_connection(rows, 4, 1, 22, 1);
	put_denied(rows, 3, 1, 53);
	put_denied(rows, 3, 1, 53);
	write_rows(store, rows, START, true, 0);
	put_connection(rows, 1, 1, 22, 1);
	write_rows(store, rows, START + 60, true, 0);
	assert_int_equal(store_rules(database, sum_rules, seen, why), 0);
	assert_int_equal(seen[0].flows, 3);
	assert_int_equal(seen[0].last_minute, START + 60);
	assert_int_equal(seen[1].flows, 2);
	assert_int_equal(seen[1].last_minute, START);
	store_close(store);
	aggregate_free(rows);
}

static void keeps_rows_while_the_database_is_locked(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();
	sqlite3 *other;

	(void)state;
	sqlite3_open(database, &other);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), 0);
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), -EAGAIN);
	assert_int_equal(store_state(store), STORE_BUSY);
	assert_non_null(strstr(store_why(store), "another process"));
	assert_int_equal(aggregate_counts(rows).rows, 1);
	sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(other);
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	assert_int_equal(store_state(store), STORE_READY);
	assert_int_equal(ask("SELECT flows FROM flows"), 2);
	store_close(store);
	aggregate_free(rows);
}

static void starts_anew_when_the_file_was_taken_away(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store = open_store();

	(void)state;
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	unlink(database);
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	assert_int_equal(ask("SELECT flows FROM flows"), 1);
	store_close(store);
	aggregate_free(rows);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_folder(makes_a_database_of_its_own_kind),
		test_with_folder(adds_up_the_parts_of_a_minute),
		test_with_folder(keeps_unknown_bytes_unknown),
		test_with_folder(
			never_calls_a_minute_complete_of_which_something_was_lost),
		test_with_folder(writes_nothing_when_there_is_nothing_to_say),
		test_with_folder(remembers_names_and_not_numbers),
		test_with_folder(knows_when_each_rule_last_decided),
		test_with_folder(keeps_rows_while_the_database_is_locked),
		test_with_folder(starts_anew_when_the_file_was_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
