/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil plan */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/plan_view.h"
#include "cli/report.h"
#include "cli/terminal.h"

static int exit_code(const struct arguments *arguments, const struct plan *plan,
		     int code)
{
	bool differs = plan_changes(plan) || plan->difference->gap_count;

	if (code == EXIT_DONE && differs && arguments_has(arguments, OPTION_EXIT_CODE))
		return EXIT_DIFFERS;
	return code;
}

static struct plan_shown shown_of(const struct plan *plan)
{
	const char *path = plan->sides[1].draft.path;

	return (struct plan_shown){
		.revision = &plan->revision,
		.difference = plan->difference,
		.policy = plan->sides[1].input.policy,
		.path = strcmp(path, POLICY_PATH) == 0 ? NULL : path,
	};
}

static int answer_json(const struct arguments *arguments, const struct plan *plan)
{
	const struct plan_shown shown = shown_of(plan);
	json_t *answer = plan_view_json(&shown);
	char names[2][PATH_MAX];

	/* A path may be any bytes, JSON may not. */
	for (size_t i = 0; i < 2; i++) {
		text_copy_printable(names[i], sizeof(names[i]),
				    plan_name(&plan->sides[i]));
		if (answer)
			json_object_set_new(answer, i ? "new" : "old",
					    json_string(names[i]));
	}
	if (answer)
		json_object_set_new(answer, "faults",
				    draft_json_faults(&plan->sides[1].draft));
	return exit_code(arguments, plan, report_json(answer));
}

static int answer_text(const struct arguments *arguments, const struct plan *plan)
{
	const struct plan_shown shown = shown_of(plan);
	auto_buffer struct buffer out = BUFFER_NULL;

	draft_show_faults(&plan->sides[1].draft, arguments);
	plan_view(&shown, terminal_color(arguments, STDOUT_FILENO), &out);
	return exit_code(arguments, plan, terminal_write(&out));
}

/* Which of the two is at fault, and how; or why there is nothing to compare with. */
static int answer_failure(const struct arguments *arguments, const struct plan *plan)
{
	const struct draft *draft = &plan->sides[1].draft;

	if (plan->problem[0])
		return report_failure(arguments, plan->problem);
	if (!draft->faults.errors)
		draft = &plan->sides[0].draft;
	if (!arguments_has(arguments, OPTION_JSON))
		return draft_show_faults(draft, arguments);
	report_json(json_pack("{s:s, s:o}", "error", "a policy has errors", "faults",
			      draft_json_faults(draft)));
	return EXIT_FAILED;
}

int cmd_plan(const struct arguments *arguments)
{
	struct plan plan = { .all = false };
	int error = plan_make(arguments, &plan), code;

	if (error == -EINVAL)
		code = answer_failure(arguments, &plan);
	else if (error)
		code = terminal_no_memory();
	else if (arguments_has(arguments, OPTION_JSON))
		code = answer_json(arguments, &plan);
	else
		code = answer_text(arguments, &plan);
	plan_done(&plan);
	return code;
}
