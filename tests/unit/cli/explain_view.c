/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/explain_view.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"

static char text[] = "version: 1\nrules:\n  - id: ssh # \033[31mred\n";

struct scene {
	struct rule rule;
	struct policy policy;
	struct candidate candidate;
	struct draft draft;
	struct packet packet;
	struct play play;
	struct passage passage;
	bool holds[1];
	struct explanation explanation;
};

static void set_scene(struct scene *scene)
{
	*scene = (struct scene){
		.rule = { .id = "ssh", .schedule = { .set = true } },
		.draft = { .path = "p.yml",
			   .text = text,
			   .text_bytes = sizeof(text) - 1 },
		.packet = { .protocol = IPPROTO_TCP,
			    .direction = DIRECTION_INPUT,
			    .in = { .interface = "eth0", .zone = "wan" },
			    .count = 1 },
		.play = { .decision = { .outcome = OUTCOME_ALLOW,
					.id = "ssh",
					.line = 3 },
			  .state = STATE_NEW,
			  .sent = { .protocol = IPPROTO_TCP,
				    .source = { FAMILY_IPV4, 0x01020304 },
				    .destination = { FAMILY_IPV4, 0x05060708 },
				    .source_port = 4000,
				    .destination_port = 22,
				    .flags = TH_SYN } },
		.passage = { .steps = { { "input", "in.wan", "goto r.1", TRACE_GOTO },
					{ "input", "", "", TRACE_ACCEPT } },
			     .step_count = 2 },
		.holds = { true },
	};
	scene->policy = (struct policy){ .rules = &scene->rule, .rule_count = 1 };
	scene->candidate.policy = &scene->policy;
	scene->draft.candidate = &scene->candidate;
	scene->explanation = (struct explanation){
		&scene->draft,   &scene->packet,  &scene->play,
		&scene->passage, { true, 1, 60 }, scene->holds,
	};
}

static void tells_verdict_rule_line_and_way(void **state)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	struct scene scene;

	(void)state;
	set_scene(&scene);
	explain_view(&scene.explanation, 0, false, &out);
	assert_string_equal(out.data,
			    "Packet   tcp 1.2.3.4:4000 -> 5.6.7.8:22 syn\n"
			    "         input, in by eth0 (zone wan), state new\n"
			    "Verdict  allow\n"
			    "Rule     ssh\n"
			    "Line     p.yml:3: - id: ssh # ?[31mred\n"
			    "Time     Mon 00:01, rule ssh holds\n"
			    "Path     in.wan         goto r.1\n"
			    "         input          (end: accept)\n");
}

static void no_verdict_says_why(void **state)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	struct scene scene;

	(void)state;
	set_scene(&scene);
	scene.play.decision = (struct decision){ .outcome = OUTCOME_LOST };
	strcpy(scene.play.problem, "because");
	explain_view(&scene.explanation, 0, false, &out);
	assert_non_null(strstr(out.data, "Verdict  none: because\n"));
	assert_null(strstr(out.data, "Rule     "));
}

static void several_packets_are_counted(void **state)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	struct scene scene;

	(void)state;
	set_scene(&scene);
	scene.packet.count = 8;
	scene.play.counts[OUTCOME_ALLOW] = 5;
	scene.play.counts[OUTCOME_DROP] = 3;
	scene.play.decision.outcome = OUTCOME_DROP;
	scene.play.decision.over = true;
	explain_view(&scene.explanation, 0, false, &out);
	assert_non_null(strstr(out.data, "Verdict  drop\n         the last of 8: 5 "
					 "allowed, 3 dropped, 0 rejected\n"
					 "Rule     ssh, beyond its limit\n"));
}

static void a_path_is_cut_to_the_width(void **state)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	struct scene scene;

	(void)state;
	set_scene(&scene);
	explain_view(&scene.explanation, 30, false, &out);
	assert_non_null(strstr(out.data, "Path     in.wan         got...\n"));
}

static void json_has_it_all(void **state)
{
	struct scene scene;
	json_t *answer;

	(void)state;
	set_scene(&scene);
	answer = explain_view_json(&scene.explanation);
	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "verdict")),
			    "allow");
	assert_string_equal(json_string_value(json_object_get(answer, "rule")), "ssh");
	assert_int_equal(json_integer_value(json_object_get(answer, "line")), 3);
	assert_int_equal(json_array_size(json_object_get(answer, "path")), 2);
	assert_true(json_is_null(json_object_get(answer, "out")));
	assert_true(json_is_null(json_object_get(answer, "problem")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "packet"),
						   "destination_port")),
		22);
	json_decref(answer);
}

static void a_line_that_is_not_there_is_empty(void **state)
{
	struct scene scene;
	const char *at;

	(void)state;
	set_scene(&scene);
	assert_int_equal(explain_view_line(&scene.draft, 0, &at), 0);
	assert_int_equal(explain_view_line(&scene.draft, 4, &at), 0);
	assert_int_equal(explain_view_line(&scene.draft, 9, &at), 0);
	assert_int_equal(explain_view_line(&scene.draft, 1, &at), 10);
	assert_ptr_equal(at, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_verdict_rule_line_and_way),
		cmocka_unit_test(no_verdict_says_why),
		cmocka_unit_test(several_packets_are_counted),
		cmocka_unit_test(a_path_is_cut_to_the_width),
		cmocka_unit_test(json_has_it_all),
		cmocka_unit_test(a_line_that_is_not_there_is_empty),
	};

	return cmocka_run_group_tests_name("cli/explain_view", tests, NULL, NULL);
}
