/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "sample.h"

static const struct store_query everything = {
	.denied = -1,
	.port = -1,
	.protocol = -1,
};

struct answer {
	struct store_row rows[64];
	char rules[64][64];
	size_t count, stop;
};

static int on_row(const struct store_row *row, void *context)
{
	struct answer *answer = context;

	assert_true(answer->count < 64);
	answer->rows[answer->count] = *row;
	snprintf(answer->rules[answer->count], 64, "%s/%s/%s/%s/%s", row->rule,
		 row->direction, row->from_zone, row->to_zone, row->verdict);
	answer->count++;
	return answer->count == answer->stop;
}

static struct answer query(struct store_query asked)
{
	struct answer answer = { .count = 0 };
	char why[256];

	assert_int_equal(store_query(database, &asked, on_row, &answer, why), 0);
	return answer;
}

/* Two minutes: connections to ssh and web, and denied packets. */
static int make_sample(void **state)
{
	struct store *store;
	struct aggregate *rows;

	make_folder(state);
	store = open_store();
	rows = new_rows();
	put_connection(rows, 1, 0x0a000001, 22, 5);
	put_connection(rows, 2, 0x0a000001, 443, 50);
	put_connection(rows, 2, 0x0a000002, 443, 7);
	put_denied(rows, 3, 1, 53);
	put_denied(rows, 3, 1, 53);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	put_connection(rows, 2, 0x0a000002, 443, 0);
	put_connection(rows, 99, 0x0a0000ff, 80, 1);
	assert_int_equal(write_rows(store, rows, START + 60, true, 0), 0);
	aggregate_free(rows);
	store_close(store);
	return 0;
}

static void gives_all_rows_newest_first(void **state)
{
	struct answer answer = query(everything);

	(void)state;
	assert_int_equal(answer.count, 6);
	assert_int_equal(answer.rows[0].minute, START + 60);
	assert_int_equal(answer.rows[1].minute, START + 60);
	for (size_t i = 2; i < 6; i++) {
		assert_int_equal(answer.rows[i].minute, START);
		assert_int_equal(answer.rows[i].span_s, 60);
		assert_true(answer.rows[i].complete);
		assert_true(answer.rows[i].has_source);
		assert_true(answer.rows[i].bytes_known);
	}
}

static void gives_names_and_numbers_of_a_row(void **state)
{
	struct store_query asked = everything;
	struct answer answer;

	(void)state;
	asked.rule = "ssh";
	answer = query(asked);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.rules[0], "ssh/input/wan//allow");
	assert_int_equal(answer.rows[0].source.value, 0x0a000001);
	assert_int_equal(answer.rows[0].destination.family, FAMILY_IPV4);
	assert_int_equal(answer.rows[0].port, 22);
	assert_int_equal(answer.rows[0].protocol, IPPROTO_TCP);
	assert_int_equal(answer.rows[0].flows, 1);
	assert_int_equal(answer.rows[0].bytes_out, 500);
	assert_int_equal(answer.rows[0].packets_in, 10);
	asked.rule = "no-such-rule";
	assert_int_equal(query(asked).count, 0);
}

static void asks_for_denied_packets_or_for_connections(void **state)
{
	struct store_query asked = everything;
	struct answer answer;

	(void)state;
	asked.denied = 1;
	answer = query(asked);
	assert_int_equal(answer.count, 1);
	assert_true(answer.rows[0].denied);
	assert_int_equal(answer.rows[0].packets_out, 2);
	assert_int_equal(answer.rows[0].flows, 0);
	assert_int_equal(answer.rows[0].source.family, FAMILY_IPV6);
	asked.denied = 0;
	assert_int_equal(query(asked).count, 5);
}

static void asks_for_a_time(void **state)
{
	struct store_query asked = everything;

	(void)state;
	asked.since = START + 60;
	assert_int_equal(query(asked).count, 2);
	asked.since = START + 30;
	assert_int_equal(query(asked).count, 6);
	asked.since = START + 120;
	assert_int_equal(query(asked).count, 0);
	asked.since = 0;
	asked.until = START + 60;
	assert_int_equal(query(asked).count, 4);
	asked.until = START;
	assert_int_equal(query(asked).count, 0);
}

static void asks_for_addresses_ports_and_protocols(void **state)
{
	struct store_query asked = everything;

	(void)state;
	asked.has_source = true;
	assert_int_equal(range_parse("10.0.0.0/30", &asked.source), 0);
	assert_int_equal(query(asked).count, 4);
	assert_int_equal(range_parse("10.0.0.2", &asked.source), 0);
	assert_int_equal(query(asked).count, 2);
	assert_int_equal(range_parse("::/0", &asked.source), 0);
	assert_int_equal(query(asked).count, 1);
	assert_int_equal(range_parse("0.0.0.0/0", &asked.source), 0);
	assert_int_equal(query(asked).count, 5);
	asked.has_destination = true;
	assert_int_equal(range_parse("192.0.2.0-192.0.2.1", &asked.destination), 0);
	assert_int_equal(query(asked).count, 5);
	assert_int_equal(range_parse("192.0.2.2", &asked.destination), 0);
	assert_int_equal(query(asked).count, 0);
	asked = everything;
	asked.port = 443;
	assert_int_equal(query(asked).count, 3);
	asked.protocol = IPPROTO_UDP;
	assert_int_equal(query(asked).count, 0);
	asked.port = -1;
	assert_int_equal(query(asked).count, 1);
}

static void stops_at_the_limit_and_when_told(void **state)
{
	struct store_query asked = everything;
	struct answer answer = { .stop = 3 };
	char why[256];

	(void)state;
	asked.limit = 2;
	assert_int_equal(query(asked).count, 2);
	asked.limit = 0;
	assert_int_equal(store_query(database, &asked, on_row, &answer, why), 0);
	assert_int_equal(answer.count, 3);
}

static void sums_up_by_source_most_bytes_first(void **state)
{
	struct store_query asked = everything;
	struct answer answer;

	(void)state;
	asked.group = GROUP_SOURCE;
	answer = query(asked);
	assert_int_equal(answer.count, 4);
	assert_int_equal(answer.rows[0].source.value, 0x0a000001);
	assert_int_equal(answer.rows[0].flows, 2);
	assert_int_equal(answer.rows[0].bytes_out, 5500);
	assert_true(answer.rows[0].bytes_known);
	assert_false(answer.rows[0].has_destination);
	assert_int_equal(answer.rows[0].port, -1);
	assert_int_equal(answer.rows[1].source.value, 0x0a000002);
	assert_int_equal(answer.rows[1].flows, 2);
	assert_false(answer.rows[1].bytes_known);
	assert_int_equal(answer.rows[1].bytes_out, 700);
	assert_int_equal(answer.rows[1].minute, START + 60);
	assert_int_equal(answer.rows[1].first_minute, START);
	asked.limit = 1;
	assert_int_equal(query(asked).count, 1);
}

static void sums_up_by_everything_else(void **state)
{
	static const struct {
		enum store_group group;
		size_t count;
		const char *first;
	} cases[] = {
		{ GROUP_RULE, 4, "web////allow" }, { GROUP_DESTINATION, 2, "////" },
		{ GROUP_PORT, 4, "////" },         { GROUP_PROTOCOL, 2, "////" },
		{ GROUP_ZONE, 3, "/input/wan//" }, { GROUP_DIRECTION, 3, "/input///" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_query asked = everything;
		struct answer answer;
		uint64_t flows = 0;

		asked.group = cases[i].group;
		answer = query(asked);
		assert_int_equal(answer.count, cases[i].count);
		assert_string_equal(answer.rules[0], cases[i].first);
		for (size_t row = 0; row < answer.count; row++)
			flows += answer.rows[row].flows;
		assert_int_equal(flows, 5);
	}
}

static bool rule_is_complete(struct store_query asked, const char *rule)
{
	struct answer answer;

	asked.group = GROUP_RULE;
	answer = query(asked);
	for (size_t i = 0; i < answer.count; i++)
		if (strncmp(answer.rules[i], rule, strlen(rule)) == 0)
			return answer.rows[i].complete;
	fail_msg("no rule %s", rule);
	return false;
}

static void says_which_times_are_incomplete(void **state)
{
	struct store_query asked = everything;
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	(void)state;
	assert_true(rule_is_complete(asked, "ssh"));
	assert_true(rule_is_complete(asked, "web"));
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START + 240, false, 0), 0);
	/* Neither the gap before that minute nor the minute itself is another rule's.
	 */
	assert_false(query(everything).rows[0].complete);
	assert_false(rule_is_complete(asked, "ssh"));
	assert_true(rule_is_complete(asked, "web"));
	asked.until = START + 120;
	assert_true(rule_is_complete(asked, "ssh"));
	assert_int_equal(write_rows(store, rows, START, false, 1), 0);
	assert_false(rule_is_complete(asked, "ssh"));
	store_close(store);
	aggregate_free(rows);
}

static void finds_hours_and_days_from_within(void **state)
{
	struct store_query asked = everything;
	struct store *store = open_store();
	struct answer answer;

	(void)state;
	while (store_retain(store, START + 3 * DAY, 30 * DAY, 0) > 0)
		;
	asked.since = START + 1800;
	answer = query(asked);
	assert_int_equal(answer.count, 5);
	assert_int_equal(answer.rows[0].minute, START);
	assert_int_equal(answer.rows[0].span_s, 3600);
	assert_false(answer.rows[0].complete);
	while (store_retain(store, START + 9 * DAY, 30 * DAY, 0) > 0)
		;
	asked.since = START + DAY - 1;
	answer = query(asked);
	assert_int_equal(answer.count, 5);
	assert_int_equal(answer.rows[0].span_s, DAY);
	asked.since = START + DAY;
	assert_int_equal(query(asked).count, 0);
	store_close(store);
}

static void shows_no_source_where_many_were_folded(void **state)
{
	struct aggregate_settings settings = { .denied_max = 1 };
	struct aggregate *rows = aggregate_new(&settings);
	struct store_query asked = everything;
	struct store *store = open_store();
	struct answer answer;

	(void)state;
	assert_non_null(rows);
	for (uint32_t source = 1; source < 10; source++)
		put_denied(rows, 3, source, 99);
	assert_int_equal(write_rows(store, rows, START + 120, true, 0), 0);
	asked.port = 99;
	answer = query(asked);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.rows[0].has_source + answer.rows[1].has_source, 1);
	assert_int_equal(answer.rows[0].packets_out + answer.rows[1].packets_out, 9);
	store_close(store);
	aggregate_free(rows);
}

static void summarizes(void **state)
{
	struct store_summary summary;
	char why[256];

	(void)state;
	assert_int_equal(store_summarize(database, &summary, why), 0);
	assert_int_equal(summary.first_minute, START);
	assert_int_equal(summary.last_minute, START + 60);
	assert_int_equal(summary.minutes, 2);
	assert_int_equal(summary.incomplete_minutes, 0);
	assert_int_equal(summary.rows, 6);
	assert_true(summary.size_bytes > 4096);
}

/* A question about a time must not read all others. */
static void searches_by_time(void **state)
{
	sqlite3_stmt *plan;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"EXPLAIN QUERY PLAN DELETE FROM flows WHERE minute = ?1 AND"
			" (decider, source, destination, protocol, port, denied) <"
			" (?2, ?3, ?4, ?5, ?6, ?7)",
			-1, &plan, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
	assert_non_null(strstr((const char *)sqlite3_column_text(plan, 3),
			       "SEARCH flows USING PRIMARY KEY (minute=? AND "
			       "(decider,source,destination,protocol,port,denied)<"));
	sqlite3_finalize(plan);
	sqlite3_close(db);
}

#define test_with_sample(name)                                                         \
	cmocka_unit_test_setup_teardown(name, make_sample, remove_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_sample(gives_all_rows_newest_first),
		test_with_sample(gives_names_and_numbers_of_a_row),
		test_with_sample(asks_for_denied_packets_or_for_connections),
		test_with_sample(asks_for_a_time),
		test_with_sample(asks_for_addresses_ports_and_protocols),
		test_with_sample(stops_at_the_limit_and_when_told),
		test_with_sample(sums_up_by_source_most_bytes_first),
		test_with_sample(sums_up_by_everything_else),
		test_with_sample(says_which_times_are_incomplete),
		test_with_sample(finds_hours_and_days_from_within),
		test_with_sample(shows_no_source_where_many_were_folded),
		test_with_sample(summarizes),
		test_with_sample(searches_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
