/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil explain */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/explain_view.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/tryout.h"
#include "cli/units.h"

struct explain {
	const struct arguments *arguments;
	struct draft draft;
	struct packet packet;
	struct moment moment;
};

static int misuse(const struct explain *explain, const struct faults *faults)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	const char *text = explain->arguments->operand;

	faults_render(faults, "packet", text, strlen(text),
		      terminal_color(explain->arguments, STDERR_FILENO), &out);
	if (out.error)
		return terminal_no_memory();
	fwrite(out.data, 1, out.size_bytes, stderr);
	return EXIT_MISUSED;
}

/* What can be said without the policy. */
static int read_packet(struct explain *explain, struct faults *faults)
{
	const char *const *values = explain->arguments->values;
	const struct position nowhere = { 0, 0 };
	uint64_t count;
	int error = packet_parse(explain->arguments->operand, &explain->packet, faults);

	if (error)
		return error;
	if (values[OPTION_FLOW_STATE])
		packet_state_parse(values[OPTION_FLOW_STATE], nowhere,
				   &explain->packet.state, faults);
	if (values[OPTION_AT])
		packet_moment_parse(values[OPTION_AT], nowhere, &explain->moment,
				    faults);
	if (values[OPTION_TIMES]) {
		if (units_parse_number(values[OPTION_TIMES], PACKET_COUNT_MAX, &count) <
			    0 ||
		    count == 0)
			faults_add(faults, nowhere,
				   "--count takes a number from 1 to %d",
				   PACKET_COUNT_MAX);
		else
			explain->packet.count = (uint32_t)count;
	}
	return faults->errors ? -EINVAL : 0;
}

static int settle(struct explain *explain, struct faults *faults)
{
	const struct packet_way way = {
		.in = explain->arguments->values[OPTION_IN],
		.out = explain->arguments->values[OPTION_OUT],
		.in_key = "--in",
		.out_key = "--out",
	};

	return packet_settle(explain->draft.candidate->policy, &way, &explain->packet,
			     faults);
}

static int show(const struct explain *explain, const struct explanation *explanation)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	bool lost = explanation->play->decision.outcome == OUTCOME_LOST;
	int code;

	if (arguments_has(explain->arguments, OPTION_JSON)) {
		code = report_json(explain_view_json(explanation));
	} else {
		explain_view(explanation, terminal_width(),
			     terminal_color(explain->arguments, STDOUT_FILENO), &out);
		code = terminal_write(&out);
	}
	return code == EXIT_DONE && lost ? EXIT_FAILED : code;
}

/* Before the schedules are moved for another time. */
static bool *times_that_hold(const struct explain *explain, struct moment moment)
{
	const struct policy *policy = explain->draft.candidate->policy;
	bool *holds = calloc(policy->rule_count + 1, sizeof(*holds));

	for (size_t i = 0; holds && i < policy->rule_count; i++)
		holds[i] = moment_holds(&policy->rules[i].schedule, moment);
	return holds;
}

static int try(struct explain *explain)
{
	auto_tryout struct tryout tryout = TRYOUT_NULL;
	struct moment moment = explain->moment;
	char problem[TRYOUT_TEXT_MAX];
	auto_free bool *holds = NULL;
	struct play play = { 0 };
	int error;

	if (!moment.set)
		moment = moment_of(clock_wall_us() / 1000000, candidate_utc_offset());
	holds = times_that_hold(explain, moment);
	if (!holds)
		return terminal_no_memory();
	terminal_progress("trying it on the kernel");
	error = tryout_open(&explain->draft, &tryout, problem);
	if (!error)
		error = stage_at(&tryout.stage, explain->moment, problem);
	if (!error)
		error = play_packet(&tryout.stage, &explain->packet, &play);
	if (error && error != -ENOMEM && play.problem[0])
		snprintf(problem, sizeof(problem), "%s", play.problem);
	terminal_progress(NULL);
	if (error)
		return report_failure(explain->arguments, problem);
	return show(explain,
		    &(struct explanation){ &explain->draft, &explain->packet, &play,
					   &tryout.stage.passage, moment, holds });
}

static int run(struct explain *explain)
{
	auto_faults struct faults faults = FAULTS_NULL;
	int error;

	if (!explain->arguments->operand)
		return terminal_misuse(explain->arguments->command,
				       "which packet? Write it in quotes, such as "
				       "'tcp 203.0.113.9 -> host:22'");
	if (read_packet(explain, &faults) < 0)
		return misuse(explain, &faults);
	terminal_progress("reading the policy");
	error = draft_read(explain->arguments, &explain->draft);
	terminal_progress(NULL);
	if (error && error != -EINVAL)
		return terminal_no_memory();
	if (error)
		return tryout_refused(&explain->draft, explain->arguments);
	if (settle(explain, &faults) < 0)
		return misuse(explain, &faults);
	return try(explain);
}

int cmd_explain(const struct arguments *arguments)
{
	struct explain explain = { .arguments = arguments, .draft = DRAFT_NULL };
	int code = run(&explain);

	draft_done(&explain.draft);
	return code;
}
