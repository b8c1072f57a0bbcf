/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread for what takes long: compiling a large policy, and every question to the
 * helper. The event loop never waits for either, so no event is lost and no caller
 * unheard while a million elements are on their way.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

/* Embedded at the beginning of what a job needs. */
struct job {
	struct job *next;
	void (*run)(struct job *job);  /* in the thread */
	void (*done)(struct job *job); /* in the loop, afterwards; releases the job */
};

struct worker;

/** worker_new() - Start the thread. Return: 0 or -errno. */
int worker_new(sd_event *event, struct worker **ret);

/** worker_free() - End the thread after the job under way; waiting jobs are done()
 * without having run. */
void worker_free(struct worker *worker);

/** worker_add() - Queue a job; jobs run one at a time, in their order. */
void worker_add(struct worker *worker, struct job *job);

/** worker_idle() - Whether no job waits, runs, or is to be done(). */
bool worker_idle(const struct worker *worker);
