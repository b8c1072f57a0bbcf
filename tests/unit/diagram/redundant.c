/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that do nothing, against every packet of a small world; and the words of the
 * warnings. VIGIL_SEED and VIGIL_POLICIES choose another run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diagram/redundant.h"
#include "world.h"

enum { POLICIES = 50 };

struct watch {
	const struct policy *policy;
	bool *matches; /* by rule */
	bool *matters;
	bool *without; /* those that never match */
};

static bool is_logged(const struct policy *policy, const struct answer *ruling)
{
	return (ruling->rule && ruling->rule->log) ||
	       (ruling->verdict != VERDICT_ALLOW && policy->flows.denied);
}

static bool is_limited(const struct answer *ruling)
{
	return ruling->rule && ruling->rule->limit.scope != LIMIT_NONE;
}

static bool fares_same(const struct policy *policy, const struct answer *a,
		       const struct answer *b)
{
	return a->verdict == b->verdict && !is_limited(a) && !is_limited(b) &&
	       is_logged(policy, a) == is_logged(policy, b) &&
	       (a->verdict != VERDICT_ALLOW || a->nat == b->nat);
}

static void note_match(const struct sample *packet, void *context)
{
	struct watch *watch = context;
	struct answer ruling = world_decide(watch->policy, packet, NULL);

	if (ruling.rule)
		watch->matches[ruling.place] = true;
}

/* Rules that can never match do not stand in for others. */
static void note_need(const struct sample *packet, void *context)
{
	struct watch *watch = context;
	struct answer ruling = world_decide(watch->policy, packet, NULL), other;

	if (!ruling.rule)
		return;
	watch->without[ruling.place] = true;
	other = world_decide(watch->policy, packet, watch->without);
	watch->without[ruling.place] = false;
	if (!fares_same(watch->policy, &ruling, &other))
		watch->matters[ruling.place] = true;
}

static void walk(struct watch *watch, bool feeds, world_visitor *visitor)
{
	for (enum direction direction = DIRECTION_INPUT; direction <= DIRECTION_OUTPUT;
	     direction++)
		for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6;
		     family += 2)
			world_visit(&(struct world_walk){ direction, family, feeds },
				    visitor, watch);
}

/* How often each answer came up. */
struct answers {
	size_t needed, dead, redundant;
};

static void check_policy(uint64_t seed, bool feeds, struct answers *answers)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_policy struct policy *policy = NULL;
	auto_free struct rule_finding *findings = NULL;
	bool matches[32] = { false }, matters[32] = { false }, dead[32] = { false };
	struct watch watch = { NULL, matches, matters, dead };

	world_state = seed * 2654435761u + 88172645463325252u;
	world_write(&text, feeds);
	policy = world_read(text.data);
	watch.policy = policy;
	assert_int_equal(redundant_find(policy, &findings), 0);
	walk(&watch, feeds, note_match);
	for (size_t i = 0; i < policy->rule_count; i++)
		dead[i] = !matches[i];
	walk(&watch, feeds, note_need);
	for (size_t i = 0; i < policy->rule_count; i++) {
		enum rule_use right = dead[i]      ? RULE_DEAD
				      : matters[i] ? RULE_NEEDED
						   : RULE_REDUNDANT;

		answers->dead += right == RULE_DEAD;
		answers->needed += right == RULE_NEEDED;
		answers->redundant += right == RULE_REDUNDANT;
		if (findings[i].use != right)
			fail_msg("VIGIL_SEED=%llu VIGIL_POLICIES=1: %s is %d, not "
				 "%d, in\n%s",
				 (unsigned long long)seed, policy->rules[i].id, right,
				 findings[i].use, text.data);
		if (right != RULE_NEEDED)
			assert_true(findings[i].partner_count > 0);
	}
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void check_policies(uint64_t count, bool feeds)
{
	uint64_t first = setting("VIGIL_SEED", 1);
	struct answers answers = { 0 };

	for (uint64_t i = 0; i < count; i++)
		check_policy(first + i, feeds, &answers);
	print_message("%zu needed, %zu dead, %zu redundant\n", answers.needed,
		      answers.dead, answers.redundant);
	if (count < 10)
		return;
	assert_true(answers.needed && answers.dead && answers.redundant);
}

static void finds_exactly_the_rules_that_do_nothing(void **state)
{
	(void)state;
	check_policies(setting("VIGIL_POLICIES", POLICIES), false);
}

static void believes_nothing_of_a_feed(void **state)
{
	(void)state;
	check_policies(setting("VIGIL_POLICIES", POLICIES) / 4 + 1, true);
}

static const char head[] =
	"version: 1\n"
	"zones: { lan: eth1, wan: eth0 }\n"
	"groups: { net: [10.0.0.0/8], sub: [10.1.0.0/16, 10.2.0.1] }\n"
	"feeds: { bad: { file: bad.txt } }\n"
	"rules:\n";

/* The warning about the last rule, NULL for none. */
static void expect(const char *rules, const char *wanted)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_policy struct policy *policy = NULL;
	auto_faults struct faults faults = FAULTS_NULL;
	const char *found = NULL;

	buffer_printf(&text, "%s%s", head, rules);
	policy = world_read(text.data);
	assert_int_equal(redundant_warn(policy, &faults), 0);
	for (size_t i = 0; i < faults.count; i++)
		if (faults.list[i].position.line ==
		    policy->rules[policy->rule_count - 1].position.line)
			found = faults.list[i].text;
	if (wanted && !found)
		fail_msg("no warning about\n%s", rules);
	if (found && !wanted)
		fail_msg("%s, about\n%s", found, rules);
	if (wanted)
		assert_string_equal(found, wanted);
}

/* Whether the second of two rules is found to be covered by the first. */
static void expect_cover(const char *first, const char *second, bool wanted)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	buffer_printf(&text, "- { id: first, %s }\n- { id: second, %s, log: true }\n",
		      first, second);
	expect(text.data, wanted ? "rule \"second\" can never match: rule "
				   "\"first\" in line 6 takes all its traffic"
				 : NULL);
}

static void warns_of_rules_that_can_never_match(void **state)
{
	(void)state;
	expect_cover("from: any, to: host, allow: ssh",
		     "from: any, to: host, drop: ssh", true);
	expect_cover("from: any, to: host, allow: all",
		     "from: { zone: lan, group: sub }, to: host, drop: ssh", true);
	expect_cover("from: [lan, wan], to: any, allow: all",
		     "from: wan, to: lan, drop: ssh", true);
	expect_cover("from: { group: net }, to: host, allow: ssh",
		     "from: { zone: lan, group: sub }, to: host, drop: ssh", true);
	expect_cover("from: { group: [sub, bad] }, to: host, allow: ssh",
		     "from: { group: bad }, to: host, drop: ssh", true);
	/* What is beyond a limit is dropped by the rule, so it still takes all. */
	expect_cover("from: any, to: host, allow: ssh, limit: { rate: 1/day }",
		     "from: any, to: host, drop: ssh", true);
}

static void leaves_rules_alone_that_can_match(void **state)
{
	(void)state;
	expect_cover("from: lan, to: host, allow: ssh",
		     "from: any, to: host, reject: ssh", false);
	expect_cover("from: any, to: host, allow: ssh",
		     "from: any, to: any, reject: ssh", false);
	expect_cover("from: any, to: any, allow: ssh",
		     "from: host, to: any, reject: ssh", false);
	expect_cover("from: { group: sub }, to: host, allow: ssh",
		     "from: { group: net }, to: host, reject: ssh", false);
	expect_cover("from: { group: sub }, to: host, allow: ssh",
		     "from: any, to: host, reject: ssh", false);
	expect_cover("from: { group: net }, to: host, allow: ssh",
		     "from: { group: bad }, to: host, reject: ssh", false);
	expect_cover("from: any, to: host, allow: ssh, time: { days: [mon] }",
		     "from: any, to: host, reject: ssh", false);
	expect_cover("from: any, to: host, allow: ssh",
		     "from: any, to: host, reject: all", false);
}

static void names_all_who_cover_a_rule_together(void **state)
{
	(void)state;
	expect("- { id: a, from: { address: 10.0.0.0/9 }, to: host, allow: ssh }\n"
	       "- { id: b, from: { address: 10.128.0.0/9 }, to: host, drop: ssh }\n"
	       "- { id: c, from: { group: net }, to: host, reject: ssh }\n",
	       "rule \"c\" can never match: rules \"a\" in line 6 and \"b\" in line 7 "
	       "take all its traffic");
	expect("- { id: b, from: any, to: host, drop: { icmpv6: 135 } }\n",
	       "rule \"b\" can never match: what is built in decides about ICMP "
	       "messages of these types");
	expect("- { id: b, from: any, to: any, allow: { icmpv6: 135 } }\n", NULL);
	expect("- { id: a, from: any, to: host, allow: { icmp: "
	       "destination-unreachable } }\n",
	       "rule \"a\" can never match: what is built in decides about ICMP "
	       "messages of these types");
}

static void warns_of_rules_that_change_nothing(void **state)
{
	(void)state;
	expect("- { id: a, from: any, to: host, drop: ssh }\n",
	       "rule \"a\" changes nothing: without it default.input would decide the "
	       "same");
	expect("- { id: a, from: any, to: host, reject: ssh }\n", NULL);
	expect("- { id: a, from: host, to: any, allow: ssh, log: true }\n", NULL);
	expect("- { id: a, from: host, to: any, allow: ssh }\n",
	       "rule \"a\" changes nothing: without it default.output would decide the "
	       "same");
	expect("- { id: a, from: host, to: any, allow: ssh, limit: { rate: 1/day } }\n",
	       NULL);
	/* One of the two is enough to say. */
	expect("- { id: b, from: any, to: host, allow: ssh }\n"
	       "- { id: a, from: any, to: host, allow: ssh }\n",
	       "rule \"a\" can never match: rule \"b\" in line 6 takes all its "
	       "traffic");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_exactly_the_rules_that_do_nothing),
		cmocka_unit_test(believes_nothing_of_a_feed),
		cmocka_unit_test(warns_of_rules_that_can_never_match),
		cmocka_unit_test(leaves_rules_alone_that_can_match),
		cmocka_unit_test(names_all_who_cover_a_rule_together),
		cmocka_unit_test(warns_of_rules_that_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
