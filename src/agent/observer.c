/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/observer.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/receive.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "compile/compile.h"
#include "observe/decode.h"
#include "observe/netlink.h"

enum {
	SOCKETS = 3,
	/* Batches per wake-up: what is more urgent comes in between. */
	ROUNDS = 16,
	ROUNDS_OF_DRAIN = 8192,
	DUMP_SILENCE_S = 30,
};

#define GROUP(number) (1U << ((number)-1))

struct source {
	int fd; /* -1: not attached */
	sd_event_source *source;
};

struct observer {
	sd_event *event;
	struct aggregate *aggregate;
	struct observer_handlers handlers;
	struct receiver *receiver;
	struct source sockets[SOCKETS];
	struct source dump;
	bool dump_interrupted, dump_done, dump_failed;
	uint64_t live_before_dump;
	uint64_t heard_before_dump; /* conntrack events until the last dump's end */
	bool dumping;
	int64_t dump_heard_at; /* monotonic s */
	uint64_t heard;        /* conntrack events */
	struct observer_counts counts;
	int64_t second; /* monotonic, of @events_of_second */
	uint64_t events_of_second;
};

static void detach(struct source *source)
{
	source->source = sd_event_source_disable_unref(source->source);
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}

int observer_new(sd_event *event, struct aggregate *aggregate,
		 const struct observer_handlers *handlers, struct observer **ret)
{
	struct observer *observer = calloc(1, sizeof(*observer));

	if (!observer)
		return -ENOMEM;
	observer->receiver = receiver_new();
	if (!observer->receiver) {
		free(observer);
		return -ENOMEM;
	}
	observer->event = event;
	observer->aggregate = aggregate;
	observer->handlers = *handlers;
	for (size_t i = 0; i < SOCKETS; i++)
		observer->sockets[i].fd = -1;
	observer->dump.fd = -1;
	*ret = observer;
	return 0;
}

void observer_free(struct observer *observer)
{
	if (!observer)
		return;
	for (size_t i = 0; i < SOCKETS; i++)
		detach(&observer->sockets[i]);
	detach(&observer->dump);
	receiver_free(observer->receiver);
	free(observer);
}

/* Events of the second that is over, for a rate that means something. */
static void count_event(struct observer *observer)
{
	int64_t now = clock_s();

	if (now != observer->second) {
		observer->counts.per_second =
			now == observer->second + 1 ? observer->events_of_second : 0;
		observer->second = now;
		observer->events_of_second = 0;
	}
	observer->events_of_second++;
	observer->counts.events++;
}

static void on_event(const struct flow *flow, void *context)
{
	struct observer *observer = context;

	count_event(observer);
	aggregate_add(observer->aggregate, flow);
	observer->handlers.on_flow(flow, observer->handlers.context);
}

static void on_conntrack_event(const struct flow *flow, void *context)
{
	struct observer *observer = context;

	observer->heard++;
	observer->counts.events_on = KNOWN_ON;
	on_event(flow, observer);
}

static void note_malformed(struct observer *observer, uint32_t malformed)
{
	if (!malformed)
		return;
	if (!observer->counts.malformed)
		log_warning("A message of the kernel was not understood. This minute "
			    "is marked incomplete");
	observer->counts.malformed += malformed;
	observer->handlers.on_gap(observer->handlers.context);
}

static void on_conntrack_datagram(const void *data, size_t size_bytes, void *context)
{
	struct observer *observer = context;
	struct decode_summary summary =
		decode_conntrack(data, size_bytes, on_conntrack_event, observer);

	note_malformed(observer, summary.malformed);
}

static void on_log_datagram(const void *data, size_t size_bytes, void *context)
{
	struct observer *observer = context;
	struct decode_summary summary =
		decode_log(data, size_bytes, on_event, observer);

	note_malformed(observer, summary.malformed);
}

static enum message_result on_table_message(const struct message *message,
					    void *context)
{
	struct observer *observer = context;
	struct bytes table[NFTA_TABLE_MAX + 1];
	const char *name;

	if (message->type != NFT_MSG_DELTABLE || message->family != NFPROTO_INET)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, table, NFTA_TABLE_MAX + 1))
		return MESSAGE_MALFORMED;
	name = bytes_text(table[NFTA_TABLE_NAME]);
	if (name && strcmp(name, TABLE_NAME) == 0)
		observer->handlers.on_table_gone(observer->handlers.context);
	return MESSAGE_TAKEN;
}

static void on_tables_datagram(const void *data, size_t size_bytes, void *context)
{
	netlink_each(data, size_bytes, NFNL_SUBSYS_NFTABLES, on_table_message, context);
}

static const struct {
	const char *name;
	receive_on_datagram on_datagram;
	int64_t priority;
	uint32_t groups; /* that it has joined; a log's group is no multicast group */
} kinds[SOCKETS] = {
	[HELPER_FD_CONNTRACK] = { "conntrack", on_conntrack_datagram, 0,
				  GROUP(NFNLGRP_CONNTRACK_NEW) |
					  GROUP(NFNLGRP_CONNTRACK_DESTROY) },
	[HELPER_FD_LOG] = { "packet log", on_log_datagram, 0, 0 },
	[HELPER_FD_TABLES] = { "table", on_tables_datagram, 1,
			       GROUP(NFNLGRP_NFTABLES) },
};

static void fail(struct observer *observer, unsigned int which, int error)
{
	log_error("The %s socket failed: %s", kinds[which].name, strerror(-error));
	detach(&observer->sockets[which]);
	observer->handlers.on_failure(which, observer->handlers.context);
}

static void take_in(struct observer *observer, unsigned int which, int rounds)
{
	struct source *socket = &observer->sockets[which];

	for (int i = 0; i < rounds; i++) {
		int count = receive(observer->receiver, socket->fd,
				    kinds[which].on_datagram, observer);

		/* Among lost notices of tables may be the one that matters: a new
		   socket begins with a look at the table. */
		if (count == -ENOBUFS && which != HELPER_FD_TABLES) {
			observer->counts.lost++;
			observer->handlers.on_loss(observer->handlers.context);
			continue;
		}
		if (count < 0)
			fail(observer, which, count);
		if (count < RECEIVE_BATCH)
			return;
	}
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct observer *observer = context;

	(void)source;
	(void)events;
	for (unsigned int i = 0; i < SOCKETS; i++)
		if (observer->sockets[i].fd == fd)
			take_in(observer, i, ROUNDS);
	return 0;
}

static bool is_netfilter_socket(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t size = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
	    domain != AF_NETLINK)
		return false;
	size = sizeof(protocol);
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

/* Who left it in the manager's store may have wished that its successor hears nothing.
 */
static bool hears(int fd, uint32_t groups)
{
	uint32_t joined = 0;
	socklen_t size = sizeof(joined);

	return getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &joined, &size) ==
		       0 &&
	       (joined & groups) == groups;
}

int observer_attach(struct observer *observer, unsigned int which, int fd)
{
	struct source *socket = &observer->sockets[which];
	int error;

	if (!is_netfilter_socket(fd) || !hears(fd, kinds[which].groups)) {
		close(fd);
		return -EINVAL;
	}
	detach(socket);
	socket->fd = fd;
	error = sd_event_add_io(observer->event, &socket->source, fd, EPOLLIN,
				on_socket, observer);
	if (error >= 0)
		error = sd_event_source_set_priority(socket->source,
						     kinds[which].priority);
	if (error < 0)
		detach(socket);
	return error < 0 ? error : 0;
}

void observer_detach(struct observer *observer, unsigned int which)
{
	detach(&observer->sockets[which]);
}

uint32_t observer_missing(const struct observer *observer)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < SOCKETS; i++)
		if (observer->sockets[i].fd < 0)
			mask |= 1u << i;
	return mask;
}

void observer_drain(struct observer *observer)
{
	for (unsigned int i = 0; i < SOCKETS; i++)
		if (observer->sockets[i].fd >= 0)
			take_in(observer, i, ROUNDS_OF_DRAIN);
}

static void on_running(const struct flow *flow, void *context)
{
	struct observer *observer = context;

	aggregate_add(observer->aggregate, flow);
}

static void on_dump_datagram(const void *data, size_t size_bytes, void *context)
{
	struct observer *observer = context;
	struct decode_summary summary =
		decode_conntrack(data, size_bytes, on_running, observer);

	observer->counts.malformed += summary.malformed;
	observer->dump_interrupted |= summary.interrupted;
	observer->dump_done |= summary.done;
	observer->dump_failed |= summary.error != 0;
}

/* A connection that a dump brings and no event told of: conntrack keeps silent. */
static void note_silence(struct observer *observer)
{
	uint64_t live = aggregate_counts(observer->aggregate).live;
	bool silent;

	/* The event of the youngest connection may still wait to be read. */
	if (observer->sockets[HELPER_FD_CONNTRACK].fd >= 0)
		take_in(observer, HELPER_FD_CONNTRACK, ROUNDS);
	silent = observer->counts.dumps > 1 &&
		 observer->heard == observer->heard_before_dump &&
		 live > observer->live_before_dump;

	if (silent)
		observer->counts.events_on = KNOWN_OFF;
	observer->heard_before_dump = observer->heard;
}

static void end_dump(struct observer *observer, bool whole)
{
	aggregate_dump_end(observer->aggregate, whole);
	observer->dumping = false;
	detach(&observer->dump);
	if (!whole)
		return;
	observer->counts.dumps++;
	note_silence(observer);
}

static int on_dump(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct observer *observer = context;

	(void)source;
	(void)events;
	observer->dump_heard_at = clock_s();
	for (int i = 0; i < ROUNDS; i++) {
		int count = receive(observer->receiver, fd, on_dump_datagram, observer);

		if (count < 0 || observer->dump_failed) {
			end_dump(observer, false);
			return 0;
		}
		if (observer->dump_done) {
			end_dump(observer, !observer->dump_interrupted);
			return 0;
		}
		if (count == 0)
			return 0;
	}
	return 0;
}

void observer_dump_begin(struct observer *observer)
{
	observer->dumping = true;
	observer->dump_done = observer->dump_failed = observer->dump_interrupted =
		false;
	observer->live_before_dump = aggregate_counts(observer->aggregate).live;
	aggregate_dump_begin(observer->aggregate, observer->counts.dumps > 0);
}

int observer_dump_take(struct observer *observer, int fd)
{
	int error;

	observer->dump.fd = fd;
	observer->dump_heard_at = clock_s();
	error = sd_event_add_io(observer->event, &observer->dump.source, fd, EPOLLIN,
				on_dump, observer);
	if (error >= 0)
		error = sd_event_source_set_priority(observer->dump.source, 2);
	if (error < 0)
		end_dump(observer, false);
	return error < 0 ? error : 0;
}

void observer_dump_cancel(struct observer *observer)
{
	end_dump(observer, false);
}

void observer_dump_expire(struct observer *observer)
{
	if (observer->dump.fd < 0 ||
	    clock_s() - observer->dump_heard_at <= DUMP_SILENCE_S)
		return;
	log_warning("The kernel did not end a list of connections: it is left");
	end_dump(observer, false);
}

bool observer_dumping(const struct observer *observer)
{
	return observer->dumping;
}

struct observer_counts observer_counts(const struct observer *observer)
{
	struct observer_counts counts = observer->counts;
	int64_t now = clock_s();

	if (now == observer->second + 1)
		counts.per_second = observer->events_of_second;
	else if (now != observer->second)
		counts.per_second = 0;
	return counts;
}
