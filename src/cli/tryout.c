/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/tryout.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/program.h"
#include "cli/report.h"

static int refuse(char *problem, int error, const char *why)
{
	const char *advice = "";

	if (error == -EOPNOTSUPP)
		advice =
			": allow them (sysctl user.max_user_namespaces, "
			"kernel.unprivileged_userns_clone or "
			"kernel.apparmor_restrict_unprivileged_userns), or ask as root "
			"outside of a container";
	snprintf(problem, TRYOUT_TEXT_MAX, "no packet can be tried, since %s%s", why,
		 advice);
	return error;
}

int tryout_open(struct draft *draft, struct tryout *ret,
		char problem[static TRYOUT_TEXT_MAX])
{
	auto_free char *program = NULL;
	char why[TRIAL_TEXT_MAX];
	int error = program_find_helper(&program);

	if (error)
		return refuse(problem, error, "vigil-helper was not found");
	error = trial_start(program, &ret->trial, why);
	if (!error)
		error = stage_open(&ret->trial, draft->candidate, draft->numbering,
				   &ret->stage, why);
	return error ? refuse(problem, error, why) : 0;
}

int tryout_refused(const struct draft *draft, const struct arguments *arguments)
{
	if (arguments_has(arguments, OPTION_JSON))
		report_json(json_pack("{s:s, s:o}", "error", "the policy has errors",
				      "faults", draft_json_faults(draft)));
	draft_show_faults(draft, arguments);
	return EXIT_FAILED;
}

void tryout_done(struct tryout *tryout)
{
	stage_close(&tryout->stage);
	trial_end(&tryout->trial);
}
