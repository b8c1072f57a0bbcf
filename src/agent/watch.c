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

static const char *const socket_names[SOCKETS_MAX] = {
	[HELPER_FD_CONNTRACK] = "conntrack",
	[HELPER_FD_LOG] = "log",
	[HELPER_FD_TABLES] = "tables",
};

struct question {
	struct job job;
	struct agent *agent;
	uint32_t wanted; /* sockets; 0: a dump */
	int error;
	struct helper_refusal refusal;
	struct helper_sockets sockets;
	int dump; /* descriptor, or -1 */
};

static void ask_helper(struct job *job)
{
	struct question *question = (struct question *)job;
	struct link *link = &question->agent->connection.link;
	int helper = link_use(link);

	if (helper < 0) {
		question->error = -ENOTCONN;
		return;
	}
	if (question->wanted) {
		question->error =
			helper_observe(helper, question->wanted, &question->sockets,
				       &question->refusal);
	} else {
		question->dump =
			helper_dump(helper, HELPER_DUMP_CONNTRACK, &question->refusal);
		question->error = question->dump < 0 ? question->dump : 0;
	}
	link_check(link, question->error);
}

static void note_problem(struct agent *agent, const struct question *question)
{
	const char *why = question->refusal.text[0] ? question->refusal.text
						    : strerror(-question->error);
	char problem[sizeof(agent->watch.problem)];

	if (question->error == -ENOTCONN)
		return;
	snprintf(problem, sizeof(problem), "%s: %s",
		 question->wanted ? "connections can't be observed"
				  : "connections can't be listed",
		 why);
	if (strcmp(problem, agent->watch.problem) != 0)
		log_error("The kernel: %s. The firewall goes on", problem);
	memcpy(agent->watch.problem, problem, sizeof(problem));
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

static bool watching(const struct agent *agent)
{
	return !(observer_missing(agent->watch.observer) & 1u << HELPER_FD_CONNTRACK);
}

static void take_sockets(struct agent *agent, struct question *question)
{
	bool before = watching(agent);

	attach(agent, HELPER_FD_CONNTRACK, question->sockets.conntrack, true);
	attach(agent, HELPER_FD_LOG, question->sockets.log, true);
	if (agent->force.running && question->sockets.tables >= 0)
		close(take_fd(question->sockets.tables));
	attach(agent, HELPER_FD_TABLES, question->sockets.tables, true);
	if (!before && watching(agent))
		recorder_start(agent->recorder);
}

static void answered(struct job *job)
{
	auto_free struct question *question = (struct question *)job;
	struct agent *agent = question->agent;

	agent->watch.asked = false;
	if (question->error) {
		note_problem(agent, question);
		if (!question->wanted)
			observer_dump_cancel(agent->watch.observer);
	} else {
		agent->watch.problem[0] = '\0';
		if (question->wanted)
			take_sockets(agent, question);
		else
			observer_dump_take(agent->watch.observer, question->dump);
		watch_check(agent);
	}
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
	question->dump = -1;
	question->error = -ENOTCONN;
	if (!wanted) {
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

	if (!watching(agent) || observer_dumping(watch->observer))
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
	if (missing)
		ask(agent, missing);
	else if (dump_is_due(agent))
		ask(agent, 0);
}

/* Say once what the kernel does not tell, and again when it begins to. */
static void tell_knowledge(struct agent *agent)
{
	struct observer_counts counts = observer_counts(agent->watch.observer);
	struct watch *watch = &agent->watch;

	if (counts.accounting != watch->told_accounting) {
		watch->told_accounting = counts.accounting;
		if (counts.accounting == KNOWN_OFF)
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
	watch_check(agent);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static uint32_t number_of_mark(const struct agent *agent, uint32_t mark)
{
	const struct candidate *committed = agent->force.committed;
	uint32_t mask = committed ? committed->image->mark_mask : 0;

	return mask ? (mark & mask) >> __builtin_ctz(mask) : NUMBER_NONE;
}

static void on_flow(const struct flow *flow, void *context)
{
	struct agent *agent = context;
	uint32_t number = flow->event == FLOW_PACKET
				  ? flow->number
				  : number_of_mark(agent, flow->mark);
	struct name name = naming_find(agent->names, number);

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

static void on_table_gone(void *context)
{
	struct agent *agent = context;

	if (agent->force.table != TABLE_PRESENT)
		return;
	agent->force.table = TABLE_REMOVED;
	log_error("Somebody removed table inet %s: nothing is enforced until the next "
		  "reload",
		  TABLE_NAME);
	agent_tell(agent);
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
		.on_table_gone = on_table_gone,
		.context = agent,
	};
	int error = observer_new(agent->event, agent->watch.aggregate, &handlers,
				 &agent->watch.observer);
	uint32_t missing;

	if (error < 0)
		return error;
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
