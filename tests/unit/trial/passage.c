/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/passage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

enum { VIGIL_INPUT = 1, SSH, SSH_OVER, ALLOWED, BAN, DROP_BAN, REJECTED, ANSWER, MASQ };

static char script[] =
	"add rule inet vigil input goto r.7\n"
	"add rule inet vigil r.7 counter name \"n.ssh\" goto allowed\n"
	"add rule inet vigil r.7.x counter name \"n.ssh.over\" drop\n"
	"add rule inet vigil allowed meta nfproto vmap { 2 : accept, 10 : accept }\n"
	"add rule inet vigil ban.in ip saddr 192.0.2.1 goto r.8\n"
	"add rule inet vigil r.8 counter name \"n.ban\" drop\n"
	"add rule inet vigil r.9 counter name \"n.no\" goto rejected.answer\n"
	"add rule inet vigil rejected.answer reject with icmpx 3\n"
	"add rule inet vigil nat.post counter name \"n.masquerade.1\" masquerade\n";

static const char *const chains[] = { "input",   "r.7", "r.7.x", "allowed",
				      "ban.in",  "r.8", "r.9",   "rejected.answer",
				      "nat.post" };

struct scene {
	struct ruleset ruleset;
	struct state_rules states;
	struct passage passage;
	struct image image;
	struct image_decider deciders[2];
};

static void set_scene(struct scene *scene)
{
	*scene = (struct scene){
		.states = { .handles = { 1, 2, 3, 4, 5, 6, 7, 8 }, .count = 8 },
		.image = { .rules = script, .rules_bytes = sizeof(script) - 1 },
		.deciders = { { .number = 7, .id = "ssh", .line = 12 },
			      { .number = 9, .id = "no", .line = 15 } },
	};
	scene->image.deciders = scene->deciders;
	scene->image.decider_count = 2;
	assert_int_equal(ruleset_begin(&scene->image, &scene->ruleset), 0);
	for (uint64_t i = 0; i < ARRAY_SIZE(chains); i++)
		assert_int_equal(ruleset_name(&scene->ruleset, chains[i], i + 1), 0);
	assert_int_equal(ruleset_end(&scene->ruleset), 0);
}

static void step(struct scene *scene, uint64_t handle, int verdict)
{
	struct trace_event event = { .kind = TRACE_RULE,
				     .table = "vigil",
				     .chain = chains[handle - 1],
				     .handle = handle,
				     .verdict = verdict };

	passage_add(&scene->passage, &scene->ruleset, &scene->states, &event);
}

static void own(struct scene *scene, const char *chain, enum trace_kind kind,
		uint64_t handle)
{
	struct trace_event event = { .kind = kind,
				     .table = "vigil-trial",
				     .chain = chain,
				     .handle = handle,
				     .verdict = TRACE_ACCEPT };

	passage_add(&scene->passage, &scene->ruleset, &scene->states, &event);
}

static void pass_base(struct scene *scene, const char *chain)
{
	struct trace_event event = { .kind = TRACE_POLICY,
				     .table = "vigil",
				     .chain = chain,
				     .verdict = TRACE_ACCEPT };

	passage_add(&scene->passage, &scene->ruleset, &scene->states, &event);
}

static void expect(struct scene *scene, enum outcome outcome, const char *id, bool over,
		   uint32_t line)
{
	struct decision decision = passage_decide(&scene->passage, &scene->image);

	assert_int_equal(decision.outcome, outcome);
	assert_string_equal(decision.id, id);
	assert_int_equal(decision.over, over);
	assert_int_equal(decision.line, line);
	ruleset_done(&scene->ruleset);
}

static void a_packet_that_arrives_is_allowed_by_who_counted_last(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	pass_base(&scene, "ban.in");
	own(&scene, "state.in", TRACE_RULE, 1);
	step(&scene, VIGIL_INPUT, TRACE_GOTO);
	step(&scene, SSH, TRACE_GOTO);
	step(&scene, ALLOWED, TRACE_ACCEPT);
	/* Translation counts as well, and decides nothing. */
	step(&scene, MASQ, TRACE_ACCEPT);
	own(&scene, "end.out", TRACE_POLICY, 0);
	assert_int_equal(scene.passage.state, STATE_NEW);
	assert_string_equal(scene.passage.steps[1].base, "input");
	assert_string_equal(scene.passage.steps[4].base, "nat.post");
	expect(&scene, OUTCOME_ALLOW, "ssh", false, 12);
}

static void what_did_not_arrive_is_not_allowed(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	step(&scene, VIGIL_INPUT, TRACE_GOTO);
	step(&scene, SSH, TRACE_GOTO);
	step(&scene, ALLOWED, TRACE_ACCEPT);
	expect(&scene, OUTCOME_LOST, "", false, 0);
}

static void a_drop_is_of_the_hook_where_it_happened(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	step(&scene, BAN, TRACE_GOTO);
	step(&scene, DROP_BAN, TRACE_DROP);
	expect(&scene, OUTCOME_DROP, "ban", false, 0);
}

static void what_is_over_a_limit_is_told_by_its_rule(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	step(&scene, VIGIL_INPUT, TRACE_GOTO);
	step(&scene, SSH_OVER, TRACE_DROP);
	expect(&scene, OUTCOME_DROP, "ssh", true, 12);
}

static void a_reject_is_a_drop_with_an_answer(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	step(&scene, VIGIL_INPUT, TRACE_GOTO);
	step(&scene, REJECTED, TRACE_GOTO);
	step(&scene, ANSWER, TRACE_DROP);
	expect(&scene, OUTCOME_REJECT, "no", false, 15);
}

static void a_rule_that_is_not_the_images_gives_no_verdict(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	step(&scene, VIGIL_INPUT, TRACE_GOTO);
	scene.ruleset.count = 1;
	step(&scene, DROP_BAN, TRACE_DROP);
	expect(&scene, OUTCOME_LOST, "", false, 0);
}

static void each_state_has_its_rule_on_the_way_in_and_out(void **state)
{
	struct scene scene;

	(void)state;
	for (uint64_t i = 0; i < 8; i++) {
		set_scene(&scene);
		own(&scene, i < 4 ? "state.in" : "state.out", TRACE_RULE, i + 1);
		assert_int_equal(scene.passage.state, STATE_NEW + (int)i % 4);
		ruleset_done(&scene.ruleset);
	}
}

static void a_way_without_end_is_cut(void **state)
{
	struct scene scene;

	(void)state;
	set_scene(&scene);
	for (int i = 0; i < 2 * PASSAGE_STEPS_MAX; i++)
		step(&scene, VIGIL_INPUT, TRACE_GOTO);
	step(&scene, DROP_BAN, TRACE_DROP);
	assert_true(scene.passage.cut);
	expect(&scene, OUTCOME_LOST, "", false, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_that_arrives_is_allowed_by_who_counted_last),
		cmocka_unit_test(what_did_not_arrive_is_not_allowed),
		cmocka_unit_test(a_drop_is_of_the_hook_where_it_happened),
		cmocka_unit_test(what_is_over_a_limit_is_told_by_its_rule),
		cmocka_unit_test(a_reject_is_a_drop_with_an_answer),
		cmocka_unit_test(a_rule_that_is_not_the_images_gives_no_verdict),
		cmocka_unit_test(each_state_has_its_rule_on_the_way_in_and_out),
		cmocka_unit_test(a_way_without_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
