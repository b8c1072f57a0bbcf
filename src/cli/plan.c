/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/terminal.h"
#include "diagram/redundant.h"

const char *plan_name(const struct plan_side *side)
{
	return side->path ? ask_policy_name(side->path) : draft_name(&side->draft);
}

/* A list that was read from its own file now, and not one that was kept or is missing.
 */
static int take_candidate(struct plan_side *side)
{
	const struct candidate *candidate = side->draft.candidate;
	size_t count = candidate->policy->feed_count;

	side->feeds_known = calloc(count + 1, sizeof(*side->feeds_known));
	if (!side->feeds_known)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		side->feeds_known[i] = candidate->feed_times[i] != 0;
	side->input = (struct diagram_input){ candidate->policy, candidate->feeds,
					      side->feeds_known };
	return 0;
}

static int read_file(const struct arguments *arguments, struct plan_side *side)
{
	int error;

	terminal_progress("reading a policy");
	error = draft_read(arguments, &side->draft);
	terminal_progress(NULL);
	return error ? error : take_candidate(side);
}

/* The policy in force is read from what the agent says, and its own names of files are
 * never opened: we may be root, and the agent is not. */
static int read_running(const struct arguments *arguments, struct plan *plan)
{
	struct plan_side *side = &plan->sides[0];
	auto_faults struct faults faults = FAULTS_NULL;
	auto_reply struct reply reply;
	int error = ask_agent(arguments, "GetPolicy", NULL, &reply);
	const char *text;

	if (error) {
		snprintf(plan->problem, sizeof(plan->problem), "%s", reply.problem);
		return error == -ENOMEM ? error : -EINVAL;
	}
	text = ask_text(reply.parameters, "text");
	side->path = strdup(ask_text(reply.parameters, "path"));
	if (!side->path)
		return -ENOMEM;
	error = policy_read(text, strlen(text), &side->policy, &faults);
	if (error == -EINVAL)
		snprintf(plan->problem, sizeof(plan->problem),
			 "the policy in force is not understood, line %u: %s",
			 faults.list[0].position.line, faults.list[0].text);
	side->input.policy = side->policy;
	return error;
}

static const struct feed *find_feed(const struct policy *policy,
				    const struct feed *feed)
{
	for (size_t i = 0; i < policy->feed_count; i++)
		if (strcmp(policy->feeds[i].name, feed->name) == 0 &&
		    strcmp(policy->feeds[i].file, feed->file) == 0)
			return &policy->feeds[i];
	return NULL;
}

/* A plan does not change what is in a list, so the policy in force has that of the new
 * one, where both take the same out of it. */
static int borrow_feeds(struct plan_side *old, const struct plan_side *new)
{
	const struct policy *policy = old->policy;

	old->feeds = calloc(policy->feed_count + 1, sizeof(*old->feeds));
	old->feeds_known = calloc(policy->feed_count + 1, sizeof(*old->feeds_known));
	if (!old->feeds || !old->feeds_known)
		return -ENOMEM;
	for (size_t i = 0; i < policy->feed_count; i++) {
		const struct feed *same =
			find_feed(new->input.policy, &policy->feeds[i]);
		size_t at = same ? (size_t)(same - new->input.policy->feeds) : 0;

		if (!same || !new->feeds_known[at] ||
		    !address_set_equal(&same->never, &policy->feeds[i].never))
			continue;
		if (address_set_add_all(&old->feeds[i], &new->input.feeds[at]) < 0)
			return -ENOMEM;
		address_set_finish(&old->feeds[i]);
		old->feeds_known[i] = true;
	}
	old->input.feeds = old->feeds;
	old->input.feeds_known = old->feeds_known;
	return 0;
}

/* A list that is known on one side alone says nothing about a change. */
static void forget_half_known(struct plan *plan)
{
	const struct policy *old = plan->sides[0].input.policy;
	const struct policy *new = plan->sides[1].input.policy;

	for (size_t i = 0; i < old->feed_count; i++) {
		const struct feed *same = find_feed(new, &old->feeds[i]);
		bool *known[] = {
			&plan->sides[0].feeds_known[i],
			same ? &plan->sides[1].feeds_known[same - new->feeds] : NULL,
		};

		if (same && *known[0] != *known[1])
			*known[0] = *known[1] = false;
	}
}

static int read_sides(const struct arguments *arguments, struct plan *plan)
{
	struct arguments former = *arguments;
	int error = read_file(arguments, &plan->sides[1]);

	if (error)
		return error;
	if (!arguments->former) {
		error = read_running(arguments, plan);
		return error ? error : borrow_feeds(&plan->sides[0], &plan->sides[1]);
	}
	former.operand = arguments->former;
	return read_file(&former, &plan->sides[0]);
}

int plan_make(const struct arguments *arguments, struct plan *ret)
{
	int error = read_sides(arguments, ret);
	struct diagram_input inputs[2];

	if (error)
		return error;
	forget_half_known(ret);
	for (size_t i = 0; i < 2; i++)
		inputs[i] = ret->sides[i].input;
	ret->all = arguments_has(arguments, OPTION_ALL);
	terminal_progress("comparing");
	error = revision_find(inputs, &ret->revision);
	if (!error)
		error = difference_find(inputs, ret->all, &ret->difference);
	if (!error)
		error = redundant_warn(inputs[1].policy, &ret->sides[1].draft.faults);
	terminal_progress(NULL);
	return error;
}

static void side_done(struct plan_side *side)
{
	for (size_t i = 0; side->feeds && i < side->policy->feed_count; i++)
		address_set_done(&side->feeds[i]);
	free(side->feeds);
	free(side->feeds_known);
	free(side->path);
	policy_free(side->policy);
	draft_done(&side->draft);
}

void plan_done(struct plan *plan)
{
	difference_free(plan->difference);
	revision_done(&plan->revision);
	side_done(&plan->sides[0]);
	side_done(&plan->sides[1]);
}

bool plan_changes(const struct plan *plan)
{
	return plan->revision.count || plan->difference->count;
}
