/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each question is asked by a child that has locked itself down. */
#include "agent/lockdown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int netlink_fd;

/* Return: 0 or the errno of what was tried, 255 when the child died. */
static int locked_down(int (*try)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (lockdown_drop() < 0 || lockdown_filter() < 0)
			_exit(254);
		_exit(try() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int pin_expired_connections(void)
{
	int on = 1;

	return setsockopt(netlink_fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &on,
			  sizeof(on));
}

static int join_a_group(void)
{
	int group = 1;

	return setsockopt(netlink_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group));
}

static int grow_a_buffer(void)
{
	int size = 1 << 20;

	return setsockopt(netlink_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int open_the_internet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
}

static int run_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int fork_off(void)
{
	return (int)syscall(SYS_fork);
}

static int make_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int trace_somebody(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int mount_something(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static int load_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int use_io_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int run_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : 0;
}

static int make_memory_run(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void what_an_intruder_wants_is_refused(void **state)
{
	int (*const tries[])(void) = {
		pin_expired_connections,
		join_a_group,
		grow_a_buffer,
		open_the_internet,
		open_netlink,
		run_a_program,
		fork_off,
		trace_somebody,
		make_a_namespace,
		mount_something,
		load_bpf,
		use_io_uring,
		run_memory,
		make_memory_run,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		assert_int_equal(locked_down(tries[i]), EPERM);
}

static int open_a_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int open_unix(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static int bound_an_answer(void)
{
	struct timeval limit = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static void *nothing(void *context)
{
	return context;
}

static int start_a_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	if (errno)
		return -1;
	return pthread_join(thread, NULL) ? -1 : 0;
}

static int pass_memory(void)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);

	return fd < 0 ? fd : fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
}

static void what_the_agent_needs_works(void **state)
{
	int (*const tries[])(void) = { open_a_file, open_unix, bound_an_answer,
				       start_a_thread, pass_memory };

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++)
		assert_int_equal(locked_down(tries[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_intruder_wants_is_refused),
		cmocka_unit_test(what_the_agent_needs_works),
	};

	netlink_fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
