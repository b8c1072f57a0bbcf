/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the event sockets that the helper has passed, and dumps. What it hears goes
 * into the aggregate, and live to whoever listens. What is lost is counted, never
 * hidden.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "helper/protocol.h"
#include "observe/aggregate.h"
#include "observe/flow.h"

struct observer_handlers {
	/* Each event as it comes; of a dump, none. */
	void (*on_flow)(const struct flow *flow, void *context);
	/* The kernel lost events: ask for a recovering dump. */
	void (*on_loss)(void *context);
	/* Something else was missed: a message was not understood. */
	void (*on_gap)(void *context);
	/* A socket failed and is closed. @which: HELPER_FD_* */
	void (*on_failure)(unsigned int which, void *context);
	/* Somebody changed the tables while nobody of ours did. */
	void (*on_table_gone)(void *context);
	void *context;
};

struct observer_counts {
	uint64_t events;     /* heard */
	uint64_t lost;       /* times the kernel said that it had no room for events */
	uint64_t malformed;  /* messages that were not understood */
	uint64_t per_second; /* events in the last whole second */
	uint64_t dumps;      /* that were whole */
	enum knowledge events_on; /* whether conntrack speaks at all */
};

struct observer;

/** observer_new() - @aggregate and @handlers are borrowed. Return: 0 or -errno. */
int observer_new(sd_event *event, struct aggregate *aggregate,
		 const struct observer_handlers *handlers, struct observer **ret);
void observer_free(struct observer *observer);

/**
 * observer_attach() - Listen on a socket
 * @which: HELPER_FD_*
 * @fd:    taken over, also on failure
 *
 * Return: 0, -EINVAL when it is no such socket or not in the multicast groups that it
 * is to hear (NETLINK_LIST_MEMBERSHIPS, netlink(7)), or -errno.
 */
int observer_attach(struct observer *observer, unsigned int which, int fd);

/** observer_detach() - Close a socket. */
void observer_detach(struct observer *observer, unsigned int which);

/** observer_missing() - Return: mask of the HELPER_FD_* that are not attached. */
uint32_t observer_missing(const struct observer *observer);

/** observer_drain() - Take in what is queued now, before a dump is asked for. */
void observer_drain(struct observer *observer);

/**
 * observer_dump_begin() - A dump of conntrack is about to be asked for
 *
 * Until a dump was whole, connections that it holds were there before; after that,
 * those that are not known have begun unheard.
 */
void observer_dump_begin(struct observer *observer);

/** observer_dump_take() - Read it from @fd, which is taken over, also on failure.
 * Return: 0 or -errno; then the dump has ended. */
int observer_dump_take(struct observer *observer, int fd);

/** observer_dump_cancel() - It could not be asked for. */
void observer_dump_cancel(struct observer *observer);

/** observer_dump_expire() - End it if the kernel has long been silent. */
void observer_dump_expire(struct observer *observer);

/** observer_dumping() - From the beginning of a dump to its end. */
bool observer_dumping(const struct observer *observer);

struct observer_counts observer_counts(const struct observer *observer);
