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
};

enum { THE_DUMP = SOCKETS_MAX, RETRY_S = 5 };

static const char *const socket_names[SOCKETS_MAX] = {
	[HELPER_FD_CONNTRACK] = "conntrack",
	[HELPER_FD_LOG] = "log",
	[HELPER_FD_TABLES] = "tables",
};

struct question {
	struct job job;
	struct agent *agent;
	unsigned int which; /* socket, HELPER_FD_*, or THE_DUMP */
	int error;
	struct helper_refusal refusal;
	int fd;       /* what was asked for, or -1 */
	char tag[33]; /* of the kernel's table, once there is a socket for tables */
};

static int ask_for_socket(int helper, struct question *question)
{
	struct helper_sockets sockets;
	const int *const places[SOCKETS_MAX] = {
		[HELPER_FD_CONNTRACK] = &sockets.conntrack,
		[HELPER_FD_LOG] = &sockets.log,
		[HELPER_FD_TABLES] = &sockets.tables,
	};
	int error = helper_observe(helper, 1u << question->which, &sockets,
				   &question->refusal);

	if (!error)
		question->fd = *places[question->which];
	return error;
}

/* Nobody listened between watch_pause() and now: was the table removed meanwhile? */
static int look_at_table(int helper, struct question *question)
{
	struct helper_refusal *refusal = &question->refusal;
	struct enforcement report;
	int error = enforced_tag(helper, question->tag, &report);

	if (!error)
		return 0;
	snprintf(refusal->text, sizeof(refusal->text), "%.*s",
		 (int)sizeof(refusal->text) - 1, report.problem);
	close(take_fd(question->fd));
	return error;
}

static int ask_for(int helper, struct question *question)
{
	int error;

	if (question->which == THE_DUMP) {
		question->fd =
			helper_dump(helper, HELPER_DUMP_CONNTRACK, &question->refusal);
		return question->fd < 0 ? question->fd : 0;
	}
	error = ask_for_socket(helper, question);
	if (!error && question->which == HELPER_FD_TABLES)
		error = look_at_table(helper, question);
	return error;
}

static void ask_helper(struct job *job)
{
	struct question *question = (struct question *)job;
	struct link *link = &question->agent->connection.link;
	int helper = link_use(link);

	if (helper < 0) {
		question->error = -ENOTCONN;
		return;
	}
	question->error = link_check(link, ask_for(helper, question));
}

static void note_problem(struct agent *agent, const struct question *question)
{
	static const char *const what[] = {
		[HELPER_FD_CONNTRACK] = "connections can't be observed",
		[HELPER_FD_LOG] = "refused packets can't be observed",
		[HELPER_FD_TABLES] = "a removal of the table would not be noticed",
		[THE_DUMP] = "connections can't be listed",
	};
	char *problem = agent->watch.problems[question->which];
	const char *why = question->refusal.text[0] ? question->refusal.text
						    : strerror(-question->error);
	char text[sizeof(agent->watch.problems[0])];

	if (question->error == -ENOTCONN)
		return;
	if (question->which == HELPER_FD_LOG && question->error == -EBUSY)
		snprintf(text, sizeof(text),
			 "%s: another program listens to nflog group %d",
			 what[question->which], HELPER_LOG_GROUP);
	else
		snprintf(text, sizeof(text), "%s: %s", what[question->which], why);
	if (strcmp(problem, text) != 0)
		log_error("The kernel: %s. The firewall goes on", text);
	memcpy(problem, text, sizeof(text));
}

static int attach(struct agent *agent, unsigned int which, int fd, bool fresh)
{
	int error;

	if (fd < 0)
		return 0;
	/* Not the one for tables: see watch_pause(). */
	if (fresh && which != HELPER_FD_TABLES)
		manager_keep(fd, socket_names[which]);
	error = observer_attach(agent->watch.observer, which, fd);
	if (!error)
		return 0;
	manager_forget(socket_names[which]);
	log_warning("The %s socket can't be used: %s", socket_names[which],
		    strerror(-error));
	return error;
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

static void take_socket(struct agent *agent, const struct question *question)
{
	bool tables = question->which == HELPER_FD_TABLES, before = watching(agent);

	if (tables && agent->force.running) {
		close(question->fd);
		return;
	}
	if (attach(agent, question->which, question->fd, true) < 0)
		agent->watch.retry_at[question->which] = clock_s() + RETRY_S;
	if (tables && !question->tag[0])
		note_removal(agent);
	if (!before && watching(agent))
		recorder_start(agent->recorder);
}

static void answered(struct job *job)
{
	auto_free struct question *question = (struct question *)job;
	struct agent *agent = question->agent;
	struct watch *watch = &agent->watch;
	bool dump = question->which == THE_DUMP;

	watch->asked--;
	if (question->error) {
		note_problem(agent, question);
		if (dump)
			observer_dump_cancel(watch->observer);
		else if (question->error != -ENOTCONN)
			watch->retry_at[question->which] = clock_s() + RETRY_S;
	} else {
		watch->problems[question->which][0] = '\0';
		if (dump)
			observer_dump_take(watch->observer, question->fd);
		else
			take_socket(agent, question);
	}
	connection_check(agent);
	watch_check(agent);
}

static void ask(struct agent *agent, unsigned int which)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return;
	question->job = (struct job){ .run = ask_helper, .done = answered };
	question->agent = agent;
	question->which = which;
	question->fd = -1;
	question->error = -ENOTCONN;
	if (which == THE_DUMP) {
		observer_drain(agent->watch.observer);
		observer_dump_begin(agent->watch.observer);
		agent->watch.gap = false;
		agent->watch.dumped_at = clock_s();
	}
	agent->watch.asked++;
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

void watch_check(struct agent *agent)
{
	uint32_t missing = observer_missing(agent->watch.observer);

	/* An attempt to enforce goes first: its transaction is worth more. */
	if (!agent->connection.up || agent->watch.asked || agent->force.running)
		return;
	for (unsigned int i = 0; i < SOCKETS_MAX; i++)
		if (missing & 1u << i && clock_s() >= agent->watch.retry_at[i]) {
			ask(agent, i);
			return;
		}
	if (dump_is_due(agent))
		ask(agent, THE_DUMP);
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

	if (error < 0)
		return error;
	recorder_set_drain(agent->recorder, drain, agent->watch.observer);
	attach_inherited(agent, inherited);
	error = sd_event_add_time_relative(agent->event, &agent->watch.tick,
					   CLOCK_MONOTONIC, TICK_US, 0, on_tick, agent);
	/* Queued before the first attempt to enforce, so that what the new rules decide
	   is heard from the first packet on. */
	for (unsigned int i = 0; i < HELPER_FD_TABLES && error >= 0; i++)
		if (observer_missing(agent->watch.observer) & 1u << i)
			ask(agent, i);
	return error;
}

void watch_done(struct agent *agent)
{
	sd_event_source_disable_unref(agent->watch.tick);
	observer_free(agent->watch.observer);
	aggregate_free(agent->watch.aggregate);
}
