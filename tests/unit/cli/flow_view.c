/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/buffer.h"

#define NOW 1743330896LL /* 2025-03-30 10:34:56 UTC */

static struct store_row connection(void)
{
	struct store_row row = {
		.minute = NOW - 56,
		.first_minute = NOW - 56 - 86400,
		.span_s = 60,
		.complete = true,
		.rule = "web",
		.direction = "input",
		.from_zone = "wan",
		.to_zone = "",
		.verdict = "allow",
		.has_source = true,
		.has_destination = true,
		.port = 443,
		.protocol = 6,
		.flows = 3,
		.packets_out = 12,
		.packets_in = 10,
		.bytes_known = true,
		.bytes_out = 1500,
		.bytes_in = 3 * 1024 * 1024,
	};

	assert_int_equal(address_parse("192.0.2.1", &row.source), 0);
	assert_int_equal(address_parse("198.51.100.7", &row.destination), 0);
	return row;
}

static struct store_row denied_packet(void)
{
	struct store_row row = connection();

	row.minute = NOW - 86400 - 2096;
	row.span_s = 3600;
	row.complete = false;
	row.denied = true;
	row.rule = "default.input";
	row.verdict = "drop";
	row.flows = 0;
	row.packets_out = 120000;
	row.packets_in = 0;
	row.bytes_in = 0;
	row.port = 8;
	row.protocol = 1;
	assert_int_equal(
		address_parse("2001:db8:1111:2222:3333:4444:5555:6666", &row.source),
		0);
	assert_int_equal(address_parse("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
				       &row.destination),
			 0);
	return row;
}

static void renders(struct table *table, size_t width, const char *wanted)
{
	struct buffer out = BUFFER_NULL;

	assert_int_equal(table_render(table, width, false, &out), 0);
	assert_string_equal(out.data, wanted);
	buffer_done(&out);
}

static void a_table_of_short_addresses_fits_eighty_columns(void **state)
{
	auto_table struct table *table = flow_view_table(GROUP_NONE);
	struct store_row row = connection();

	(void)state;
	flow_view_add(table, GROUP_NONE, &row, NOW);
	row.bytes_known = false;
	flow_view_add(table, GROUP_NONE, &row, NOW);
	row.bytes_out = row.bytes_in = 0;
	row.rule = row.verdict = row.direction = row.from_zone = "";
	flow_view_add(table, GROUP_NONE, &row, NOW);
	renders(table, 0,
		"TIME   ZONES       SOURCE     DESTINATION   TRAFFIC  RULE  ACTION  "
		"COUNT   SENT   RECV\n"
		"10:34  wan > host  192.0.2.1  198.51.100.7  tcp/443  web   allow   "
		"    3   1.4K   3.0M\n"
		"10:34  wan > host  192.0.2.1  198.51.100.7  tcp/443  web   allow   "
		"    3  >1.4K  >3.0M\n"
		"10:34  -           192.0.2.1  198.51.100.7  tcp/443  -     -       "
		"    3      -      -\n");
	renders(table, 80,
		"TIME   SOURCE     DESTINATION   TRAFFIC  RULE  ACTION  COUNT   SENT   "
		"RECV\n"
		"10:34  192.0.2.1  198.51.100.7  tcp/443  web   allow       3   1.4K   "
		"3.0M\n"
		"10:34  192.0.2.1  198.51.100.7  tcp/443  web   allow       3  >1.4K  "
		">3.0M\n"
		"10:34  192.0.2.1  198.51.100.7  tcp/443  -     -           3      -   "
		"   "
		"-\n");
}

static void long_addresses_stay_whole_on_eighty_columns(void **state)
{
	auto_table struct table *table = flow_view_table(GROUP_NONE);
	struct store_row row = denied_packet();

	(void)state;
	flow_view_add(table, GROUP_NONE, &row, NOW);
	renders(table, 80,
		"TIME         SOURCE                                    TRAFFIC  RULE"
		"       COUNT\n"
		"               DESTINATION\n"
		"Mar 29 10h*  2001:db8:1111:2222:3333:4444:5555:6666    icmp/8   "
		"default.~   120k\n"
		"               2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff\n");
}

static void beyond_a_limit_is_told_from_allowed(void **state)
{
	auto_table struct table *table = flow_view_table(GROUP_RULE);
	struct store_row row = denied_packet();

	(void)state;
	row.rule = "ssh";
	row.verdict = "allow";
	row.first_minute = row.minute;
	flow_view_add(table, GROUP_RULE, &row, NOW);
	renders(table, 0,
		"RULE  ACTION  COUNT  PACKETS  SENT  RECV  FIRST         LAST\n"
		"ssh   limit    120k     120k  1.4K     -  Mar 29 10:00  Mar 29 "
		"10:00\n");
}

static void groups_show_what_was_asked_for(void **state)
{
	auto_table struct table *sources = flow_view_table(GROUP_SOURCE);
	auto_table struct table *ports = flow_view_table(GROUP_PORT);
	struct store_row row = connection(), denied = denied_packet();

	(void)state;
	row.verdict = denied.verdict = "";
	denied.first_minute = denied.minute;
	flow_view_add(sources, GROUP_SOURCE, &row, NOW);
	flow_view_add(sources, GROUP_SOURCE, &denied, NOW);
	renders(sources, 0,
		"SOURCE                                  ACTION  COUNT  PACKETS  SENT  "
		"RECV  FIRST         LAST\n"
		"192.0.2.1                               allow       3       22  1.4K  "
		"3.0M  Mar 29 10:34  10:34\n"
		"2001:db8:1111:2222:3333:4444:5555:6666  deny     120k     120k  1.4K  "
		"   -  Mar 29 10:00  Mar 29 10:00\n");
	flow_view_add(ports, GROUP_PORT, &row, NOW);
	row.port = 0;
	row.protocol = 253;
	flow_view_add(ports, GROUP_PORT, &row, NOW);
	renders(ports, 50,
		"TRAFFIC  ACTION  COUNT  PACKETS  SENT  RECV  LAST\n"
		"tcp/443  allow       3       22  1.4K  3.0M  10:34\n"
		"253      allow       3       22  1.4K  3.0M  10:34\n");
}

static void is_json(json_t *have, const char *wanted)
{
	char *text = json_dumps(have, JSON_SORT_KEYS);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(have);
}

static void json_has_everything_and_null_for_the_unknown(void **state)
{
	struct store_row row = connection();

	(void)state;
	is_json(flow_view_json(GROUP_NONE, &row),
		"{\"bytes_in\": 3145728, \"bytes_known\": true, \"bytes_out\": 1500, "
		"\"complete\": true, \"denied\": false, \"destination\": "
		"\"198.51.100.7\", \"direction\": \"input\", \"flows\": 3, "
		"\"from_zone\": \"wan\", \"minute\": 1743330840, \"packets_in\": 10, "
		"\"packets_out\": 12, \"port\": 443, \"protocol\": \"tcp\", \"rule\": "
		"\"web\", \"source\": \"192.0.2.1\", \"span\": 60, \"to_zone\": "
		"\"host\", "
		"\"verdict\": \"allow\"}");
	row.bytes_known = false;
	row.bytes_in = 0;
	row.has_source = false;
	is_json(flow_view_json(GROUP_SOURCE, &row),
		"{\"bytes_in\": null, \"bytes_known\": false, \"bytes_out\": 1500, "
		"\"complete\": true, \"denied\": false, \"first_minute\": 1743244440, "
		"\"flows\": 3, \"minute\": 1743330840, \"packets_in\": 10, "
		"\"packets_out\": 12, \"source\": null}");
}

static void json_tells_limits_and_knows_nothing_of_replies_to_the_denied(void **state)
{
	struct store_row row = connection();

	(void)state;
	row.denied = true;
	is_json(flow_view_json(GROUP_RULE, &row),
		"{\"bytes_in\": null, \"bytes_known\": true, \"bytes_out\": 1500, "
		"\"complete\": true, \"denied\": true, \"first_minute\": 1743244440, "
		"\"flows\": 3, \"minute\": 1743330840, \"packets_in\": 10, "
		"\"packets_out\": 12, \"rule\": \"web\", \"verdict\": \"limit\"}");
}

static void zones_name_the_host_on_its_side(void **state)
{
	char out[ZONES_TEXT_MAX];

	(void)state;
	assert_string_equal(flow_view_zones("output", "", "wan", out), "host > wan");
	assert_string_equal(flow_view_zones("input", "", "", out), "any > host");
	assert_string_equal(flow_view_zones("forward", "lan", "", out), "lan > any");
	assert_string_equal(flow_view_zones("", "", "", out), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_of_short_addresses_fits_eighty_columns),
		cmocka_unit_test(long_addresses_stay_whole_on_eighty_columns),
		cmocka_unit_test(beyond_a_limit_is_told_from_allowed),
		cmocka_unit_test(groups_show_what_was_asked_for),
		cmocka_unit_test(json_has_everything_and_null_for_the_unknown),
		cmocka_unit_test(
			json_tells_limits_and_knows_nothing_of_replies_to_the_denied),
		cmocka_unit_test(zones_name_the_host_on_its_side),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("cli/flow_view", tests, NULL, NULL);
}
