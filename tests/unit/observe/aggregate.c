/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/aggregate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

enum { MARK_MASK = 0x7fff0000 };

static struct aggregate *begin(size_t rows_max, size_t live_max)
{
	struct aggregate_settings settings = {
		.mark_mask = MARK_MASK,
		.rows_max = rows_max,
		.live_max = live_max,
	};
	struct aggregate *aggregate = aggregate_new(&settings);

	assert_non_null(aggregate);
	return aggregate;
}

static struct flow connection(enum flow_event event, uint64_t key)
{
	return (struct flow){
		.event = event,
		.key = key,
		.mark = 17 << 16,
		.protocol = IPPROTO_TCP,
		.source = { FAMILY_IPV4, 0x0a000000 + (uint32_t)key },
		.destination = { FAMILY_IPV4, 0xc0000201 },
		.port = 443,
	};
}

static struct flow_totals totals(uint64_t packets)
{
	return (struct flow_totals){ true, packets, packets * 100 };
}

static int add(struct aggregate *aggregate, enum flow_event event, uint64_t key)
{
	struct flow flow = connection(event, key);

	return aggregate_add(aggregate, &flow);
}

static int add_totals(struct aggregate *aggregate, enum flow_event event, uint64_t key,
		      uint64_t out, uint64_t in)
{
	struct flow flow = connection(event, key);

	flow.original = totals(out);
	flow.reply = totals(in);
	return aggregate_add(aggregate, &flow);
}

static int sum_row(const struct row *row, void *context)
{
	struct row *sum = context;

	sum->key = row->key;
	sum->flows += row->flows;
	sum->packets_out += row->packets_out;
	sum->packets_in += row->packets_in;
	sum->bytes_out += row->bytes_out;
	sum->bytes_in += row->bytes_in;
	sum->bytes_known = sum->bytes_known && row->bytes_known;
	return 0;
}

static struct row take_sum(struct aggregate *aggregate)
{
	struct row sum = { .bytes_known = true };

	assert_int_equal(aggregate_each(aggregate, sum_row, &sum), 0);
	aggregate_clear(aggregate);
	return sum;
}

static void counts_a_connection_once_and_its_bytes_once(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	add(aggregate, FLOW_NEW, 1);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 1);
	assert_int_equal(sum.bytes_out, 0);
	assert_true(sum.bytes_known);
	assert_int_equal(sum.key.number, 17);
	assert_int_equal(sum.key.family, FAMILY_IPV4);
	assert_memory_equal(sum.key.source, "\x0a\x00\x00\x01", 4);

	aggregate_dump_begin(aggregate, false);
	add_totals(aggregate, FLOW_RUNNING, 1, 5, 3);
	aggregate_dump_end(aggregate, true);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 0);
	assert_int_equal(sum.packets_out, 5);
	assert_int_equal(sum.bytes_in, 300);

	add_totals(aggregate, FLOW_END, 1, 7, 3);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 0);
	assert_int_equal(sum.packets_out, 2);
	assert_int_equal(sum.bytes_out, 200);
	assert_int_equal(sum.packets_in, 0);
	assert_int_equal(aggregate_counts(aggregate).live, 0);
	aggregate_free(aggregate);
}

static void only_follows_what_was_there_before(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	aggregate_dump_begin(aggregate, false);
	add_totals(aggregate, FLOW_RUNNING, 1, 50, 50);
	aggregate_dump_end(aggregate, true);
	assert_int_equal(aggregate_counts(aggregate).rows, 0);
	add_totals(aggregate, FLOW_END, 1, 60, 51);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 0);
	assert_int_equal(sum.packets_out, 10);
	assert_int_equal(sum.packets_in, 1);
	aggregate_free(aggregate);
}

static void counts_all_of_one_that_a_dump_told_of_first(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	for (int recovering = 0; recovering < 2; recovering++) {
		aggregate_dump_begin(aggregate, recovering);
		add_totals(aggregate, FLOW_RUNNING, 1, 50, 50);
		add(aggregate, FLOW_NEW, 1);
		aggregate_dump_end(aggregate, true);
		add_totals(aggregate, FLOW_END, 1, 60, 51);
		sum = take_sum(aggregate);
		assert_int_equal(sum.flows, 1);
		assert_int_equal(sum.packets_out, 60);
		assert_int_equal(sum.packets_in, 51);
	}
	aggregate_free(aggregate);
}

static void finds_lost_connections_in_a_dump(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	aggregate_dump_begin(aggregate, true);
	add_totals(aggregate, FLOW_RUNNING, 1, 50, 50);
	aggregate_dump_end(aggregate, true);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 1);
	assert_int_equal(sum.packets_out, 50);
	aggregate_free(aggregate);
}

static void does_not_revive_what_ended_while_the_dump_was_read(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	add(aggregate, FLOW_NEW, 1);
	aggregate_dump_begin(aggregate, true);
	add_totals(aggregate, FLOW_END, 1, 50, 50);
	add_totals(aggregate, FLOW_END, 2, 10, 10);
	add_totals(aggregate, FLOW_RUNNING, 1, 40, 40);
	add_totals(aggregate, FLOW_RUNNING, 2, 9, 9);
	aggregate_dump_end(aggregate, true);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 2);
	assert_int_equal(sum.packets_out, 60);
	assert_int_equal(aggregate_counts(aggregate).live, 0);
	aggregate_free(aggregate);
}

static void forgets_what_two_whole_dumps_did_not_hold(void **state)
{
	static const struct {
		bool complete;
		size_t live;
	} dumps[] = { { true, 1 }, { false, 1 }, { false, 1 }, { true, 0 } };
	struct aggregate *aggregate = begin(0, 0);

	(void)state;
	add(aggregate, FLOW_NEW, 1);
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++) {
		aggregate_dump_begin(aggregate, false);
		aggregate_dump_end(aggregate, dumps[i].complete);
		assert_int_equal(aggregate_counts(aggregate).live, dumps[i].live);
	}
	for (int i = 0; i < 70000; i++) {
		add(aggregate, FLOW_NEW, 2);
		aggregate_dump_begin(aggregate, false);
		aggregate_dump_end(aggregate, true);
	}
	assert_int_equal(aggregate_counts(aggregate).live, 1);
	aggregate_free(aggregate);
}

static void says_that_bytes_are_unknown_without_accounting(void **state)
{
	struct aggregate *aggregate = begin(0, 0);

	(void)state;
	assert_int_equal(aggregate_counts(aggregate).accounting, KNOWN_NOT_YET);
	add(aggregate, FLOW_NEW, 1);
	assert_true(take_sum(aggregate).bytes_known);
	add(aggregate, FLOW_END, 1);
	assert_false(take_sum(aggregate).bytes_known);
	assert_int_equal(aggregate_counts(aggregate).accounting, KNOWN_OFF);

	add(aggregate, FLOW_NEW, 2);
	assert_false(take_sum(aggregate).bytes_known);
	add(aggregate, FLOW_END, 2);
	assert_int_equal(aggregate_counts(aggregate).rows, 0);

	add(aggregate, FLOW_NEW, 3);
	add_totals(aggregate, FLOW_END, 3, 1, 1);
	assert_int_equal(aggregate_counts(aggregate).accounting, KNOWN_ON);
	assert_false(take_sum(aggregate).bytes_known);
	add(aggregate, FLOW_NEW, 4);
	assert_true(take_sum(aggregate).bytes_known);
	aggregate_free(aggregate);
}

static void believes_young_connections_about_accounting(void **state)
{
	struct aggregate *aggregate = begin(0, 0);

	(void)state;
	aggregate_dump_begin(aggregate, false);
	add(aggregate, FLOW_RUNNING, 1);
	add_totals(aggregate, FLOW_RUNNING, 2, 1, 1);
	add(aggregate, FLOW_RUNNING, 3);
	aggregate_dump_end(aggregate, true);
	assert_int_equal(aggregate_counts(aggregate).accounting, KNOWN_ON);
	add(aggregate, FLOW_NEW, 4);
	add(aggregate, FLOW_NEW, 5);
	add_totals(aggregate, FLOW_END, 5, 1, 1);
	add(aggregate, FLOW_END, 4);
	add(aggregate, FLOW_END, 3);
	assert_int_equal(aggregate_counts(aggregate).accounting, KNOWN_ON);
	aggregate_free(aggregate);
}

static struct flow packet(uint32_t source, bool denied)
{
	return (struct flow){
		.event = FLOW_PACKET,
		.number = 5,
		.denied = denied,
		.protocol = IPPROTO_UDP,
		.source = { FAMILY_IPV4, source },
		.destination = { FAMILY_IPV4, 1 },
		.original = { true, 1, 60 },
	};
}

static void counts_denied_packets_and_not_logged_ones(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct flow allowed = packet(9, false), denied = packet(9, true);
	struct row sum;

	(void)state;
	aggregate_add(aggregate, &allowed);
	assert_int_equal(aggregate_counts(aggregate).rows, 0);
	aggregate_add(aggregate, &denied);
	aggregate_add(aggregate, &denied);
	assert_int_equal(aggregate_counts(aggregate).rows, 1);
	sum = take_sum(aggregate);
	assert_int_equal(sum.key.denied, 1);
	assert_int_equal(sum.key.number, 5);
	assert_int_equal(sum.flows, 0);
	assert_int_equal(sum.packets_out, 2);
	assert_int_equal(sum.bytes_out, 120);
	aggregate_free(aggregate);
}

static void leaves_sources_out_when_there_are_too_many(void **state)
{
	struct aggregate_settings settings = { .denied_max = 100 };
	struct aggregate *aggregate = aggregate_new(&settings);

	(void)state;
	assert_non_null(aggregate);
	for (uint32_t i = 1; i <= 1000; i++) {
		struct flow flow = packet(i, true);

		assert_int_equal(aggregate_add(aggregate, &flow), 0);
	}
	assert_int_equal(aggregate_counts(aggregate).rows, 101);
	assert_int_equal(aggregate_counts(aggregate).folded, 900);
	assert_int_equal(take_sum(aggregate).packets_out, 1000);
	aggregate_free(aggregate);
}

static void stays_within_its_bounds(void **state)
{
	struct aggregate *aggregate = begin(1000, 500);

	(void)state;
	for (uint64_t key = 1; key <= 1000; key++)
		assert_int_equal(add(aggregate, FLOW_NEW, key),
				 key <= 500 ? 0 : -ENOSPC);
	assert_int_equal(add(aggregate, FLOW_NEW, 1001), -ENOSPC);
	assert_int_equal(aggregate_counts(aggregate).live, 500);
	assert_int_equal(aggregate_counts(aggregate).rows, 1000);
	assert_int_equal(aggregate_counts(aggregate).dropped, 501);
	assert_int_equal(take_sum(aggregate).flows, 1000);
	aggregate_free(aggregate);
}

static void ignores_what_it_is_told_to(void **state)
{
	struct aggregate *aggregate = begin(0, 0);

	(void)state;
	assert_int_equal(aggregate_ignore(aggregate, 17), 0);
	assert_int_equal(aggregate_ignore(aggregate, 65536), -ERANGE);
	add(aggregate, FLOW_NEW, 1);
	assert_int_equal(aggregate_counts(aggregate).rows, 0);
	assert_int_equal(aggregate_counts(aggregate).live, 0);
	aggregate_ignore_none(aggregate);
	add(aggregate, FLOW_NEW, 1);
	assert_int_equal(aggregate_counts(aggregate).rows, 1);
	aggregate_free(aggregate);
}

static int refuse(const struct row *row, void *context)
{
	(void)row;
	(void)context;
	return -EIO;
}

static void keeps_rows_that_were_not_taken(void **state)
{
	struct aggregate *aggregate = begin(0, 0);

	(void)state;
	add(aggregate, FLOW_NEW, 1);
	assert_int_equal(aggregate_each(aggregate, refuse, NULL), -EIO);
	assert_int_equal(aggregate_counts(aggregate).rows, 1);
	assert_int_equal(take_sum(aggregate).flows, 1);
	assert_int_equal(aggregate_counts(aggregate).rows, 0);
	aggregate_free(aggregate);
}

static void takes_connections_of_an_id_used_twice(void **state)
{
	struct aggregate *aggregate = begin(0, 0);
	struct row sum;

	(void)state;
	add(aggregate, FLOW_NEW, 1);
	add(aggregate, FLOW_NEW, 1);
	add_totals(aggregate, FLOW_END, 1, 5, 5);
	aggregate_dump_begin(aggregate, false);
	add(aggregate, FLOW_NEW, 1);
	add_totals(aggregate, FLOW_END, 1, 5, 5);
	add(aggregate, FLOW_NEW, 1);
	add_totals(aggregate, FLOW_END, 1, 5, 5);
	aggregate_dump_end(aggregate, true);
	sum = take_sum(aggregate);
	assert_int_equal(sum.flows, 4);
	assert_int_equal(sum.packets_out, 15);
	aggregate_free(aggregate);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_a_connection_once_and_its_bytes_once),
		cmocka_unit_test(only_follows_what_was_there_before),
		cmocka_unit_test(counts_all_of_one_that_a_dump_told_of_first),
		cmocka_unit_test(finds_lost_connections_in_a_dump),
		cmocka_unit_test(does_not_revive_what_ended_while_the_dump_was_read),
		cmocka_unit_test(forgets_what_two_whole_dumps_did_not_hold),
		cmocka_unit_test(says_that_bytes_are_unknown_without_accounting),
		cmocka_unit_test(believes_young_connections_about_accounting),
		cmocka_unit_test(counts_denied_packets_and_not_logged_ones),
		cmocka_unit_test(leaves_sources_out_when_there_are_too_many),
		cmocka_unit_test(stays_within_its_bounds),
		cmocka_unit_test(ignores_what_it_is_told_to),
		cmocka_unit_test(keeps_rows_that_were_not_taken),
		cmocka_unit_test(takes_connections_of_an_id_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
