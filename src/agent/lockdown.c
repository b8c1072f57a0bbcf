/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent parses what others wrote: policies, feeds, packets' headers, JSON. Whoever
 * takes it over through one of them should find nothing to go on with. It has no
 * capability, and this filter leaves files that its uid may open, Unix sockets, and
 * threads: no other socket, no program, no namespace, no ptrace, no bpf, no io_uring.
 *
 * No setsockopt, but for the time that an answer of the helper may take: on the
 * conntrack socket that the helper passes, NETLINK_BROADCAST_ERROR would let its holder
 * pin expired connections until the kernel's table is full (nfnetlink reports a failed
 * delivery, and conntrack then keeps the entry to try again,
 * net/netfilter/nf_conntrack_ecache.c). So the filter must be in place before that
 * socket is. It narrows that and does not close it: a process of another user, to whom
 * a taken-over agent passes the socket on, is under no filter.
 *
 * A call that is missing here fails with EPERM and does not kill: a C library that
 * begins to use a newer call falls back or reports, and the rules stay watched.
 */
#include "agent/lockdown.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* clang-format off */
static const int allowed[] = {
	/* files */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(close), SCMP_SYS(lseek),
	SCMP_SYS(_llseek), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
	SCMP_SYS(fstat64), SCMP_SYS(stat64), SCMP_SYS(lstat64), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(umask), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(dup), SCMP_SYS(flock),
	SCMP_SYS(getdents64), SCMP_SYS(memfd_create), SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	/* memory; mmap and mprotect have rules of their own */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* Unix sockets; those that are passed are read as well */
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
	SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(send), SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recv), SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_settime64), SCMP_SYS(eventfd2), SCMP_SYS(signalfd4),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(restart_syscall),
	/* signals and threads; clone has a rule of its own */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(futex),
	SCMP_SYS(futex_time64), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* asking */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getrandom), SCMP_SYS(getrusage),
	SCMP_SYS(getrlimit), SCMP_SYS(ugetrlimit), SCMP_SYS(sysinfo), SCMP_SYS(uname),
};
/* clang-format on */

static int capability_sets(struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capget, &header, sets) < 0 ? -errno : 0;
}

static bool hold_any(const struct __user_cap_data_struct sets[2])
{
	for (int i = 0; i < 2; i++)
		if (sets[i].permitted || sets[i].effective || sets[i].inheritable)
			return true;
	return false;
}

int lockdown_drop(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 }, sets[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capability_sets(sets) < 0)
		return -EPERM;
	/* Where there is nothing to give up, a manager's filter may refuse capset(). */
	if (!hold_any(sets))
		return 0;
	if (syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return capability_sets(sets) < 0 || hold_any(sets) ? -EPERM : 0;
}

/* Memory that is both written and run is what an exploit wants; nothing is loaded any
 * more. */
static int allow_memory(scmp_filter_ctx filter)
{
	int error;

	error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return error;
}

/* Threads and no processes. The flags of clone3 are in memory, where no filter sees
 * them: it must look as if the kernel had no clone3, then the C library uses clone. */
static int allow_threads(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ,
			CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS,
			CLONE_THREAD));

	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
					 SCMP_SYS(clone3), 0);
	return error;
}

static int allow_sockets(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, AF_UNIX));

	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt),
					 2, SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET),
					 SCMP_A2(SCMP_CMP_EQ, SO_RCVTIMEO));
	return error;
}

/*
 * Nothing set-user-ID: whoever ran it would be the agent's user without this filter.
 * The C library passes a mode of 0 where a file is only opened.
 */
static int allow_modes(scmp_filter_ctx filter)
{
	static const struct {
		int call;
		unsigned int mode; /* which argument it is */
	} calls[] = {
		{ SCMP_SYS(open), 2 },     { SCMP_SYS(openat), 3 },
		{ SCMP_SYS(chmod), 1 },    { SCMP_SYS(fchmod), 1 },
		{ SCMP_SYS(fchmodat), 2 }, { SCMP_SYS(mkdir), 1 },
		{ SCMP_SYS(mkdirat), 2 },
	};
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(calls) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].call, 1,
					 SCMP_CMP(calls[i].mode, SCMP_CMP_MASKED_EQ,
						  S_ISUID | S_ISGID, 0));
	return error;
}

static int add_rules(scmp_filter_ctx filter)
{
	int error = allow_sockets(filter);

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!error)
		error = allow_modes(filter);
	if (!error)
		error = allow_memory(filter);
	if (!error)
		error = allow_threads(filter);
	return error;
}

int lockdown_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter)
		return -ENOMEM;
	error = add_rules(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
