/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil test */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/explain_view.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/tryout.h"
#include "cli/units.h"

enum { LABEL_MAX = 512 };

struct testing {
	const struct arguments *arguments;
	struct draft draft;
	struct moment moment; /* of tests that name none */
	size_t *chosen;       /* indices */
	size_t count;
	size_t failed;
	struct buffer out; /* TAP */
	json_t *list;      /* with --json */
};

static bool as_expected(const struct test *test, const struct play *play)
{
	const struct decision *decision = &play->decision;
	size_t size = strlen(decision->id);

	if (decision->outcome == OUTCOME_LOST ||
	    (int)decision->outcome != (int)test->expect)
		return false;
	if (!test->by)
		return true;
	/* "ssh" is whatever rule ssh decides, "ssh.over" only what its limit does. */
	return strcmp(test->by, decision->id) == 0 ||
	       (decision->over && strncmp(test->by, decision->id, size) == 0 &&
		strcmp(test->by + size, ".over") == 0);
}

static void label_of(const struct testing *testing, const struct test *test,
		     char out[static LABEL_MAX])
{
	char text[PACKET_TEXT_MAX], path[LABEL_MAX / 2];

	/* '#' begins a directive of TAP. */
	text_copy_printable(path, sizeof(path), draft_name(&testing->draft));
	snprintf(out, LABEL_MAX, "%s:%u: %s", path, test->position.line,
		 test->name ? test->name : packet_describe(&test->packet, text));
	for (char *c = out; *c; c++)
		if (*c == '#')
			*c = '.';
}

/* --- choosing --------------------------------------------------------------------- */

static bool wanted(const struct test *test, size_t number, const char *only)
{
	char text[PACKET_TEXT_MAX];
	uint64_t wish;

	if (!only)
		return true;
	if (units_parse_number(only, POLICY_TESTS_MAX, &wish) == 0)
		return wish == number;
	return strstr(test->name ? test->name : packet_describe(&test->packet, text),
		      only) != NULL;
}

static int choose(struct testing *testing)
{
	const struct policy *policy = testing->draft.candidate->policy;
	const char *only = testing->arguments->values[OPTION_ONLY];

	testing->chosen = calloc(policy->test_count + 1, sizeof(*testing->chosen));
	if (!testing->chosen)
		return -ENOMEM;
	for (size_t i = 0; i < policy->test_count; i++)
		if (wanted(&policy->tests[i], i + 1, only))
			testing->chosen[testing->count++] = i;
	return 0;
}

/* --- telling ---------------------------------------------------------------------- */

static void tell_difference(struct testing *testing, const struct test *test,
			    const struct play *play)
{
	const struct decision *decision = &play->decision;
	struct buffer *out = &testing->out;

	buffer_printf(out, "  ---\n  expected: %s%s%s\n  got: \"",
		      verdict_name(test->expect), test->by ? " by " : "",
		      test->by ? test->by : "");
	if (decision->outcome == OUTCOME_LOST)
		buffer_printf(out, "no verdict, %s", play->problem);
	else
		explain_view_decision(decision, out);
	if (decision->line)
		buffer_printf(out, " in line %u", decision->line);
	buffer_text(out, "\"\n  ...\n");
}

static json_t *result_json(const struct test *test, size_t index,
			   const struct play *play, bool good)
{
	const struct decision *decision = &play->decision;
	bool lost = decision->outcome == OUTCOME_LOST;
	char text[PACKET_TEXT_MAX];

	packet_describe(&test->packet, text);
	return json_pack(
		"{s:i, s:i, s:s, s:s, s:b, s:{s:s, s:s?}, s:s?, s:s?, s:b, s:o, s:s?}",
		"number", (int)index + 1, "line", (int)test->position.line, "name",
		test->name ? test->name : text, "packet", text, "ok", good, "expected",
		"verdict", verdict_name(test->expect), "rule", test->by, "verdict",
		lost ? NULL : outcome_name(decision->outcome), "rule",
		decision->id[0] ? decision->id : NULL, "over_limit", decision->over,
		"rule_line",
		decision->line ? json_integer(decision->line) : json_null(), "problem",
		play->problem[0] ? play->problem : NULL);
}

static void tell(struct testing *testing, size_t number, const struct play *play)
{
	size_t index = testing->chosen[number];
	const struct test *test = &testing->draft.candidate->policy->tests[index];
	bool good = as_expected(test, play);
	char label[LABEL_MAX];

	testing->failed += !good;
	if (testing->list) {
		json_array_append_new(testing->list,
				      result_json(test, index, play, good));
		return;
	}
	label_of(testing, test, label);
	buffer_printf(&testing->out, "%s %zu - %s\n", good ? "ok" : "not ok",
		      number + 1, label);
	if (!good)
		tell_difference(testing, test, play);
}

static int finish(struct testing *testing)
{
	char path[LABEL_MAX / 2];
	int code;

	if (testing->list) {
		text_copy_printable(path, sizeof(path), testing->draft.path);
		code = report_json(json_pack("{s:s, s:b, s:i, s:i, s:O}", "policy",
					     path, "ok", testing->failed == 0, "passed",
					     (int)(testing->count - testing->failed),
					     "failed", (int)testing->failed, "tests",
					     testing->list));
	} else {
		if (testing->failed)
			buffer_printf(&testing->out, "# %zu of %zu failed\n",
				      testing->failed, testing->count);
		code = terminal_write(&testing->out);
	}
	return code == EXIT_DONE && testing->failed ? EXIT_FAILED : code;
}

/* --- trying ----------------------------------------------------------------------- */

/* One test in the state that the first one found. */
static int try_one(struct testing *testing, struct stage *stage, size_t number,
		   char *problem)
{
	const struct policy *policy = testing->draft.candidate->policy;
	const struct test *test = &policy->tests[testing->chosen[number]];
	struct play play;
	int error = stage_at(stage, test->at.set ? test->at : testing->moment, problem);

	if (error)
		return error;
	/* What this one packet can't have is a failure of its test alone. */
	play_packet(stage, &test->packet, &play);
	tell(testing, number, &play);
	return stage_reset(stage, problem);
}

static int try_all(struct testing *testing)
{
	auto_tryout struct tryout tryout = TRYOUT_NULL;
	char problem[TRYOUT_TEXT_MAX];
	int error;

	terminal_progress("trying the tests on the kernel");
	error = tryout_open(&testing->draft, &tryout, problem);
	for (size_t i = 0; i < testing->count && !error; i++)
		error = try_one(testing, &tryout.stage, i, problem);
	terminal_progress(NULL);
	return error ? report_failure(testing->arguments, problem) : finish(testing);
}

static int read_all(struct testing *testing)
{
	auto_faults struct faults faults = FAULTS_NULL;
	const char *at = testing->arguments->values[OPTION_AT];
	int error;

	if (at && packet_moment_parse(at, (struct position){ 0 }, &testing->moment,
				      &faults) < 0)
		return terminal_misuse(testing->arguments->command,
				       faults.list ? faults.list[0].text : "--at");
	terminal_progress("reading the policy");
	error = draft_read(testing->arguments, &testing->draft);
	terminal_progress(NULL);
	if (error && error != -EINVAL)
		return terminal_no_memory();
	if (error)
		return tryout_refused(&testing->draft, testing->arguments);
	return choose(testing) < 0 ? terminal_no_memory() : EXIT_DONE;
}

static int run(struct testing *testing)
{
	int code = read_all(testing);

	if (code != EXIT_DONE)
		return code;
	if (testing->count == 0 && arguments_has(testing->arguments, OPTION_ONLY))
		return terminal_misuse(testing->arguments->command,
				       "the policy has no such test");
	if (arguments_has(testing->arguments, OPTION_JSON)) {
		testing->list = json_array();
		if (!testing->list)
			return terminal_no_memory();
	}
	buffer_printf(&testing->out, "1..%zu%s\n", testing->count,
		      testing->count ? "" : " # SKIP the policy has no tests");
	return testing->count ? try_all(testing) : finish(testing);
}

int cmd_test(const struct arguments *arguments)
{
	struct testing testing = { .arguments = arguments, .draft = DRAFT_NULL };
	int code = run(&testing);

	json_decref(testing.list);
	buffer_done(&testing.out);
	free(testing.chosen);
	draft_done(&testing.draft);
	return code;
}
