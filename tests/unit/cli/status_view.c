/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/buffer.h"

#define NOW 1743330896LL

static const char running[] =
	"{\"version\": \"0.1.0\", \"state\": \"running\", \"sentence\": \"The policy "
	"is in "
	"force.\", \"uptime\": 90000, \"memory\": 12582912, \"policy\": {\"path\": "
	"\"/etc/vigil/policy.yml\", \"loaded\": 1743323696, \"tag\": "
	"\"0123456789abcdef0123456789abcdef\", \"rules\": 12, \"zones\": 1, "
	"\"warnings\": "
	"[{\"line\": 3}]}, \"failure\": null, \"helper\": {\"connected\": true, "
	"\"problem\": \"\"}, \"kernel\": {\"accounting\": \"off\", \"events\": \"on\", "
	"\"table\": \"present\", \"problems\": [\"Byte counts are not kept: set "
	"net.netfilter.nf_conntrack_acct to 1 to have them counted from now on.\"]}, "
	"\"events\": {\"total\": 123456, \"per_second\": 7, \"lost\": 2, \"dropped\": "
	"0, "
	"\"malformed\": 0}, \"flows\": {\"live\": 42, \"waiting_rows\": 3}, \"store\": "
	"{\"state\": \"ready\", \"why\": \"\", \"path\": \"/var/lib/vigil/flows.db\", "
	"\"size\": 2097152}, \"feeds\": [{\"name\": \"bad\", \"entries\": 5, "
	"\"ranges\": 4, "
	"\"age\": 300, \"bad_lines\": 1, \"problem\": \"\"}, {\"name\": \"worse\", "
	"\"entries\": 0, \"ranges\": 0, \"age\": null, \"bad_lines\": 0, \"problem\": "
	"\"no such file\"}], \"log\": {\"lines\": 0, \"left_out\": 0}}";

static json_t *parse(const char *text)
{
	json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	return status;
}

static void shows(json_t *status, const char *wanted)
{
	struct buffer out = BUFFER_NULL;

	status_view(status, NOW, false, &out);
	assert_string_equal(out.data, wanted);
	buffer_done(&out);
	json_decref(status);
}

static void a_running_agent(void **state)
{
	(void)state;
	shows(parse(running),
	      "State      running\n"
	      "           The policy is in force.\n"
	      "Policy     /etc/vigil/policy.yml\n"
	      "           12 rules, 1 zone; in force since 08:34 (2h)\n"
	      "           tag 0123456789abcdef0123456789abcdef\n"
	      "           1 warning; 'vigil check' shows them\n"
	      "Feeds      bad: 4 ranges, read 5m ago\n"
	      "           worse: 0 ranges, read never; no such file\n"
	      "Helper     connected\n"
	      "Kernel     table present, connection events on, byte counts off\n"
	      "           Byte counts are not kept: set "
	      "net.netfilter.nf_conntrack_acct to 1 to\n"
	      "           have them counted from now on.\n"
	      "Events     123k, 7 a second now; 42 connections live\n"
	      "           the kernel lost events 2 times\n"
	      "Database   /var/lib/vigil/flows.db, 2.0 MiB, ready\n"
	      "Agent      version 0.1.0, up 1d, 12 MiB of memory\n");
}

static void an_agent_whose_policy_was_refused(void **state)
{
	json_t *status = parse(running);

	(void)state;
	json_object_set_new(status, "state", json_string("failed"));
	json_object_set_new(status, "policy", json_null());
	json_object_set_new(status, "feeds", json_array());
	json_object_set_new(
		status, "failure",
		json_pack("{s:s, s:I, s:s, s:[{s:i, s:s}, {s:i, s:s}]}", "path",
			  "/etc/vigil/policy.yml", "time", (json_int_t)NOW - 60, "text",
			  "the policy has 2 errors", "faults", "line", 7, "text",
			  "no zone is named \"\033wann\"", "line", 9, "text", "x"));
	json_object_set_new(status, "helper",
			    json_pack("{s:b, s:s}", "connected", 0, "problem",
				      "connection refused"));
	json_object_set_new(status, "kernel",
			    json_pack("{s:s, s:s, s:s}", "table", "removed", "events",
				      "unknown", "accounting", "unknown"));
	shows(status,
	      "State      failed\n"
	      "           The policy is in force.\n"
	      "Policy     none is known to be in force\n"
	      "Refused    /etc/vigil/policy.yml, at 10:33: the policy has 2 errors\n"
	      "           line 7: no zone is named \"?wann\"; 'vigil check' shows the "
	      "others\n"
	      "Helper     not connected: connection refused\n"
	      "Kernel     table removed, no connection events seen yet, byte counts "
	      "unknown\n"
	      "Events     123k, 7 a second now; 42 connections live\n"
	      "           the kernel lost events 2 times\n"
	      "Database   /var/lib/vigil/flows.db, 2.0 MiB, ready\n"
	      "Agent      version 0.1.0, up 1d, 12 MiB of memory\n");
}

static void an_empty_reply_harms_nobody(void **state)
{
	struct buffer out = BUFFER_NULL;
	json_t *status = json_object();

	(void)state;
	status_view(status, NOW, true, &out);
	assert_int_equal(out.error, 0);
	buffer_done(&out);
	json_decref(status);
}

static void what_the_database_tells_alone(void **state)
{
	const struct store_summary summary = {
		.first_minute = NOW - 86400 * 3,
		.last_minute = NOW - 56,
		.minutes = 1000,
		.incomplete_minutes = 3,
		.rows = 5000,
		.lost = 1,
		.size_bytes = 1048576,
	};
	const struct store_summary empty = { .size_bytes = 4096 };
	struct buffer out = BUFFER_NULL;

	(void)state;
	status_view_database("/x/flows.db", &summary, NOW, &out);
	assert_string_equal(
		out.data,
		"Database   /x/flows.db, 1.0 MiB\n"
		"           1000 minutes from Mar 27 10:34 to 10:34, 5000 rows\n"
		"           3 of them incomplete; events were lost 1 time\n");
	buffer_clear(&out);
	status_view_database("/x/flows.db", &empty, NOW, &out);
	assert_string_equal(out.data, "Database   /x/flows.db, 4.0 KiB\n"
				      "           no flows are remembered\n");
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_agent),
		cmocka_unit_test(an_agent_whose_policy_was_refused),
		cmocka_unit_test(an_empty_reply_harms_nobody),
		cmocka_unit_test(what_the_database_tells_alone),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("cli/status_view", tests, NULL, NULL);
}
