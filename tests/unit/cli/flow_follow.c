/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/buffer.h"

static json_t *sample(const char *kind, const char *source, bool bytes)
{
	json_t *event =
		json_pack("{s:f, s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:n}", "time",
			  1743330896.5, "event", kind, "rule", "web", "protocol", "tcp",
			  "source", source, "source_port", 40000, "destination",
			  "198.51.100.7", "port", 443, "translated");

	assert_non_null(event);
	if (bytes) {
		json_object_set_new(event, "bytes_out", json_integer(1500));
		json_object_set_new(event, "bytes_in", json_integer(2048));
	}
	return event;
}

static void is_line(json_t *event, bool color, const char *wanted)
{
	struct buffer out = BUFFER_NULL;

	flow_follow_line(event, color, &out);
	assert_string_equal(out.data, wanted);
	buffer_done(&out);
	json_decref(event);
}

static void an_event_is_a_line(void **state)
{
	json_t *translated = sample("new", "192.0.2.1", false);

	(void)state;
	is_line(sample("new", "192.0.2.1", false), false,
		"10:34:56  new     web              tcp/443    192.0.2.1 > "
		"198.51.100.7\n");
	is_line(sample("end", "192.0.2.1", true), false,
		"10:34:56  end     web              tcp/443    192.0.2.1 > "
		"198.51.100.7  "
		"1.4 KiB sent, 2.0 KiB received\n");
	json_object_set_new(translated, "translated", json_string("10.0.0.5"));
	json_object_set_new(translated, "translated_port", json_integer(8443));
	is_line(translated, false,
		"10:34:56  new     web              tcp/443    192.0.2.1 > "
		"198.51.100.7 "
		"(10.0.0.5 port 8443)\n");
	is_line(sample("denied", "192.0.2.1", false), true,
		"10:34:56  \033[31mdenied\033[0m  web              tcp/443    "
		"192.0.2.1 "
		"> 198.51.100.7\n");
}

static void nothing_from_the_agent_reaches_the_terminal_raw(void **state)
{
	(void)state;
	is_line(sample("new", "\033]0;x\007", false), false,
		"10:34:56  new     web              tcp/443    ?]0;x? > "
		"198.51.100.7\n");
	is_line(json_object(), false,
		"00:00:00  -       -                -/0        - > -\n");
}

static void json_has_the_names_of_what_is_remembered(void **state)
{
	json_t *event = sample("denied", "192.0.2.1", true), *object;

	(void)state;
	json_object_set_new(event, "direction", json_string("input"));
	json_object_set_new(event, "from", json_string("wan"));
	json_object_set_new(event, "to", json_string(""));
	object = flow_follow_json(event);
	assert_string_equal(json_string_value(json_object_get(object, "from_zone")),
			    "wan");
	assert_string_equal(json_string_value(json_object_get(object, "to_zone")),
			    "host");
	assert_null(json_object_get(object, "to"));
	assert_true(json_is_null(json_object_get(object, "verdict")));
	assert_true(json_is_null(json_object_get(object, "bytes_in")));
	assert_int_equal(json_integer_value(json_object_get(object, "bytes_out")),
			 1500);
	json_decref(object);
	json_decref(event);
}

static void wants(const char *field, struct store_query query, bool wanted)
{
	json_t *event = sample("new", "192.0.2.1", false);

	if (flow_follow_wanted(event, &query) != wanted)
		fail_msg("%s", field);
	json_decref(event);
}

static void filters_as_the_options_say(void **state)
{
	const struct store_query any = { .denied = -1, .port = -1, .protocol = -1 };
	struct store_query query = any;

	(void)state;
	wants("any", any, true);
	query.rule = "ssh";
	wants("rule", query, false);
	query = any;
	query.denied = 1;
	wants("denied", query, false);
	query = any;
	query.port = 443;
	query.protocol = 6;
	wants("port", query, true);
	query.port = 80;
	wants("port", query, false);
	query = any;
	query.protocol = 17;
	wants("protocol", query, false);
	query = any;
	query.has_source = true;
	assert_int_equal(range_parse("192.0.2.0/24", &query.source), 0);
	wants("source", query, true);
	assert_int_equal(range_parse("192.0.3.0/24", &query.source), 0);
	wants("source", query, false);
	assert_int_equal(range_parse("::/0", &query.source), 0);
	wants("source", query, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_names_of_what_is_remembered),
		cmocka_unit_test(an_event_is_a_line),
		cmocka_unit_test(nothing_from_the_agent_reaches_the_terminal_raw),
		cmocka_unit_test(filters_as_the_options_say),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("cli/flow_follow", tests, NULL, NULL);
}
