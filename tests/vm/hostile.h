/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent that is an enemy. hostile.c runs what its orders say, and notes what it saw
 * as lines of "EXPECTATION, what, outcome", apart by tabs:
 *
 *   never   it is not to be possible: the outcome must not be "done"
 *   open    nobody promises that it is impossible
 *   design  it is possible, and the documentation says so
 *   holds   a promise: the outcome must be "done"
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Stands for the process id of somebody else in the arguments below. */
enum { SOMEBODY = -987654 };

struct attempt {
	const char *what; /* ends the sentence "a hostile agent ..." */
	long call;        /* a system call and its arguments, or ... */
	long arguments[6];
	int (*perform)(void); /* ... a function that returns 0 or an errno */
	/* This error too tells that nobody stood in the way: where to have done it
	   would be more than a test should. */
	int past;
	bool filtered; /* stopped by the agent's own filter, not by its unit */
};

/* hostile_files.c and hostile_calls.c; they end with an empty one. */
extern const struct attempt attempts_on_files[], attempts_on_calls[];

/** calls_prepare(), files_prepare() - Fill in what is known at run time only. */
void calls_prepare(void);
void files_prepare(pid_t somebody);

/** files_reach() - Note every file outside /proc that can be written, every socket that
 * can be connected to and every device that can be opened. */
void files_reach(FILE *seen);

/* hostile_helper.c: @fd is the connection to the helper, greeted. All note what they
 * saw. */

void helper_ask(int fd, FILE *seen);
void helper_refused(int fd, FILE *seen);
void helper_flood(int fd, FILE *seen);
void helper_sockets(int fd, FILE *seen);
void helper_pin(int fd, FILE *seen);
void helper_open_host(int fd, FILE *seen);
void helper_poison_store(int fd, FILE *seen);

/**
 * helper_endings() - Do what must end a connection, each on one of its own
 * @fds: not yet greeted
 */
void helper_endings(const int *fds, size_t count, FILE *seen);

/* hostile_exhaust.c: take of something until it is refused. */

void exhaust_processes(FILE *seen);
void exhaust_threads(FILE *seen);
void exhaust_memory(FILE *seen);
void exhaust_disk(FILE *seen);

/** note() - One line of what was seen; @error: 0 for "done", an errno, or minus the
 * number of a signal. */
void note(FILE *seen, const char *expectation, const char *what, int error);
