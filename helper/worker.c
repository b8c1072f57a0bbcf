/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/wire.h"

enum { TIME_LIMIT_S = 120, MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024 };

/* The shadow of a sanitizer counts as data. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void __attribute__((noreturn)) child(struct work *work, int answer)
{
	struct rlimit memory = { MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES },
		      none = { 0, 0 };
	struct helper_reply reply = { 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    (!SANITIZED && setrlimit(RLIMIT_DATA, &memory) < 0))
		_exit(1);
	/* An unhandled alarm is fatal, which nf_tables looks for in its long loops. */
	alarm(TIME_LIMIT_S);
	/* Safe: sealed, so neither its contents nor its size can change now. */
	if (work->payload_bytes)
		work->payload = mmap(NULL, work->payload_bytes, PROT_READ, MAP_PRIVATE,
				     work->fd, 0);
	if (work->payload == MAP_FAILED)
		_exit(1);
	work->perform(work, &reply);
	_exit(write(answer, &reply, sizeof(reply)) != sizeof(reply));
}

void worker_run(struct work *work, struct helper_reply *reply)
{
	int ends[2], status = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0) {
		wire_refuse(reply, -errno, "can't start a worker");
		return;
	}
	if (pid == 0)
		child(work, ends[1]);
	close(ends[1]);
	got = read(ends[0], reply, sizeof(*reply));
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (got == sizeof(*reply))
		return;
	if (WIFSIGNALED(status))
		wire_refuse(reply, WTERMSIG(status) == SIGALRM ? -ETIME : -EIO,
			    "the worker was ended by signal %d", WTERMSIG(status));
	else
		wire_refuse(reply, -ENOMEM, "the worker gave up, likely out of memory");
}
