/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enduring.h"
#include "base/cleanup.h"

static void end(struct apply *apply, enum apply_end how, const char *what, int error)
{
	apply->end = how;
	snprintf(apply->problem, sizeof(apply->problem), "%s: %s", what,
		 strerror(-error));
}

static int read_text(struct apply *apply)
{
	int error;

	if (apply->text)
		return 0;
	error = policy_load(apply->path, true, &apply->text, &apply->text_bytes,
			    &apply->faults);
	if (error == -EINVAL)
		apply->end = APPLY_REFUSED;
	else if (error)
		end(apply, APPLY_FAILED, "the policy could not be read", error);
	return error;
}

static int use_link(struct apply *apply)
{
	int helper = link_use(apply->link);

	apply->made = apply->link->made;
	return helper;
}

/* What the kernel held when an earlier life of the agent ended. Not to know it costs
 * time and nothing else. */
static void recover(struct apply *apply)
{
	char tag[33] = "";
	struct enforcement ignored;
	int helper;

	if (apply->committed)
		return;
	helper = use_link(apply);
	if (helper >= 0)
		link_check(apply->link, enforced_tag(helper, tag, &ignored));
	apply->bears = tag[0] != '\0';
	if (enduring_read(apply->committed_path, apply->feeds_path, apply->numbering,
			  &apply->recovered) < 0 ||
	    strcmp(tag, apply->recovered->image->tag) == 0)
		return;
	candidate_free(take(apply->recovered));
}

static int compile(struct apply *apply, const struct candidate *before)
{
	const struct candidate_source source = {
		.text = apply->text,
		.text_bytes = apply->text_bytes,
		.path = apply->path,
		.directory = apply->directory,
		.feed_cache = apply->feeds_path,
		.feeds_due = apply->feeds_due,
		.previous = before,
	};
	int error = candidate_read(&source, apply->numbering, &apply->candidate,
				   &apply->faults);

	if (error == -EINVAL)
		apply->end = APPLY_REFUSED;
	else if (error)
		end(apply, APPLY_FAILED, "the policy could not be compiled", error);
	return error;
}

/* Before a new number can reach the kernel: it should mean the same after a crash. A
 * disk that is full is no reason to enforce nothing, so it is tried again later. */
static void keep_numbers(struct apply *apply)
{
	apply->numbers_error = numbers_keep(apply->numbers, apply->numbering);
	apply->numbers_used = true;
}

/* Nobody said how it ended. The kernel's tag does, if the helper is there again. */
static int look(struct apply *apply, int error)
{
	char tag[33] = "";
	struct enforcement ignored;
	int helper = use_link(apply);

	if (helper >= 0)
		link_check(apply->link, enforced_tag(helper, tag, &ignored));
	if (apply->link->fd < 0 || !apply->link->greeted)
		return error;
	return strcmp(tag, apply->candidate->image->tag) == 0 ? 0 : error;
}

static void note_problem(struct apply *apply, int error)
{
	bool gone = apply->link->fd < 0 || !apply->link->greeted;

	apply->end = gone ? APPLY_NO_LINK : APPLY_KERNEL;
	snprintf(apply->problem, sizeof(apply->problem), "%.400s%s",
		 apply->report.problem,
		 gone && enforced_or_not(error)
			 ? ". What the kernel holds is looked at when it is back"
			 : "");
}

static int send(struct apply *apply, const struct candidate *before)
{
	int helper = use_link(apply), error;

	if (helper < 0) {
		apply->end = APPLY_NO_LINK;
		snprintf(apply->problem, sizeof(apply->problem), "%s",
			 apply->link->problem);
		return helper;
	}
	apply->candidate->afresh = apply->afresh;
	error = enforce(helper, apply->candidate, before, apply->numbering,
			&apply->report);
	link_check(apply->link, error);
	if (enforced_or_not(error))
		error = look(apply, error);
	if (error)
		note_problem(apply, error);
	return error;
}

void apply_run(struct job *job)
{
	struct apply *apply = (struct apply *)job;
	const struct candidate *before;
	int error;

	if (!apply->dry_run)
		recover(apply);
	before = apply->committed ? apply->committed : apply->recovered;
	if (read_text(apply) < 0 || compile(apply, before) < 0)
		return;
	apply->end = APPLY_DONE;
	if (apply->dry_run)
		return;
	keep_numbers(apply);
	if (send(apply, before) < 0)
		return;
	error = enduring_write(apply->candidate, apply->committed_path,
			       apply->feeds_path, before);
	if (error)
		snprintf(apply->keep_problem, sizeof(apply->keep_problem), "%s",
			 strerror(-error));
}

void apply_free(struct apply *apply)
{
	if (!apply)
		return;
	free(apply->text);
	free(apply->path);
	free(apply->directory);
	free(apply->feeds_due);
	candidate_free(apply->candidate);
	candidate_free(apply->recovered);
	numbering_free(apply->numbering);
	faults_done(&apply->faults);
	free(apply);
}
