/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both programs as PID 1 of a namespace, which they are in a container: the kernel does
 * nothing then about a signal that has no handler, and whoever lost its parent is
 * theirs to reap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/cleanup.h"
#include "tests/kernel/harness.h"

enum { PATIENCE_MS = 20000, STEP_MS = 10, KILLED = 128 + SIGKILL };

static const char script[] = "add table inet vigil\n";

/* In a process whose children are in a PID namespace of their own, the first as PID 1.
 */
static void in_namespace(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(unshare(CLONE_NEWPID) < 0 ? 99 : body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* cmocka's own would go on in the wrong process. */
#define MUST(condition)                                                                \
	do {                                                                           \
		if (!(condition)) {                                                    \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,     \
				#condition);                                           \
			return 1;                                                      \
		}                                                                      \
	} while (0)

/* Return: the exit status, or KILLED where @number did not end it in good time. */
static int end_by(pid_t pid, int number)
{
	int status = 0;

	kill(pid, number);
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						   : WEXITSTATUS(status);
		usleep(STEP_MS * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return KILLED;
}

/* A process whose parent ends before it does; it ends as well. */
static bool leave_an_orphan(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork() == 0)
			usleep(50000);
		_exit(0);
	}
	return waitpid(pid, NULL, 0) == pid;
}

static bool is_child(const char *process, pid_t parent)
{
	char path[300], text[2048];
	const char *line;
	auto_fd int fd = -1;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%s/status", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	line = strstr(text, "\nPPid:");
	return line && atoi(line + strlen("\nPPid:")) == parent;
}

static size_t count_children(pid_t parent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while (proc && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			count += is_child(entry->d_name, parent);
	if (proc)
		closedir(proc);
	return count;
}

static bool has_children(pid_t parent, bool wanted)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if ((count_children(parent) > 0) == wanted)
			return true;
		usleep(STEP_MS * 1000);
	}
	return false;
}

static int end_helper_by(int number)
{
	pid_t pid;
	auto_fd int connection = harness_helper(&pid);

	MUST(helper_hello(connection, NULL) == 0);
	MUST(end_by(pid, number) == 0);
	return 0;
}

static int end_helper_by_sigterm(void)
{
	return end_helper_by(SIGTERM);
}

static int end_helper_by_sigint(void)
{
	return end_helper_by(SIGINT);
}

static void helper_ends_well_by_sigterm_and_sigint(void **state)
{
	(void)state;
	in_namespace(end_helper_by_sigterm);
	in_namespace(end_helper_by_sigint);
}

static int give_helper_an_orphan(void)
{
	pid_t pid;
	auto_fd int connection = harness_helper(&pid);

	MUST(helper_hello(connection, NULL) == 0);
	MUST(leave_an_orphan());
	MUST(has_children(pid, true));
	usleep(200000);
	for (int i = 0; i < 2; i++)
		MUST(helper_apply_script(connection, script, strlen(script), NULL) ==
		     0);
	MUST(has_children(pid, false));
	return 0;
}

static void helper_reaps_who_lost_its_parent(void **state)
{
	(void)state;
	in_namespace(give_helper_an_orphan);
}

/* There only in a build with that sanitizer. */
extern void __asan_init(void) __attribute__((weak));

static int hide_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("tmpfs", "/proc", "tmpfs", 0, NULL);
}

/* In @place, and where /proc is empty. */
static pid_t start_agent(const char *place)
{
	const char *path = harness_path("vigil-agent");
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The sanitizer can't do without. */
	if (!__asan_init && hide_proc() < 0)
		_exit(99);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	execl(path, path, "--policy", "none.yml", "--state", place, "--run", place,
	      (char *)NULL);
	_exit(98);
}

static bool wait_for_file(const char *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (access(path, F_OK) == 0)
			return true;
		usleep(STEP_MS * 1000);
	}
	return false;
}

static char directory[] = "/tmp/vigil-init-XXXXXX";

static int give_agent_an_orphan(void)
{
	pid_t pid = start_agent(directory);

	MUST(wait_for_file(directory, "agent.sock"));
	MUST(leave_an_orphan());
	MUST(has_children(pid, false));
	MUST(end_by(pid, SIGTERM) == 0);
	return 0;
}

static void agent_ends_well_and_reaps_without_proc(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	in_namespace(give_agent_an_orphan);
	harness_must("test -s %s/flows.db", directory);
}

static int remove_directory(void **state)
{
	(void)state;
	return harness_run("rm -r %s", directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(helper_ends_well_by_sigterm_and_sigint),
		cmocka_unit_test(helper_reaps_who_lost_its_parent),
		cmocka_unit_test_teardown(agent_ends_well_and_reaps_without_proc,
					  remove_directory),
	};

	alarm(300);
	harness_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
