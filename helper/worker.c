/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "helper/cleanup.h"
#include "helper/wire.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* The sanitizer's shadow counts as data, so its build runs without that limit. */
static void restrain(const struct work *work)
{
	struct rlimit memory = { work->memory_bytes, work->memory_bytes };
	struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    (!SANITIZED && setrlimit(RLIMIT_DATA, &memory) < 0))
		_exit(1);
	/* An unhandled alarm is fatal, which nf_tables looks for in its long loops. */
	alarm(work->limit_s);
}

static void __attribute__((noreturn)) child(struct work *work, int answer)
{
	struct helper_reply reply = { 0 };

	restrain(work);
	if (work->payload_bytes) {
		/* Safe: sealed, so neither its contents nor its size can change now. */
		work->payload = mmap(NULL, work->payload_bytes, PROT_READ, MAP_PRIVATE,
				     work->fd, 0);
		if (work->payload == MAP_FAILED)
			_exit(1);
	}
	work->perform(work, &reply);
	_exit(write(answer, &reply, sizeof(reply)) != sizeof(reply));
}

static void explain_end(int status, unsigned limit_s, struct helper_reply *reply)
{
	*reply = (struct helper_reply){ 0 };
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		wire_refuse(reply, -ETIME, "it took longer than %u s", limit_s);
	else if (WIFSIGNALED(status))
		wire_refuse(reply, -EIO, "the worker was ended by signal %d",
			    WTERMSIG(status));
	else
		wire_refuse(reply, -ENOMEM, "the worker gave up, likely out of memory");
}

void worker_run(struct work *work, struct helper_reply *reply)
{
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0) {
		wire_refuse(reply, -errno, "can't start a worker");
		return;
	}
	if (pid == 0)
		child(work, ends[1]);
	close(ends[1]);
	do
		got = read(ends[0], reply, sizeof(*reply));
	while (got < 0 && errno == EINTR);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got != sizeof(*reply))
		explain_end(status, work->limit_s, reply);
}
