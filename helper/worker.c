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

/* There only in a build with that sanitizer, whose shadow counts as data. */
extern void __asan_init(void) __attribute__((weak));

static void __attribute__((noreturn)) child(struct work *work, int answer)
{
	struct rlimit memory = { WORKER_DATA_MAX, WORKER_DATA_MAX }, none = { 0, 0 };
	struct helper_reply reply = { 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_NPROC, &none) < 0 ||
	    (!__asan_init && setrlimit(RLIMIT_DATA, &memory) < 0))
		_exit(1);
	/* An unhandled alarm is fatal, which nf_tables looks for in its long loops. */
	alarm(WORKER_TIME_MAX_S);
	/* Safe: sealed, so neither its contents nor its size can change now. */
	work->payload =
		mmap(NULL, work->payload_bytes, PROT_READ, MAP_PRIVATE, work->fd, 0);
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
	status = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (got != sizeof(*reply))
		wire_refuse(reply, status == SIGALRM ? -ETIME : -EIO,
			    "the worker ended without an answer, signal %d", status);
}
