/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the running agent is made of. Only the event loop touches it; jobs of the
 * worker get what they need lent and touch nothing else.
 *
 *   connection.c  keeps the helper connected
 *   force.c       brings policies into force, one after the other
 *   watch.c       has the kernel observed, and dumped from time to time
 *   settle.c      tells those who wait how it ended
 *   refresh.c     looks at feeds and at the clock
 *   methods.c, status.c, rules.c, follow.c  answer callers
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "agent/candidate.h"
#include "agent/control.h"
#include "agent/journal.h"
#include "agent/link.h"
#include "agent/naming.h"
#include "agent/numbers.h"
#include "agent/observer.h"
#include "agent/options.h"
#include "agent/recorder.h"
#include "agent/worker.h"
#include "base/fault.h"
#include "observe/aggregate.h"

enum { SOCKETS_MAX = 3, FOLLOWERS_MAX = 16, RULES_WAITING_MAX = 4 };

/* Files of the agent. */
struct paths {
	char *helper, *control;   /* sockets */
	char *database, *numbers; /* of the state directory, like those below */
	char *committed;          /* what was enforced last */
	char *feeds;              /* directory: last good copies */
};

struct connection {
	struct link link;
	bool up;           /* as the last job left it */
	unsigned int made; /* of the link, likewise */
	bool told;         /* that there is none */
	char problem[256]; /* why there is none, likewise; or "" */
	sd_event_source *watch;
	sd_event_source *retry;
	uint64_t backoff_us;
	bool trying;
};

/* The last attempt to enforce a policy, when it failed. */
struct failure {
	bool set;
	bool again; /* it was to enforce once more what is in force */
	char *path;
	int64_t time;
	char text[512];
	struct faults faults;
};

enum table_state { TABLE_UNKNOWN, TABLE_PRESENT, TABLE_REMOVED };

/* Attempts go one at a time, in their order. */
struct force {
	struct apply *running;
	struct apply *first; /* those that wait */
	size_t waiting;
	bool tried;                  /* one has ended, well or not */
	unsigned int made;           /* the link that it had */
	bool wanted;                 /* try again when the helper is back */
	bool empty;                  /* the last to fail found no rules in the kernel */
	bool stands;                 /* the policy asked for last is enforced */
	bool ready;                  /* the manager was told */
	bool owed;                   /* a reload that found no place yet */
	struct candidate *committed; /* enforced, or NULL when not known */
	int64_t committed_at;        /* seconds since 1970 */
	struct faults warnings;      /* about it */
	struct numbering *numbering;
	struct numbers_file numbers; /* for jobs only */
	char numbers_problem[160];   /* why they are not on the disk, or "" */
	struct failure failure;
	enum table_state table;
};

struct watch {
	struct aggregate *aggregate;
	struct observer *observer;
	char problems[SOCKETS_MAX + 1][320]; /* what the kernel refuses, or ""; the
					       last is a dump */
	int64_t retry_at[SOCKETS_MAX]; /* monotonic s: no sooner ask for it again */
	unsigned int asked; /* jobs for a socket or for a dump that are under way */
	bool gap;           /* events were missed: a dump is wanted */
	int64_t dumped_at;  /* monotonic s, 0: never */
	sd_event_source *tick;
	enum knowledge told_accounting, told_events;
};

struct refresh {
	sd_event_source *tick;
	int64_t *feeds_at; /* monotonic s, by feed of the policy in force: when it is to
			      be read again; 0: never */
	size_t feed_count;
	int32_t utc_offset_s; /* that was tried last */
	int64_t retry_at;     /* monotonic s: no sooner after a failure, 0: none */
	int64_t backoff_s;
};

struct agent {
	struct options options;
	struct paths paths;
	sd_event *event;
	struct worker *worker;
	struct connection connection;
	struct force force;
	struct naming *names;
	struct watch watch;
	struct recorder *recorder;
	struct refresh refresh;
	struct journal journal;
	struct call *followers[FOLLOWERS_MAX];
	struct call *waiting[CONTROL_CLIENTS_MAX]; /* see settle_wait() */
	size_t rules_waiting;                      /* questions under way */
	struct control_service service;
	struct control *control;
	int64_t started; /* monotonic s */
};

/* Descriptors that the manager passed; -1 where it passed none. */
struct inherited {
	int helper, control;
	int sockets[SOCKETS_MAX]; /* by HELPER_FD_* */
};

/**
 * agent_init() - Open all that needs no helper, and begin
 * @agent:     zero
 * @inherited: taken over
 *
 * Return: 0 or -errno, told in the log. Either way agent_done() releases.
 */
int agent_init(struct agent *agent, const struct options *options,
	       struct inherited *inherited, sd_event *event);

/** agent_close_database() - Write what is left and let go of the database. */
void agent_close_database(struct agent *agent);

/** agent_done() - Final checkpoint, then release. A job that is under way is waited
 * for, so the program itself ends without this call. */
void agent_done(struct agent *agent);

/** agent_tell() - Tell the manager in one sentence how things stand. */
void agent_tell(struct agent *agent);

/** agent_sentence() - The sentence. */
void agent_sentence(const struct agent *agent, char *out, size_t out_bytes);

/* connection.c */

/** connection_start() - Connect, and again whenever the helper is gone. */
int connection_start(struct agent *agent);

/** connection_check() - A job that used the link is done: notice what became of it. */
void connection_check(struct agent *agent);

void connection_done(struct agent *agent);

/* force.c */

enum force_kind {
	FORCE_FILE,  /* read the policy file */
	FORCE_TEXT,  /* what a caller gives */
	FORCE_AGAIN, /* the text in force: feeds, or the offset to UTC, may have changed
		      */
};

struct force_request {
	enum force_kind kind;
	const char *text; /* FORCE_TEXT, borrowed like @path */
	size_t text_bytes;
	const char *path;
	const bool *feeds_due; /* FORCE_AGAIN: which to read, borrowed, by feed of the
				  policy in force; NULL: all */
	bool dry_run;
	bool afresh;       /* somebody asked for it, see struct candidate */
	struct call *call; /* who waits, or NULL */
};

/**
 * force_ask() - Queue an attempt
 *
 * Return: 0, -EBUSY when too many wait, or -ENOMEM; then the call is not answered.
 */
int force_ask(struct agent *agent, const struct force_request *request);

/** force_reload() - Read the policy file again; somebody asked, who hears of it by
 * settle.c alone. One attempt that has yet to begin does for all who ask meanwhile. */
void force_reload(struct agent *agent);

/** force_keep_numbers() - Try again to write them, when they could not be. */
void force_keep_numbers(struct agent *agent);

void force_done(struct agent *agent);

/* settle.c */

/** settle_manager() - An attempt has ended: tell the manager. */
void settle_manager(struct agent *agent, const struct apply *apply);

/** settle_check() - Answer who waits, when no attempt is under way. */
void settle_check(struct agent *agent);

/** settle_wait() - Answer with the status once no attempt is under way. */
void settle_wait(struct agent *agent, struct call *call);

/** settle_done() - Let go of who waits. */
void settle_done(struct agent *agent);

/* watch.c */

int watch_start(struct agent *agent, struct inherited *inherited);

/** watch_check() - Ask the helper for what is missing: sockets, or a dump. */
void watch_check(struct agent *agent);

/** watch_pause() - Rules are about to change: hear nothing of tables until
 * watch_check().
 */
void watch_pause(struct agent *agent);

/** watch_adopt() - Another policy is in force. */
void watch_adopt(struct agent *agent);

void watch_done(struct agent *agent);

/* refresh.c */

int refresh_start(struct agent *agent);

/** refresh_adopt() - Another policy is in force, or the same with other feeds.
 * @all: all feeds were read just now */
void refresh_adopt(struct agent *agent, bool all);

/** refresh_failed() - What is in force could not be enforced again.
 * @due: the feeds that were to be read, NULL for all */
void refresh_failed(struct agent *agent, const bool *due);

void refresh_done(struct agent *agent);

/* answers */

/** methods_service() - The methods of io.vigil.Agent. */
struct control_service methods_service(struct agent *agent);

/** status_answer() - How things stand at this moment; ends the call. */
void status_answer(struct call *call, struct agent *agent);

/* They run a method each, see struct control_method; @context is the agent. */
void status_get(struct call *call, void *context);
void rules_get(struct call *call, void *context);
void follow_start(struct call *call, void *context);

/** follow_publish() - Tell all who follow. */
void follow_publish(struct agent *agent, const struct flow *flow,
		    const struct name *name);

/** answers_faults() - As JSON, or NULL without memory. */
json_t *answers_faults(const struct faults *faults, const char *path);

/** answers_policy() - What is in force, as JSON; null when nothing is. */
json_t *answers_policy(const struct agent *agent);
