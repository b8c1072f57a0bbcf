/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attempt that fails changes nothing: not the kernel, not what is known to be in it.
 * Its faults are told in the journal, to the caller, and in the status until one goes
 * well.
 */
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/apply.h"
#include "agent/manager.h"
#include "agent/varlink.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"

enum { WAITING_MAX = 8, FAULTS_LOGGED = 20 };

static void on_applied(struct job *job);

/* Relative feeds are beside the policy; a caller's path may be nothing of the kind. */
static char *directory_of(const struct agent *agent, const char *path)
{
	return file_directory(path[0] == '/' ? path : agent->options.policy);
}

static bool *copy_flags(const bool *flags, size_t count)
{
	bool *copy = calloc(count + 1, sizeof(*copy));

	if (copy)
		memcpy(copy, flags, count * sizeof(*copy));
	return copy;
}

static int fill(struct agent *agent, struct apply *apply,
		const struct force_request *request)
{
	const struct candidate *now = agent->force.committed;

	apply->job = (struct job){ .run = apply_run, .done = on_applied };
	apply->owner = agent;
	apply->end = APPLY_DROPPED;
	apply->dry_run = request->dry_run;
	apply->given = request->kind == FORCE_TEXT;
	apply->afresh = request->afresh;
	apply->again = request->kind == FORCE_AGAIN && now;
	if (apply->given) {
		apply->text = strndup(request->text, request->text_bytes);
		apply->text_bytes = apply->text ? strlen(apply->text) : 0;
		apply->path = strdup(request->path);
		if (!apply->text)
			return -ENOMEM;
	} else if (apply->again) {
		apply->text = strndup(now->text, now->text_bytes);
		apply->text_bytes = now->text_bytes;
		apply->path = strdup(now->path);
		apply->directory = strdup(now->directory);
		if (request->feeds_due)
			apply->feeds_due =
				copy_flags(request->feeds_due, now->policy->feed_count);
		if (!apply->text || (request->feeds_due && !apply->feeds_due))
			return -ENOMEM;
	} else {
		apply->path = strdup(agent->options.policy);
	}
	if (apply->path && !apply->directory)
		apply->directory = directory_of(agent, apply->path);
	return apply->path && apply->directory ? 0 : -ENOMEM;
}

static void start_next(struct agent *agent)
{
	struct force *force = &agent->force;
	struct apply *apply = force->first;

	if (force->running || !apply)
		return;
	force->first = apply->next;
	force->waiting--;
	force->running = apply;
	apply->link = &agent->connection.link;
	apply->committed = force->committed;
	apply->numbers = &force->numbers;
	apply->committed_path = agent->paths.committed;
	apply->feeds_path = agent->paths.feeds;
	apply->numbering = numbering_copy(force->numbering);
	/* That feeds are read again is no reload. */
	if (force->ready && !apply->dry_run && !apply->again)
		manager_reloading();
	if (!apply->dry_run)
		watch_pause(agent);
	if (apply->numbering)
		worker_add(agent->worker, &apply->job);
	else
		on_applied(&apply->job);
}

int force_ask(struct agent *agent, const struct force_request *request)
{
	struct force *force = &agent->force;
	struct apply *apply, **end = &force->first;

	if (force->waiting >= WAITING_MAX)
		return -EBUSY;
	apply = calloc(1, sizeof(*apply));
	if (!apply)
		return -ENOMEM;
	if (fill(agent, apply, request) < 0) {
		apply_free(apply);
		return -ENOMEM;
	}
	apply->call = request->call;
	while (*end)
		end = &(*end)->next;
	*end = apply;
	force->waiting++;
	start_next(agent);
	return 0;
}

static bool will_read_the_file(const struct apply *apply)
{
	return apply->afresh && !apply->given && !apply->again;
}

void force_reload(struct agent *agent)
{
	const struct force_request request = { .kind = FORCE_FILE, .afresh = true };
	struct force *force = &agent->force;

	force->owed = false;
	for (const struct apply *apply = force->first; apply; apply = apply->next)
		if (will_read_the_file(apply))
			return;
	/* Too many wait, or no memory: it is asked again when one has ended. */
	force->owed = force_ask(agent, &request) < 0;
}

static void log_faults(const struct faults *faults, const char *path)
{
	for (size_t i = 0; i < faults->count && i < FAULTS_LOGGED; i++) {
		const struct fault *fault = &faults->list[i];
		char place[32] = "";

		/* Line 0 is the file as a whole. */
		if (fault->position.line > 0)
			snprintf(place, sizeof(place), ":%u:%u", fault->position.line,
				 fault->position.column);
		log_line(fault->warning ? LOG_WARNING : LOG_ERR, "%s%s: %s%s", path,
			 place, fault->warning ? "warning: " : "", fault->text);
	}
	if (faults->count + faults->left_out > FAULTS_LOGGED)
		log_notice("%s: %zu more are not shown here", path,
			   faults->count + faults->left_out - FAULTS_LOGGED);
}

static void forget_failure(struct agent *agent)
{
	free(agent->force.failure.path);
	faults_done(&agent->force.failure.faults);
	agent->force.failure = (struct failure){ 0 };
}

static void note_failure(struct agent *agent, struct apply *apply)
{
	struct failure *failure = &agent->force.failure;
	bool refused = apply->end == APPLY_REFUSED;

	forget_failure(agent);
	*failure = (struct failure){
		.set = true,
		.again = apply->again,
		.time = time(NULL),
	};
	failure->path = strdup(apply->path);
	failure->faults = apply->faults;
	apply->faults = (struct faults)FAULTS_NULL;
	if (refused)
		snprintf(failure->text, sizeof(failure->text),
			 "the policy has %zu error%s", failure->faults.errors,
			 failure->faults.errors == 1 ? "" : "s");
	else
		snprintf(failure->text, sizeof(failure->text), "%s",
			 apply->problem[0] ? apply->problem : "out of memory");
	log_error("%s was not enforced: %s", apply->path, failure->text);
	if (refused)
		log_faults(&failure->faults, apply->path);
	agent->force.stands = false;
}

static void note_numbers(struct agent *agent, int error)
{
	struct force *force = &agent->force;
	char problem[sizeof(force->numbers_problem)] = "";

	if (error)
		snprintf(problem, sizeof(problem),
			 "the rules' numbers could not be written: %s",
			 strerror(-error));
	if (error && strcmp(problem, force->numbers_problem) != 0)
		log_error("%s. The firewall goes on; should the agent be killed now, "
			  "flows may be told under another rule",
			  problem);
	else if (!error && force->numbers_problem[0])
		log_notice("The rules' numbers are written again");
	memcpy(force->numbers_problem, problem, sizeof(problem));
}

/* From here on the kernel enforces it. */
static void adopt(struct agent *agent, struct candidate **candidate,
		  struct numbering **numbering)
{
	struct force *force = &agent->force;
	struct candidate *before = force->committed;
	struct numbering *numbers_before = force->numbering;

	/* What the old rules decided is written under their names. */
	recorder_checkpoint(agent->recorder);
	force->committed = take(*candidate);
	force->committed_at = time(NULL);
	if (*numbering)
		force->numbering = take(*numbering);
	force->table = TABLE_PRESENT;
	if (naming_set(agent->names, force->committed, force->numbering) < 0) {
		log_error("Out of memory: the names of rules are not known");
		return;
	}
	candidate_free(before);
	if (numbers_before != force->numbering)
		numbering_free(numbers_before);
	watch_adopt(agent);
	recorder_set_bounds(agent->recorder, force->committed->policy->flows.keep_s,
			    force->committed->policy->flows.max_size_bytes);
}

static bool same_faults(const struct faults *a, const struct faults *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i].text, b->list[i].text) != 0)
			return false;
	return true;
}

static void tell_success(struct agent *agent, const struct apply *apply, bool was_bad)
{
	const struct enforcement *report = &apply->report;
	const struct candidate *now = agent->force.committed;

	if (apply->keep_problem[0])
		log_warning("What is enforced could not be kept for the next start: %s",
			    apply->keep_problem);
	if (report->was_in_force && (was_bad || !agent->force.tried))
		log_notice("%s is enforced, as it was", now->path);
	else if (!report->was_in_force)
		log_notice("%s is enforced: %s, %zu elements added, %zu deleted",
			   now->path,
			   report->rules_changed ? "rules changed" : "same rules",
			   report->elements_added, report->elements_deleted);
	if (!same_faults(&apply->faults, &agent->force.warnings))
		log_faults(&apply->faults, now->path);
}

static void succeed(struct agent *agent, struct apply *apply)
{
	struct force *force = &agent->force;
	bool was_bad = !force->stands;

	adopt(agent, &apply->candidate, &apply->numbering);
	refresh_adopt(agent, !apply->feeds_due);
	/* That it is still in force mends no file with errors. */
	if (!apply->again || !force->failure.set || force->failure.again) {
		forget_failure(agent);
		force->stands = true;
		force->wanted = false;
	}
	tell_success(agent, apply, was_bad);
	faults_done(&force->warnings);
	force->warnings = apply->faults;
	apply->faults = (struct faults)FAULTS_NULL;
}

/* They are on the disk, and the kernel may hold them: no other may get them. */
static void take_numbers(struct agent *agent, struct numbering **numbering)
{
	struct force *force = &agent->force;

	recorder_checkpoint(agent->recorder);
	if (naming_set(agent->names, force->committed, *numbering) < 0) {
		log_error("Out of memory: the names of rules are not known");
		return;
	}
	numbering_free(force->numbering);
	force->numbering = take(*numbering);
}

static void fail(struct agent *agent, struct apply *apply)
{
	/* What an earlier life enforced is still there, and now we know it. */
	if (apply->recovered && !agent->force.committed) {
		adopt(agent, &apply->recovered, &apply->numbering);
		refresh_adopt(agent, false);
	} else if (apply->numbers_used) {
		take_numbers(agent, &apply->numbering);
	}
	agent->force.empty = apply->made && !apply->bears && !agent->force.committed;
	if (apply->again)
		refresh_failed(agent, apply->feeds_due);
	if (apply->end == APPLY_NO_LINK && !apply->given && !apply->again)
		agent->force.wanted = true;
	if (apply->again && agent->force.failure.set && !agent->force.failure.again)
		log_error("What is in force could not be enforced again: %s",
			  apply->problem);
	else
		note_failure(agent, apply);
}

static json_t *describe_change(const struct enforcement *report)
{
	return json_pack("{s:b, s:I, s:I}", "rules_changed", report->rules_changed,
			 "elements_added", (json_int_t)report->elements_added,
			 "elements_deleted", (json_int_t)report->elements_deleted);
}

static json_t *describe_candidate(const struct apply *apply)
{
	const struct candidate *candidate = apply->candidate;

	return json_pack("{s:s, s:i, s:s, s:I, s:I, s:o}", "path", candidate->path,
			 "loaded", 0, "tag", candidate->image->tag, "rules",
			 (json_int_t)candidate->policy->rule_count, "zones",
			 (json_int_t)candidate->policy->zone_count, "warnings",
			 answers_faults(&apply->faults, candidate->path));
}

static json_t *describe_refusal(const struct faults *faults, const char *path)
{
	return json_pack("{s:o, s:s}", "faults", answers_faults(faults, path), "text",
			 "the policy has errors");
}

static void answer_failure(const struct apply *apply, const struct faults *faults)
{
	static const char *const errors[] = {
		[APPLY_REFUSED] = VARLINK_INTERFACE ".PolicyRefused",
		[APPLY_NO_LINK] = VARLINK_INTERFACE ".HelperGone",
		[APPLY_KERNEL] = VARLINK_INTERFACE ".KernelRefused",
		[APPLY_FAILED] = VARLINK_INTERFACE ".AgentFailed",
		[APPLY_DROPPED] = VARLINK_INTERFACE ".AgentFailed",
	};

	if (apply->end == APPLY_REFUSED)
		call_error(apply->call, errors[apply->end],
			   describe_refusal(faults, apply->path));
	else
		call_error(apply->call, errors[apply->end],
			   json_pack("{s:s}", "text",
				     apply->problem[0] ? apply->problem
						       : "out of memory"));
}

static void answer(struct agent *agent, struct apply *apply)
{
	json_t *policy;

	if (!apply->call)
		return;
	if (apply->end != APPLY_DONE) {
		answer_failure(apply, apply->dry_run ? &apply->faults
						     : &agent->force.failure.faults);
		return;
	}
	policy = apply->dry_run ? describe_candidate(apply) : answers_policy(agent);
	call_reply(apply->call, json_pack("{s:o, s:o}", "policy", policy, "change",
					  describe_change(&apply->report)));
}

static void on_applied(struct job *job)
{
	struct apply *apply = (struct apply *)job;
	struct agent *agent = apply->owner;
	struct force *force = &agent->force;

	if (!apply->dry_run) {
		if (apply->numbers_used)
			note_numbers(agent, apply->numbers_error);
		if (apply->end == APPLY_DONE)
			succeed(agent, apply);
		else
			fail(agent, apply);
		force->tried = true;
		force->made = apply->made;
	}
	answer(agent, apply);
	if (!apply->dry_run)
		settle_manager(agent, apply);
	apply_free(apply);
	force->running = NULL;
	start_next(agent);
	connection_check(agent);
	watch_check(agent);
	settle_check(agent);
}

struct keeping {
	struct job job;
	struct agent *agent;
	struct numbering *numbering; /* owned */
	int error;
};

static void keep(struct job *job)
{
	struct keeping *keeping = (struct keeping *)job;

	keeping->error =
		numbers_keep(&keeping->agent->force.numbers, keeping->numbering);
}

static void kept(struct job *job)
{
	auto_free struct keeping *keeping = (struct keeping *)job;

	if (keeping->error != -ECANCELED)
		note_numbers(keeping->agent, keeping->error);
	numbering_free(keeping->numbering);
	connection_check(keeping->agent);
}

void force_keep_numbers(struct agent *agent)
{
	auto_free struct keeping *keeping = NULL;

	if (!agent->force.numbers_problem[0] || !worker_idle(agent->worker))
		return;
	keeping = calloc(1, sizeof(*keeping));
	if (!keeping)
		return;
	keeping->job = (struct job){ .run = keep, .done = kept };
	keeping->agent = agent;
	keeping->error = -ECANCELED;
	keeping->numbering = numbering_copy(agent->force.numbering);
	if (keeping->numbering)
		worker_add(agent->worker, &take(keeping)->job);
}

void force_done(struct agent *agent)
{
	struct force *force = &agent->force;

	while (force->first) {
		struct apply *apply = force->first;

		force->first = apply->next;
		if (apply->call)
			call_end(apply->call);
		apply_free(apply);
	}
	candidate_free(force->committed);
	numbering_free(force->numbering);
	numbers_done(&force->numbers);
	faults_done(&force->warnings);
	forget_failure(agent);
}
