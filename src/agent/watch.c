/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets come from the manager, when it kept them over a restart, or else from the
 * helper. What is queued in them is read before the first dump, so that an event is
 * never older than the dump that it is laid beside.
 */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/enforce.h"
#include "agent/helper.h"
#include "agent/manager.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	TICK_US = 1000000,
	/* Bytes of connections that live are only told by a dump. It costs by the
	   connection, so where there are few they are known as fresh as all else. */
	DUMP_FEW = 5000,
	DUMP_FEW_EVERY_S = 5,
	DUMP_EVERY_S = 60,
	/* A flood that overflows the buffer goes on for a while: no dump for each. */
	DUMP_AGAIN_S = 5,
	ASK_AGAIN_S = 5,
};

static const char *const socket_names[SOCKETS_MAX] = {
	[HELPER_FD_CONNTRACK] = "conntrack",
	[HELPER_FD_LOG] = "log",
	[HELPER_FD_TABLES] = "tables",
};

/* Beside HELPER_FD_*. */
enum { DUMP = SOCKETS_MAX };

static const char *const complaints[WATCH_KINDS] = {
	[HELPER_FD_CONNTRACK] = "connections can't be observed",
	[HELPER_FD_LOG] = "denied packets can't be observed",
	[HELPER_FD_TABLES] = "that somebody removes the table would not be noticed",
	[DUMP] = "connections can't be listed",
};

struct answer {
	int fd; /* or -1 and an error */
	int error;
	struct helper_refusal refusal;
};

struct question {
	struct job job;
	struct agent *agent;
	uint32_t wanted; /* mask: sockets, or a dump */
	struct answer answers[WATCH_KINDS];
	char tag[33]; /* of the kernel's table, after the socket for tables was there */
};

/* One socket at a time: that one can't be had is no reason to go without the others. */
static int ask_for_socket(int helper, unsigned int which, struct answer *answer)
{
	struct helper_sockets sockets;
	const int *const places[SOCKETS_MAX] = {
		[HELPER_FD_CONNTRACK] = &sockets.conntrack,
		[HELPER_FD_LOG] = &sockets.log,
		[HELPER_FD_TABLES] = &sockets.tables,
	};
	int error = helper_observe(helper, 1u << which, &sockets, &answer->refusal);

	if (!error)
		answer->fd = *places[which];
	return error;
}

/* Nobody listened between watch_pause() and now: was the table removed meanwhile? */
static int look_at_table(int helper, struct question *question)
{
	struct answer *answer = &question->answers[HELPER_FD_TABLES];
	struct enforcement report;
	int error = enforced_tag(helper, question->tag, &report);

	if (!error)
		return 0;
	snprintf(answer->refusal.text, sizeof(answer->refusal.text), "%.*s",
		 (int)sizeof(answer->refusal.text) - 1, report.problem);
	close(take_fd(answer->fd));
	return error;
}

static int ask_one(int helper, unsigned int which, struct question *question)
{
	struct answer *answer = &question->answers[which];
	int error;

	if (helper < 0)
		return -ENOTCONN;
	if (which == DUMP) {
		answer->fd =
			helper_dump(helper, HELPER_DUMP_CONNTRACK, &answer->refusal);
		return answer->fd < 0 ? answer->fd : 0;
	}
	error = ask_for_socket(helper, which, answer);
	if (!error && which == HELPER_FD_TABLES)
		error = look_at_table(helper, question);
	return error;
}

static void ask_helper(struct job *job)
{
	struct question *question = (struct question *)job;
	struct link *link = &question->agent->connection.link;

	for (unsigned int i = 0; i < WATCH_KINDS; i++)
		if (question->wanted >> i & 1)
			question->answers[i].error =
				link_check(link, ask_one(link_use(link), i, question));
}

static void note_problem(struct agent *agent, unsigned int which,
			 const struct answer *answer)
{
	struct watch *watch = &agent->watch;
	const char *why = answer->refusal.text[0] ? answer->refusal.text
						  : strerror(-answer->error);
	char problem[sizeof(watch->problems[which])];

	if (answer->error == -ENOTCONN)
		return;
	if (which == HELPER_FD_LOG && answer->error == -EBUSY)
		snprintf(problem, sizeof(problem),
			 "%s: another program listens to nflog group %d",
			 complaints[which], HELPER_LOG_GROUP);
	else
		snprintf(problem, sizeof(problem), "%s: %s", complaints[which], why);
	if (strcmp(problem, watch->problems[which]) != 0)
		log_error("The kernel: %s. The firewall goes on", problem);
	memcpy(watch->problems[which], problem, sizeof(problem));
	watch->refused |= 1u << which;
	watch->refused_at = clock_s();
}

static void attach(struct agent *agent, unsigned int which, int fd, bool fresh)
{
	int error;

	if (fd < 0)
		return;
	/* Not the one for tables: see watch_pause(). */
	if (fresh && which != HELPER_FD_TABLES)
		manager_keep(fd, socket_names[which]);
	error = observer_attach(agent->watch.observer, which, fd);
	if (error)
		log_warning("The %s socket can't be used: %s", socket_names[which],
			    strerror(-error));
}

static bool hears(const struct agent *agent, uint32_t sockets)
{
	return !(observer_missing(agent->watch.observer) & sockets);
}

/* All that the database is about. */
static bool watching(const struct agent *agent)
{
	return hears(agent, 1u << HELPER_FD_CONNTRACK | 1u << HELPER_FD_LOG);
}

static void note_removal(struct agent *agent)
{
	if (agent->force.table != TABLE_PRESENT)
		return;
	agent->force.table = TABLE_REMOVED;
	log_error("Somebody removed table inet %s: nothing is enforced until the next "
		  "reload",
		  TABLE_NAME);
	agent_tell(agent);
}

static void take_answer(struct agent *agent, unsigned int which,
			const struct question *question)
{
	int fd = question->answers[which].fd;

	agent->watch.problems[which][0] = '\0';
	agent->watch.refused &= ~(1u << which);
	if (which == DUMP) {
		observer_dump_take(agent->watch.observer, fd);
	} else if (which == HELPER_FD_TABLES && agent->force.running) {
		close(fd);
	} else {
		attach(agent, which, fd, true);
		if (which == HELPER_FD_TABLES && !question->tag[0])
			note_removal(agent);
	}
}

static void answered(struct job *job)
{
	auto_free struct question *question = (struct question *)job;
	struct agent *agent = question->agent;
	bool before = watching(agent), any = false;

	agent->watch.asked = false;
	for (unsigned int i = 0; i < WATCH_KINDS; i++) {
		if (!(question->wanted >> i & 1))
			continue;
		if (!question->answers[i].error) {
			take_answer(agent, i, question);
			any = true;
			continue;
		}
		note_problem(agent, i, &question->answers[i]);
		if (i == DUMP)
			observer_dump_cancel(agent->watch.observer);
	}
	if (!before && watching(agent))
		recorder_start(agent->recorder);
	if (any)
		watch_check(agent);
	connection_check(agent);
}

static void ask(struct agent *agent, uint32_t wanted)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return;
	question->job = (struct job){ .run = ask_helper, .done = answered };
	question->agent = agent;
	question->wanted = wanted;
	for (size_t i = 0; i < WATCH_KINDS; i++)
		question->answers[i] = (struct answer){ .fd = -1, .error = -ENOTCONN };
	if (wanted & 1u << DUMP) {
		observer_drain(agent->watch.observer);
		observer_dump_begin(agent->watch.observer);
		agent->watch.gap = false;
		agent->watch.dumped_at = clock_s();
	}
	agent->watch.asked = true;
	worker_add(agent->worker, &question->job);
}

static int64_t dump_interval_s(const struct agent *agent)
{
	size_t live = aggregate_counts(agent->watch.aggregate).live;

	return live <= DUMP_FEW ? DUMP_FEW_EVERY_S : DUMP_EVERY_S;
}

static bool dump_is_due(const struct agent *agent)
{
	const struct watch *watch = &agent->watch;
	int64_t since = clock_s() - watch->dumped_at;

	if (!hears(agent, 1u << HELPER_FD_CONNTRACK) ||
	    observer_dumping(watch->observer))
		return false;
	if (!watch->dumped_at || since >= dump_interval_s(agent))
		return true;
	return watch->gap && since >= DUMP_AGAIN_S;
}

/* Those that can't be had are asked for again, but not all the time. */
static uint32_t sockets_due(const struct agent *agent)
{
	uint32_t missing = observer_missing(agent->watch.observer);
	int64_t since = clock_s() - agent->watch.refused_at;

	return since < ASK_AGAIN_S ? missing & ~agent->watch.refused : missing;
}

void watch_check(struct agent *agent)
{
	uint32_t missing = sockets_due(agent);

	/* An attempt to enforce goes first: its transaction is worth more. */
	if (!agent->connection.up || agent->watch.asked || agent->force.running)
		return;
	if (missing)
		ask(agent, missing);
	else if (dump_is_due(agent))
		ask(agent, 1u << DUMP);
}

/* Say once what the kernel does not tell, and again when it begins to. */
static void tell_knowledge(struct agent *agent)
{
	struct observer_counts counts = observer_counts(agent->watch.observer);
	struct watch *watch = &agent->watch;
	enum knowledge accounting = aggregate_counts(watch->aggregate).accounting;

	if (accounting != watch->told_accounting) {
		watch->told_accounting = accounting;
		if (accounting == KNOWN_OFF)
			log_warning(
				"The kernel does not count bytes of connections: "
				"set net.netfilter.nf_conntrack_acct=1 to know them");
	}
	if (counts.events_on != watch->told_events) {
		watch->told_events = counts.events_on;
		if (counts.events_on == KNOWN_OFF)
			log_warning("The kernel does not tell of connections: set "
				    "net.netfilter.nf_conntrack_events=1 to have flows "
				    "remembered");
	}
}

static int on_tick(sd_event_source *source, uint64_t when_us, void *context)
{
	struct agent *agent = context;

	(void)when_us;
	tell_knowledge(agent);
	observer_dump_expire(agent->watch.observer);
	watch_check(agent);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_flow(const struct flow *flow, void *context)
{
	struct agent *agent = context;
	struct name name = naming_find(agent->names,
				       aggregate_number(agent->watch.aggregate, flow));

	if (flow->event == FLOW_PACKET && name.logged)
		journal_packet(&agent->journal, flow, &name);
	follow_publish(agent, flow, &name);
}

static void on_loss(void *context)
{
	struct agent *agent = context;

	recorder_lost(agent->recorder);
	if (!agent->watch.gap)
		log_warning("The kernel had no room for events: some were lost. This "
			    "minute is marked incomplete");
	agent->watch.gap = true;
}

static void on_gap(void *context)
{
	struct agent *agent = context;

	recorder_gap(agent->recorder);
	agent->watch.gap = true;
}

/* Another is asked for. The manager's copy of the one that failed would keep the log
 * group occupied. */
static void on_failure(unsigned int which, void *context)
{
	struct agent *agent = context;

	manager_forget(socket_names[which]);
	if (which == HELPER_FD_TABLES)
		return;
	recorder_stop(agent->recorder);
	agent->watch.gap = true;
}

static void on_table_gone(void *context)
{
	note_removal(context);
}

static void drain(void *context)
{
	observer_drain(context);
}

/* Where somebody listens, the kernel makes a notice for each element that is loaded,
 * and loading takes four times as long. So nobody does: the socket is closed, also the
 * manager's copy, for there is none. */
void watch_pause(struct agent *agent)
{
	observer_detach(agent->watch.observer, HELPER_FD_TABLES);
}

void watch_adopt(struct agent *agent)
{
	const struct image *image = agent->force.committed->image;

	aggregate_set_mask(agent->watch.aggregate, image->mark_mask);
	aggregate_ignore_none(agent->watch.aggregate);
	for (size_t i = 0; i < image->decider_count; i++)
		if (strcmp(image->deciders[i].id, "builtin.loopback") == 0)
			aggregate_ignore(agent->watch.aggregate,
					 image->deciders[i].number);
}

static void attach_inherited(struct agent *agent, struct inherited *inherited)
{
	for (unsigned int i = 0; i < SOCKETS_MAX; i++)
		attach(agent, i, take_fd(inherited->sockets[i]), false);
	if (watching(agent))
		recorder_start(agent->recorder);
}

int watch_start(struct agent *agent, struct inherited *inherited)
{
	const struct observer_handlers handlers = {
		.on_flow = on_flow,
		.on_loss = on_loss,
		.on_gap = on_gap,
		.on_failure = on_failure,
		.on_table_gone = on_table_gone,
		.context = agent,
	};
	int error = observer_new(agent->event, agent->watch.aggregate, &handlers,
				 &agent->watch.observer);
	uint32_t missing;

	if (error < 0)
		return error;
	recorder_set_drain(agent->recorder, drain, agent->watch.observer);
	attach_inherited(agent, inherited);
	error = sd_event_add_time_relative(agent->event, &agent->watch.tick,
					   CLOCK_MONOTONIC, TICK_US, 0, on_tick, agent);
	/* Queued before the first attempt to enforce, so that what the new rules decide
	   is heard from the first packet on. */
	missing = observer_missing(agent->watch.observer) & ~(1u << HELPER_FD_TABLES);
	if (error >= 0 && missing)
		ask(agent, missing);
	return error;
}

void watch_done(struct agent *agent)
{
	sd_event_source_disable_unref(agent->watch.tick);
	observer_free(agent->watch.observer);
	aggregate_free(agent->watch.aggregate);
}
