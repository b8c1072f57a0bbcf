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
	if (question->which != THE_DUMP) {
		question->error =
			helper_observe(helper, 1u << question->which,
				       &question->sockets, &question->refusal);
	} else {
		question->dump =
			helper_dump(helper, HELPER_DUMP_CONNTRACK, &question->refusal);
		question->error = question->dump < 0 ? question->dump : 0;
	}
	link_check(link, question->error);
}

static void note_problem(struct agent *agent, const struct question *question)
{
	static const char *const what[] = {
		[HELPER_FD_CONNTRACK] = "connections can't be observed",
		[HELPER_FD_LOG] = "refused packets can't be observed",
		[HELPER_FD_TABLES] = "changes of tables can't be observed",
		[THE_DUMP] = "connections can't be listed",
	};
	char *problem = agent->watch.problems[question->which];
	const char *why = question->refusal.text[0] ? question->refusal.text
						    : strerror(-question->error);
	char text[sizeof(agent->watch.problems[0])];

	if (question->error == -ENOTCONN)
		return;
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
	if (error)
		log_warning("The %s socket can't be used: %s", socket_names[which],
			    strerror(-error));
	return error;
}

static bool watching(const struct agent *agent)
{
	return !(observer_missing(agent->watch.observer) & 1u << HELPER_FD_CONNTRACK);
}

static void take_socket(struct agent *agent, struct question *question)
{
	const struct helper_sockets *sockets = &question->sockets;
	const int fds[SOCKETS_MAX] = {
		[HELPER_FD_CONNTRACK] = sockets->conntrack,
		[HELPER_FD_LOG] = sockets->log,
		[HELPER_FD_TABLES] = sockets->tables,
	};
	int fd = fds[question->which];

	if (question->which == HELPER_FD_TABLES && agent->force.running && fd >= 0)
		close(fd);
	else if (attach(agent, question->which, fd, true) < 0)
		agent->watch.retry_at[question->which] = clock_s() + RETRY_S;
	if (question->which == HELPER_FD_CONNTRACK && watching(agent))
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
			observer_dump_take(watch->observer, question->dump);
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
	question->dump = -1;
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

	if (error < 0)
		return error;
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
