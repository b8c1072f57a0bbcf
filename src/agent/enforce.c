/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List, plan, send. */
#include "agent/enforce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/helper.h"
#include "agent/kernel.h"
#include "base/cleanup.h"
#include "compile/transition.h"

static int problem(struct enforcement *report, int error, const char *what,
		   const struct helper_refusal *refusal)
{
	const char *why =
		refusal && refusal->text[0] ? refusal->text : strerror(-error);

	snprintf(report->problem, sizeof(report->problem), "%s: %s", what, why);
	return error;
}

static int list_table(int helper, struct inventory *ret, struct enforcement *report)
{
	struct helper_refusal refusal = { 0 };
	int error = kernel_inventory(helper, ret, &refusal);

	return error ? problem(report, error, "the table could not be listed", &refusal)
		     : 0;
}

/* Name feeds' sets as the kernel does, so that what is the same has the same name. Of
 * several, the policy in force knows which one is not left over. */
static bool adopt_generations(struct candidate *candidate,
			      const struct candidate *committed,
			      const struct inventory *inventory)
{
	bool changed = false;

	for (size_t i = 0; i < candidate->policy->feed_count; i++) {
		const char *name = candidate->policy->feeds[i].name;
		long before = candidate_find_feed(committed, name);
		uint32_t now = before >= 0 ? committed->feed_generations[before]
					   : inventory_feed_generation(inventory, name);

		changed |= candidate->feed_generations[i] != now;
		candidate->feed_generations[i] = now;
	}
	return changed;
}

/* New names for the sets whose contents the kernel does not, or may not, hold. */
static void renew_generations(struct candidate *candidate,
			      const struct candidate *committed,
			      const struct inventory *inventory)
{
	uint32_t fresh = inventory_free_generation(inventory);

	for (size_t i = 0; i < candidate->policy->feed_count; i++) {
		long before = candidate_find_feed(committed,
						  candidate->policy->feeds[i].name);

		if (before >= 0 &&
		    address_set_equal(&committed->feeds[before], &candidate->feeds[i]))
			continue;
		candidate->feed_generations[i] = fresh;
	}
	if (!committed)
		candidate->static_generation = fresh;
}

static int compile_again(struct candidate *candidate, struct numbering *numbering,
			 struct enforcement *report)
{
	struct faults faults = FAULTS_NULL;
	int error = candidate_compile(candidate, numbering, &faults);

	if (error)
		problem(report, error, "the policy could not be compiled again", NULL);
	faults_done(&faults);
	return error;
}

/* First with the names that are there, then with new ones for what changed, at last
 * with new ones for all. */
static int plan(struct candidate *candidate, const struct candidate *committed,
		struct numbering *numbering, const struct inventory *inventory,
		struct transition *ret, struct enforcement *report)
{
	const struct image *image = committed ? committed->image : NULL;
	const struct candidate *believed = committed;
	int error = transition_plan(image, inventory, candidate->image, ret);

	for (int i = 0; i < 2 && error == -EUCLEAN; i++) {
		renew_generations(candidate, believed, inventory);
		error = compile_again(candidate, numbering, report);
		if (error)
			return error;
		error = transition_plan(image, inventory, candidate->image, ret);
		believed = NULL;
	}
	if (error)
		return problem(report, error, "no way to the new rules was found",
			       NULL);
	return 0;
}

static int send_step(int helper, const struct step *step,
		     struct helper_refusal *refusal)
{
	if (step->kind == STEP_SCRIPT)
		return helper_apply_script(helper, step->data, step->size_bytes,
					   refusal);
	return helper_apply_elements(helper, step->data, step->size_bytes, step->atomic,
				     refusal);
}

bool enforced_or_not(int error)
{
	return error == -ECONNRESET || error == -EPIPE || error == -EPROTO ||
	       error == -ETIMEDOUT || error == -ETIME || error == -EIO;
}

/* Say which statement the kernel refused: that is what a report of a bug needs. */
static int step_problem(struct enforcement *report, int error, const struct step *step,
			const struct helper_refusal *refusal)
{
	const char *line = step->data, *end = step->data + step->size_bytes;

	if (enforced_or_not(error))
		return problem(report, error,
			       "vigil-helper did not say how the change ended",
			       refusal);
	if (step->kind != STEP_SCRIPT || refusal->line == 0)
		return problem(report, error,
			       step->kind == STEP_SCRIPT
				       ? "the kernel refused the rules"
				       : "the kernel refused the elements of a set",
			       refusal);
	for (uint32_t i = 1; i < refusal->line && line < end; i++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		line = newline ? newline + 1 : end;
	}
	snprintf(report->problem, sizeof(report->problem),
		 "the kernel refused the rules: %s (line %u: %.*s)", refusal->text,
		 refusal->line, (int)strcspn(line, "\n"), line);
	return error;
}

static int send(int helper, const struct transition *transition,
		struct enforcement *report)
{
	for (size_t i = 0; i < transition->step_count; i++) {
		struct helper_refusal refusal = { 0 }, ignored;
		int error = send_step(helper, &transition->steps[i], &refusal);

		if (!error)
			continue;
		if (transition->undo.size_bytes > 0)
			send_step(helper, &transition->undo, &ignored);
		return step_problem(report, error, &transition->steps[i], &refusal);
	}
	return 0;
}

static int plan_and_send(int helper, struct candidate *candidate,
			 const struct candidate *committed, struct numbering *numbering,
			 const struct inventory *inventory, struct enforcement *report)
{
	struct transition transition = { 0 };
	int error =
		plan(candidate, committed, numbering, inventory, &transition, report);

	if (!error)
		error = send(helper, &transition, report);
	report->elements_added = transition.elements_added;
	report->elements_deleted = transition.elements_deleted;
	report->rules_changed = transition.rules_changed;
	report->was_in_force = !error && transition.step_count == 0;
	transition_done(&transition);
	return error;
}

/* Sets that do not hold what they should: somebody else has changed their elements. */
static bool sets_differ(int error)
{
	return error == -ENOENT || error == -EEXIST || error == -ENOTEMPTY;
}

/* With new names for what changed, or for all sets when @committed is NULL. */
static int enforce_anew(int helper, struct candidate *candidate,
			const struct candidate *committed, struct numbering *numbering,
			struct enforcement *report)
{
	struct inventory inventory = { 0 };
	int error = list_table(helper, &inventory, report);

	if (error)
		return error;
	renew_generations(candidate, committed, &inventory);
	error = compile_again(candidate, numbering, report);
	if (!error)
		error = plan_and_send(helper, candidate, committed, numbering,
				      &inventory, report);
	inventory_done(&inventory);
	return error;
}

static int enforce_over(int helper, struct candidate *candidate,
			const struct candidate *committed, struct numbering *numbering,
			const struct inventory *inventory, struct enforcement *report)
{
	int error = 0;

	/* What the kernel bears no tag of is not known, whatever we remember. */
	if (committed && strcmp(committed->image->tag, inventory->tag) != 0)
		committed = NULL;
	if (adopt_generations(candidate, committed, inventory))
		error = compile_again(candidate, numbering, report);
	if (!error)
		error = plan_and_send(helper, candidate, committed, numbering,
				      inventory, report);
	/* In an unprivileged user's namespace a batch is bounded. New sets can be
	   filled in several, and then take the place of the old ones. */
	if (error == -EMSGSIZE)
		return enforce_anew(helper, candidate, committed, numbering, report);
	if (sets_differ(error))
		return enforce_anew(helper, candidate, NULL, numbering, report);
	return error;
}

/* The sets are as they should be and the tag is there; the rules may have been meddled
 * with. */
static int send_again(int helper, const struct candidate *candidate,
		      struct enforcement *report)
{
	struct inventory inventory = { 0 };
	struct transition transition = { 0 };
	int error = list_table(helper, &inventory, report);

	if (!error)
		error = transition_again(&inventory, candidate->image, &transition);
	if (!error)
		error = send(helper, &transition, report);
	transition_done(&transition);
	inventory_done(&inventory);
	return error;
}

int enforce(int helper, struct candidate *candidate, const struct candidate *committed,
	    struct numbering *numbering, struct enforcement *report)
{
	struct inventory inventory = { 0 };
	int error;

	*report = (struct enforcement){ 0 };
	error = list_table(helper, &inventory, report);
	if (!error)
		error = enforce_over(helper, candidate, committed, numbering,
				     &inventory, report);
	if (!error && candidate->afresh && !report->rules_changed)
		error = send_again(helper, candidate, report);
	if (!error)
		report->problem[0] = '\0';
	inventory_done(&inventory);
	return error;
}

int enforced_tag(int helper, char tag[static 33], struct enforcement *report)
{
	struct inventory inventory = { 0 };
	int error;

	*report = (struct enforcement){ 0 };
	error = list_table(helper, &inventory, report);
	if (!error)
		memcpy(tag, inventory.tag, sizeof(inventory.tag));
	inventory_done(&inventory);
	return error;
}
