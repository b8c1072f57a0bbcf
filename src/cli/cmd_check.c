/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil check */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/draft.h"
#include "cli/program.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "diagram/redundant.h"
#include "trial/load.h"
#include "trial/namespace.h"

enum kernel_answer {
	KERNEL_NOT_ASKED,
	KERNEL_TAKES,
	KERNEL_REFUSES,
	KERNEL_OUT_OF_REACH
};

struct check {
	struct draft draft;
	enum kernel_answer kernel;
	char problem[1024]; /* why the kernel refuses or can't be asked */
};

static const char *kernel_answer_name(enum kernel_answer answer)
{
	switch (answer) {
	case KERNEL_TAKES:
		return "takes";
	case KERNEL_REFUSES:
		return "refuses";
	case KERNEL_OUT_OF_REACH:
		return "unreachable";
	case KERNEL_NOT_ASKED:
	default:
		return "not-asked";
	}
}

static void cant_ask(struct check *check, const char *why)
{
	check->kernel = KERNEL_OUT_OF_REACH;
	snprintf(check->problem, sizeof(check->problem),
		 "the policy could not be tried on the kernel: %s; --no-kernel checks "
		 "everything but that",
		 why);
}

static void load(struct check *check, const struct trial *trial)
{
	struct helper_refusal refusal = { 0 };
	struct inventory held = { 0 };
	char words[TRIAL_TEXT_MAX];
	int error = helper_hello(trial->helper, &refusal);

	if (error) {
		trial_last_words(trial, words);
		cant_ask(check, words[0]          ? words
				: refusal.text[0] ? refusal.text
						  : strerror(-error));
		return;
	}
	error = load_image(trial->helper, check->draft.candidate->image, &held,
			   check->problem);
	check->kernel = error ? KERNEL_REFUSES : KERNEL_TAKES;
	inventory_done(&held);
}

static void ask_kernel(struct check *check)
{
	auto_trial struct trial trial = TRIAL_NULL;
	auto_free char *program = NULL;
	char problem[TRIAL_TEXT_MAX];

	if (program_find_helper(&program) < 0) {
		cant_ask(check, "vigil-helper was not found");
		return;
	}
	terminal_progress("trying it on the kernel");
	if (trial_start(program, &trial, problem) < 0)
		cant_ask(check, problem);
	else
		load(check, &trial);
	terminal_progress(NULL);
}

static bool good(const struct check *check)
{
	return check->draft.candidate && check->draft.faults.errors == 0 &&
	       (check->kernel == KERNEL_TAKES || check->kernel == KERNEL_NOT_ASKED);
}

static int answer_json(const struct check *check)
{
	const struct faults *faults = &check->draft.faults;
	json_t *list = draft_json_faults(&check->draft), *answer;
	char path[PATH_MAX];
	int code;

	/* A path may be any bytes, JSON may not. */
	text_copy_printable(path, sizeof(path), check->draft.path);
	answer = json_pack("{s:s, s:b, s:i, s:i, s:i, s:o, s:s, s:s*}", "policy", path,
			   "ok", good(check), "errors", (int)faults->errors, "warnings",
			   (int)(faults->count - faults->errors), "left_out",
			   (int)faults->left_out, "faults", list, "kernel",
			   kernel_answer_name(check->kernel), "problem",
			   check->problem[0] ? check->problem : NULL);
	code = report_json(answer);
	return code == EXIT_DONE && !good(check) ? EXIT_FAILED : code;
}

static void add_plural(struct buffer *out, const char *lead, size_t count,
		       const char *noun)
{
	buffer_printf(out, "%s%zu %s%s", lead, count, noun, count == 1 ? "" : "s");
}

static void describe(const struct candidate *candidate, struct buffer *out)
{
	const struct policy *policy = candidate->policy;
	size_t ranges = 0;

	add_plural(out, "", policy->rule_count, "rule");
	add_plural(out, ", ", policy->zone_count, "zone");
	if (policy->nat_count)
		add_plural(out, ", ", policy->nat_count, "translation");
	if (policy->test_count)
		add_plural(out, ", ", policy->test_count, "test");
	for (size_t i = 0; i < policy->feed_count; i++)
		ranges += candidate->feeds[i].count4 + candidate->feeds[i].count6;
	if (policy->feed_count) {
		add_plural(out, ", ", policy->feed_count, "feed");
		add_plural(out, " with ", ranges, "range");
	}
}

static int answer_text(const struct check *check, const struct arguments *arguments)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	if (draft_show_faults(&check->draft, arguments) != EXIT_DONE)
		return EXIT_FAILED;
	if (!good(check))
		return terminal_error("%s", check->problem);
	buffer_text(&out, "The policy is good: ");
	describe(check->draft.candidate, &out);
	buffer_text(&out, check->kernel == KERNEL_TAKES
				  ? "; this kernel takes it.\n"
				  : "; not tried on the kernel.\n");
	return terminal_write(&out);
}

static int run(struct check *check, const struct arguments *arguments)
{
	int error;

	terminal_progress("reading the policy");
	error = draft_read(arguments, &check->draft);
	terminal_progress(NULL);
	if (!error) {
		terminal_progress("looking for rules that do nothing");
		error = redundant_warn(check->draft.candidate->policy,
				       &check->draft.faults);
		terminal_progress(NULL);
	}
	if (error && error != -EINVAL)
		return terminal_no_memory();
	if (!error && !arguments_has(arguments, OPTION_NO_KERNEL))
		ask_kernel(check);
	return arguments_has(arguments, OPTION_JSON) ? answer_json(check)
						     : answer_text(check, arguments);
}

int cmd_check(const struct arguments *arguments)
{
	struct check check = { .draft = DRAFT_NULL };
	int code = run(&check, arguments);

	draft_done(&check.draft);
	return code;
}
