/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/buffer.h"

static const struct column columns[] = {
	{ .title = "TIME" },
	{ .title = "ZONE", .give = 1 },
	{ .title = "SOURCE", .give = 4, .minimum = 8 },
	{ .title = "DESTINATION", .give = 3, .fold = true },
	{ .title = "RULE", .give = 2, .minimum = 6 },
	{ .title = "COUNT", .right = true },
};

static struct table *sample(void)
{
	static const char *const cells[][6] = {
		{ "10:00", "wan", "192.0.2.1", "198.51.100.7", "ssh-from-ops", "3" },
		{ "10:01", "lan", "2001:db8::1", "2001:db8::2", "web", "12345" },
	};
	struct table *table = table_new(columns, 6);

	assert_non_null(table);
	for (size_t row = 0; row < 2; row++)
		for (size_t i = 0; i < 6; i++)
			table_cell(table, STYLE_PLAIN, cells[row][i]);
	return table;
}

static void renders(struct table *table, size_t width, bool color, const char *wanted)
{
	struct buffer out = BUFFER_NULL;

	assert_int_equal(table_render(table, width, color, &out), 0);
	assert_string_equal(out.data ? out.data : "", wanted);
	buffer_done(&out);
}

static void shows_everything_where_there_is_room(void **state)
{
	auto_table struct table *table = sample();

	(void)state;
	renders(table, 0, false,
		"TIME   ZONE  SOURCE       DESTINATION   RULE          COUNT\n"
		"10:00  wan   192.0.2.1    198.51.100.7  ssh-from-ops      3\n"
		"10:01  lan   2001:db8::1  2001:db8::2   web           12345\n");
	renders(table, 59, false,
		"TIME   ZONE  SOURCE       DESTINATION   RULE          COUNT\n"
		"10:00  wan   192.0.2.1    198.51.100.7  ssh-from-ops      3\n"
		"10:01  lan   2001:db8::1  2001:db8::2   web           12345\n");
}

static void columns_give_way_in_their_order(void **state)
{
	auto_table struct table *table = sample();

	(void)state;
	renders(table, 58, false,
		"TIME   SOURCE       DESTINATION   RULE          COUNT\n"
		"10:00  192.0.2.1    198.51.100.7  ssh-from-ops      3\n"
		"10:01  2001:db8::1  2001:db8::2   web           12345\n");
	renders(table, 50, false,
		"TIME   SOURCE       DESTINATION   RULE       COUNT\n"
		"10:00  192.0.2.1    198.51.100.7  ssh-from~      3\n"
		"10:01  2001:db8::1  2001:db8::2   web        12345\n");
}

static void folds_an_address_before_it_cuts_one(void **state)
{
	auto_table struct table *table = sample();

	(void)state;
	renders(table, 46, false,
		"TIME   SOURCE          RULE          COUNT\n"
		"         DESTINATION\n"
		"10:00  192.0.2.1       ssh-from-ops      3\n"
		"         198.51.100.7\n"
		"10:01  2001:db8::1     web           12345\n"
		"         2001:db8::2\n");
	renders(table, 30, false,
		"TIME   SOURCE    RULE    COUNT\n"
		"         DESTI~\n"
		"10:00  192.0.2~  ssh-f~      3\n"
		"         198.5~\n"
		"10:01  2001:db~  web     12345\n"
		"         2001:~\n");
}

static void never_lets_control_characters_through(void **state)
{
	static const struct column one[] = { { .title = "NAME" } };
	auto_table struct table *table = table_new(one, 1);

	(void)state;
	table_cell(table, STYLE_PLAIN, "a\033[31mb\nc\tд");
	renders(table, 0, false, "NAME\na?[31mb?c???\n");
}

static void colours_only_when_asked_and_never_the_blanks(void **state)
{
	static const struct column two[] = { { .title = "A" }, { .title = "LONG" } };
	auto_table struct table *table = table_new(two, 2);

	(void)state;
	table_cell(table, STYLE_GOOD, "x");
	table_cell(table, STYLE_BAD, "y");
	renders(table, 0, true,
		"\033[1mA\033[0m  \033[1mLONG\033[0m\n"
		"\033[32mx\033[0m  \033[31my\033[0m\n");
}

static void a_table_without_rows_writes_nothing(void **state)
{
	auto_table struct table *table = table_new(columns, 6);

	(void)state;
	renders(table, 80, false, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_everything_where_there_is_room),
		cmocka_unit_test(columns_give_way_in_their_order),
		cmocka_unit_test(folds_an_address_before_it_cuts_one),
		cmocka_unit_test(never_lets_control_characters_through),
		cmocka_unit_test(colours_only_when_asked_and_never_the_blanks),
		cmocka_unit_test(a_table_without_rows_writes_nothing),
	};

	return cmocka_run_group_tests_name("cli/table", tests, NULL, NULL);
}
