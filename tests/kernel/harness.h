/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests on the real kernel share: fresh namespaces, neighbours behind veth pairs,
 * and the real helper on a socket pair. Nothing of the host is touched. A step that
 * can't be taken ends the test with a sentence; a kernel that forbids user namespaces
 * ends it as skipped.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
	HARNESS_UID = 64999, /* the helper's, in tests */
};

/**
 * harness_enter() - Move this process to a fresh network namespace, loopback up
 *
 * As root only a network namespace is made. As anyone else, or with VIGIL_USERNS=1 in
 * the environment, a user namespace as well, in which this process is HARNESS_UID with
 * every capability, passed on to the programs it starts. Call it first in main(), while
 * there is one thread. May be called again for another fresh network namespace.
 */
void harness_enter(void);

/** harness_in_userns() - Whether harness_enter() made a user namespace. */
bool harness_in_userns(void);

/** harness_run() - Run a shell command here. Return: its exit status, 128 + N when
 * signal N ended it. */
int harness_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** harness_must() - The same, and ends the test unless the status is 0. */
void harness_must(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** harness_capture() - Its standard output, which the caller frees; ends the test
 * unless the status is 0. */
char *harness_capture(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * harness_neighbour() - Another network namespace behind a veth pair
 * @interface: name of this side's end; the other is called "eth0"
 *
 * Both ends are up and have no address (use "ip addr add ... nodad" for IPv6). The
 * namespace is held by a child that dies with this process.
 *
 * Return: the child's pid, for the two below and harness_end().
 */
pid_t harness_neighbour(const char *interface);

/** harness_run_in(), harness_must_in() - The same in a neighbour's namespace. */
int harness_run_in(pid_t neighbour, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void harness_must_in(pid_t neighbour, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** harness_visit() - In a forked child: move to a neighbour's network namespace. */
void harness_visit(pid_t neighbour);

/**
 * harness_helper() - Start the vigil-helper of this build in this network namespace
 * @pid: set to its process, which also ends by itself when the socket is closed
 *
 * It runs as HARNESS_UID with CAP_NET_ADMIN alone. The test is in build/tests/kernel/
 * and the helper in build/.
 *
 * Return: our end of its socket, close-on-exec; say hello first.
 */
int harness_helper(pid_t *pid);

/** harness_helper_on() - The same with @fd (connected or listening, borrowed) as its
 * socket. Return: its pid. */
pid_t harness_helper_on(int fd);

/** harness_path() - "build/NAME" of this build, in a static buffer. */
const char *harness_path(const char *name);

/** harness_end() - End a child by SIGTERM and wait. Return: as harness_run(). */
int harness_end(pid_t pid);
