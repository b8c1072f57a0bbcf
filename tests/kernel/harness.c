/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/kernel/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool in_userns;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	int error = errno;
	va_list args;

	fputs("harness: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (%s)\n", strerror(error));
	_exit(1);
}

static void write_file(const char *path, const char *format, unsigned a, unsigned b)
{
	char text[64];
	int size = snprintf(text, sizeof(text), format, a, b);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, (size_t)size) != size)
		die("can't write %s", path);
	close(fd);
}

/* Make @mask permitted, effective, inheritable and ambient, and nothing else. */
static void hold_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(mask >> (32 * i));

		data[i] = (struct __user_cap_data_struct){ half, half, half };
	}
	if (syscall(SYS_capset, &header, data) < 0)
		die("capset");
	for (int cap = 0; cap < 64; cap++)
		if (mask >> cap & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			die("can't raise ambient capability %d", cap);
}

static uint64_t permitted_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		die("capget");
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static void enter_userns(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(CLONE_NEWUSER) < 0) {
		printf("ok 1 - needs user namespaces # SKIP %s\n", strerror(errno));
		fflush(stdout);
		_exit(0);
	}
	write_file("/proc/self/uid_map", "%u %u 1", HARNESS_UID, uid);
	write_file("/proc/self/setgroups", "deny", 0, 0);
	write_file("/proc/self/gid_map", "%u %u 1", HARNESS_UID, gid);
	hold_capabilities(permitted_capabilities());
	in_userns = true;
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("can't raise lo");
	close(fd);
}

void harness_enter(void)
{
	const char *forced = getenv("VIGIL_USERNS");

	if (!in_userns && (geteuid() != 0 || (forced && strcmp(forced, "1") == 0)))
		enter_userns();
	if (unshare(CLONE_NEWNET) < 0)
		die("no network namespace");
	raise_loopback();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

bool harness_in_userns(void)
{
	return in_userns;
}

void harness_visit(pid_t neighbour)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)neighbour);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die("can't enter the namespace of %d", (int)neighbour);
	close(fd);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Start a shell command, its output to @output unless -1. */
static pid_t start(pid_t neighbour, int output, const char *format, va_list args)
{
	char *command;
	pid_t pid;

	if (vasprintf(&command, format, args) < 0)
		die("no memory");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (neighbour)
			harness_visit(neighbour);
		if (output >= 0 && dup2(output, STDOUT_FILENO) < 0)
			die("dup2");
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		die("no /bin/sh");
	}
	free(command);
	return pid;
}

#define RUN(neighbour, format)                                                         \
	({                                                                             \
		va_list args_;                                                         \
		va_start(args_, format);                                               \
		int status_ = wait_for(start(neighbour, -1, format, args_));           \
		va_end(args_);                                                         \
		status_;                                                               \
	})

int harness_run(const char *format, ...)
{
	return RUN(0, format);
}

int harness_run_in(pid_t neighbour, const char *format, ...)
{
	return RUN(neighbour, format);
}

void harness_must(const char *format, ...)
{
	int status = RUN(0, format);

	if (status)
		die("status %d of: %s", status, format);
}

void harness_must_in(pid_t neighbour, const char *format, ...)
{
	int status = RUN(neighbour, format);

	if (status)
		die("status %d of: %s", status, format);
}

char *harness_capture(const char *format, ...)
{
	char *text = NULL;
	size_t size = 0;
	int ends[2], c, status;
	va_list args;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	va_start(args, format);
	pid = start(0, ends[1], format, args);
	va_end(args);
	close(ends[1]);
	FILE *from = fdopen(ends[0], "r");
	FILE *to = open_memstream(&text, &size);
	if (!from || !to)
		die("no stream");
	while ((c = fgetc(from)) != EOF)
		fputc(c, to);
	fclose(from);
	fclose(to);
	status = wait_for(pid);
	if (status)
		die("status %d of: %s", status, format);
	return text;
}

/* The child's side: a namespace of its own, then nothing until the parent is gone. */
static void __attribute__((noreturn)) live_next_door(int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0)
		die("no second network namespace");
	raise_loopback();
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	for (;;)
		pause();
}

pid_t harness_neighbour(const char *interface)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		live_next_door(ends[1]);
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		die("the neighbour did not start");
	close(ends[0]);
	harness_must("ip link add '%s' type veth peer name eth0 netns %d && "
		     "ip link set '%s' up",
		     interface, (int)pid, interface);
	harness_must_in(pid, "ip link set eth0 up");
	return pid;
}

const char *harness_path(const char *name)
{
	static char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (size < 0)
		die("no /proc/self/exe");
	path[size] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(path, '/') = '\0';
	strncat(path, "/", sizeof(path) - strlen(path) - 1);
	strncat(path, name, sizeof(path) - strlen(path) - 1);
	return path;
}

/* As the service manager would: another uid, one capability, the socket as fd 3. */
static void __attribute__((noreturn)) become_helper(int program, int fd)
{
	char *const argv[] = { (char *)"vigil-helper", NULL };
	char pid[16];

	if (!in_userns) {
		prctl(PR_SET_KEEPCAPS, 1);
		if (setgroups(0, NULL) < 0 ||
		    setresgid(HARNESS_UID, HARNESS_UID, HARNESS_UID) < 0 ||
		    setresuid(HARNESS_UID, HARNESS_UID, HARNESS_UID) < 0)
			die("can't change to uid %d", HARNESS_UID);
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	hold_capabilities(UINT64_C(1) << CAP_NET_ADMIN);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of uid resets it */
	/* Out of the way of descriptor 3 first. */
	program = fcntl(program, F_DUPFD_CLOEXEC, 10);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	if (program < 0 || fd < 0 || dup2(fd, 3) < 0)
		die("dup2");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	/* Leaks are looked for by a thread that the helper's filter forbids. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	/* By descriptor, as its uid may not be able to walk to it. */
	syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	die("can't run vigil-helper");
}

pid_t harness_helper_on(int fd)
{
	const char *path = harness_path("vigil-helper");
	int program = open(path, O_PATH | O_CLOEXEC);
	pid_t pid;

	if (program < 0)
		die("no %s", path);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		become_helper(program, fd);
	close(program);
	return pid;
}

int harness_helper(pid_t *pid)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		die("socketpair");
	*pid = harness_helper_on(ends[1]);
	close(ends[1]);
	return ends[0];
}

int harness_end(pid_t pid)
{
	kill(pid, SIGTERM);
	return wait_for(pid);
}
