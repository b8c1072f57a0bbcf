/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How it is done. The parent forks; the child unshares its user and network namespace
 * and waits; the parent writes the id maps, opens the namespaces and lets it go on; the
 * child keeps CAP_NET_ADMIN as an ambient capability and becomes vigil-helper. Each
 * step that fails in the child is reported through a pipe that a successful exec
 * closes.
 */
#include "trial/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	/* Not 0: vigil-helper refuses to be root, even where root means little. */
	INSIDE_ID = 64000,
	FIRST_PASSED_FD = 3, /* SD_LISTEN_FDS_START of sd_listen_fds(3) */
};

enum stage { STAGE_UNSHARED, STAGE_CAPABILITY, STAGE_EXEC };

struct report {
	enum stage stage;
	int error; /* 0 or -errno */
};

/* What the two sides of the fork share. */
struct start {
	const char *program;
	int reports[2]; /* child to parent */
	int go[2];      /* parent to child: a byte once the maps are written */
	int sockets[2]; /* [0] the parent's end, [1] the helper's */
	int log;
};

static void start_done(struct start *start)
{
	int *const all[] = { &start->reports[0], &start->reports[1], &start->go[0],
			     &start->go[1],      &start->sockets[0], &start->sockets[1],
			     &start->log };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		cleanup_fd(all[i]);
}

/* --- the child ------------------------------------------------------------------- */

static void tell(const struct start *start, enum stage stage, int error)
{
	struct report report = { .stage = stage, .error = error };

	if (write(start->reports[1], &report, sizeof(report)) != sizeof(report))
		_exit(1);
}

static _Noreturn void fail(const struct start *start, enum stage stage)
{
	tell(start, stage, -errno);
	_exit(1);
}

static int keep_net_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	data[0].permitted = data[0].effective = data[0].inheritable = 1U
								      << CAP_NET_ADMIN;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0
		       ? -errno
		       : 0;
}

/* Descriptors 0 to 3 as the helper wants them, and nothing that our caller left open.
 */
static int arrange_descriptors(const struct start *start)
{
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (close_range(FIRST_PASSED_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(start->log, STDERR_FILENO) < 0)
		return -errno;
	if (start->sockets[1] == FIRST_PASSED_FD)
		return fcntl(FIRST_PASSED_FD, F_SETFD, 0) < 0 ? -errno : 0;
	return dup2(start->sockets[1], FIRST_PASSED_FD) < 0 ? -errno : 0;
}

static _Noreturn void become_helper(const struct start *start)
{
	char pid[32];
	char *const arguments[] = { (char *)"vigil-helper", NULL };
	char *const environment[] = { (char *)"LISTEN_FDS=1", pid, NULL };
	/* Read before descriptor 3 is overwritten; it may be the program's. */
	int program = open(start->program, O_PATH | O_CLOEXEC);

	if (program >= 0 && program <= FIRST_PASSED_FD)
		program = fcntl(program, F_DUPFD_CLOEXEC, FIRST_PASSED_FD + 1);
	if (program < 0)
		fail(start, STAGE_EXEC);
	snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	errno = -arrange_descriptors(start);
	if (errno)
		fail(start, STAGE_EXEC);
	syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH);
	fail(start, STAGE_EXEC);
}

static _Noreturn void run_child(const struct start *start, pid_t parent)
{
	char go;

	/* A parent that was gone before the prctl() would never be noticed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		fail(start, STAGE_UNSHARED);
	tell(start, STAGE_UNSHARED, 0);
	if (read(start->go[0], &go, 1) != 1)
		_exit(1);
	errno = -keep_net_admin();
	if (errno)
		fail(start, STAGE_CAPABILITY);
	become_helper(start);
}

/* --- the parent ------------------------------------------------------------------ */

static int write_proc(pid_t pid, const char *name, const char *text)
{
	auto_fd int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* One uid and one gid, the caller's own: what user_namespaces(7) lets anyone map. */
static int write_maps(pid_t pid)
{
	char map[64];
	int error = write_proc(pid, "setgroups", "deny");

	if (error)
		return error;
	snprintf(map, sizeof(map), "%d %u 1", INSIDE_ID, geteuid());
	error = write_proc(pid, "uid_map", map);
	if (error)
		return error;
	snprintf(map, sizeof(map), "%d %u 1", INSIDE_ID, getegid());
	return write_proc(pid, "gid_map", map);
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int refuse(char *problem, int error, const char *what)
{
	snprintf(problem, TRIAL_TEXT_MAX, "%s: %s", what, strerror(-error));
	return error;
}

static int refuse_namespaces(char *problem, int error)
{
	snprintf(problem, TRIAL_TEXT_MAX,
		 "this system gives no user namespace to this user (%s)",
		 error == -ENOSPC ? "user.max_user_namespaces is used up"
				  : strerror(-error));
	return -EOPNOTSUPP;
}

/* The next report of the child: 1 with @ret, 0 when the pipe was closed by exec. */
static int next_report(const struct start *start, struct report *ret)
{
	ssize_t got;

	do
		got = read(start->reports[0], ret, sizeof(*ret));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	return got == sizeof(*ret) ? 1 : -EIO;
}

static int prepare(struct start *start)
{
	start->log = memfd_create("vigil-helper-log", MFD_CLOEXEC);
	if (start->log < 0 || pipe2(start->reports, O_CLOEXEC) < 0 ||
	    pipe2(start->go, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start->sockets) < 0)
		return -errno;
	return 0;
}

static int wait_for_unshare(const struct start *start, struct trial *trial,
			    char *problem)
{
	struct report report;
	int error = next_report(start, &report);

	if (error <= 0)
		return refuse(problem, -EIO,
			      "the child that makes the namespaces ended");
	if (report.error)
		return refuse_namespaces(problem, report.error);
	error = write_maps(trial->pid);
	if (error)
		return refuse_namespaces(problem, error);
	trial->user = open_namespace(trial->pid, "user");
	trial->network = open_namespace(trial->pid, "net");
	if (trial->user < 0 || trial->network < 0)
		return refuse(problem, trial->user < 0 ? trial->user : trial->network,
			      "can't open the new namespaces");
	return 0;
}

static int wait_for_exec(struct start *start, char *problem)
{
	struct report report;
	int got;

	if (write(start->go[1], "", 1) != 1)
		return refuse(problem, -errno, "can't let the child go on");
	got = next_report(start, &report);
	if (got == 0)
		return 0;
	if (got < 0)
		return refuse(problem, got, "can't hear from the child");
	if (report.stage == STAGE_CAPABILITY)
		return refuse_namespaces(problem, report.error);
	snprintf(problem, TRIAL_TEXT_MAX, "can't run %s: %s", start->program,
		 strerror(-report.error));
	return report.error;
}

int trial_start(const char *program, struct trial *ret,
		char problem[static TRIAL_TEXT_MAX])
{
	auto_call(start_done) struct start start = {
		.program = program,
		.reports = { -1, -1 },
		.go = { -1, -1 },
		.sockets = { -1, -1 },
		.log = -1,
	};
	auto_trial struct trial trial = TRIAL_NULL;
	pid_t parent = getpid();
	int error = prepare(&start);

	if (!error) {
		trial.pid = fork();
		error = trial.pid < 0 ? -errno : 0;
	}
	if (error)
		return refuse(problem, error, "can't start a trial");
	if (trial.pid == 0)
		run_child(&start, parent);
	/* Only the child's copies may be left, or its end would never be seen. */
	close(take_fd(start.reports[1]));
	close(take_fd(start.sockets[1]));
	error = wait_for_unshare(&start, &trial, problem);
	if (!error)
		error = wait_for_exec(&start, problem);
	if (error)
		return error;
	trial.helper = take_fd(start.sockets[0]);
	trial.log = take_fd(start.log);
	*ret = trial;
	trial = (struct trial)TRIAL_NULL;
	return 0;
}

char *trial_last_words(const struct trial *trial, char out[static TRIAL_TEXT_MAX])
{
	char tail[TRIAL_TEXT_MAX];
	off_t size = lseek(trial->log, 0, SEEK_END);
	off_t from =
		size > (off_t)sizeof(tail) - 1 ? size - (off_t)sizeof(tail) + 1 : 0;
	ssize_t got = pread(trial->log, tail, sizeof(tail) - 1, from);
	char *line = tail, *feed;

	if (got < 0)
		got = 0;
	while (got > 0 && tail[got - 1] == '\n')
		got--;
	tail[got] = '\0';
	feed = strrchr(tail, '\n');
	if (feed)
		line = feed + 1;
	if (line[0] == '<' && line[1] && line[2] == '>')
		line += 3;
	snprintf(out, TRIAL_TEXT_MAX, "%s", line);
	return out;
}

void trial_end(struct trial *trial)
{
	int *const all[] = { &trial->helper, &trial->user, &trial->network,
			     &trial->log };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		cleanup_fd(all[i]);
	if (trial->pid > 0) {
		kill(trial->pid, SIGKILL);
		while (waitpid(trial->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*trial = (struct trial)TRIAL_NULL;
}
