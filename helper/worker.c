/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/wire.h"

/* There only in a build with that sanitizer, whose shadow counts as data. */
extern void __asan_init(void) __attribute__((weak));

static void __attribute__((noreturn)) child(struct work *work, int answer)
{
	struct rlimit memory = { WORKER_DATA_MAX, WORKER_DATA_MAX }, none = { 0, 0 };
	struct helper_reply reply = { 0 };

	/* What it could do harm with beyond its own work: listener, peers, event
	 * sockets. */
	for (int fd = STDERR_FILENO + 1; fd < WORKER_FDS_MAX; fd++)
		if (fd != work->fd && fd != answer)
			close(fd);
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

/* Its own alarm ends a worker, unless it was taken over: then the helper ends instead,
 * by the parent-death signal all its workers, and its manager begins anew. */
static int wait_for(pid_t pid)
{
	struct pollfd process = { (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 };
	int status = 0;

	if (process.fd < 0 || poll(&process, 1, (WORKER_TIME_MAX_S + 10) * 1000) != 1)
		_exit(1);
	close(process.fd);
	waitpid(pid, &status, 0);
	/* Whoever has no parent any more comes to PID 1, which it is in a container. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void worker_run(struct work *work, struct helper_reply *reply)
{
	int ends[2] = { -1, -1 }, number;
	pid_t pid = pipe(ends) < 0 ? -1 : fork();

	if (pid == 0)
		child(work, ends[1]);
	if (pid < 0)
		wire_refuse(reply, -errno, "can't start a worker");
	close(ends[1]);
	/* The answer fits into a pipe, so a worker never waits for it to be read. */
	number = pid > 0 ? wait_for(pid) : 0;
	if (pid > 0 && read(ends[0], reply, sizeof(*reply)) != sizeof(*reply))
		wire_refuse(reply, number == SIGALRM ? -ETIME : -EIO,
			    "the worker ended without an answer, signal %d", number);
	close(ends[0]);
}
