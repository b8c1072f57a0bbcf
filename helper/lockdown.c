/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/netlink.h"

static struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
static struct __user_cap_data_struct held[2];

const char *lockdown_check(void)
{
	if (getuid() == 0 || geteuid() == 0)
		return "it does not run as root: give it a uid of its own";
	if (syscall(SYS_capget, &header, held) < 0 ||
	    !(held[0].permitted >> CAP_NET_ADMIN & 1))
		return "it needs CAP_NET_ADMIN, see vigil-helper(8)";
	if (netlink_probe() < 0)
		return "this kernel has no nf_tables, or does not let it be used here";
	return NULL;
}

/* Return: 0 or -EPERM. */
static int drop(void)
{
	const uint32_t own = 1U << CAP_NET_ADMIN;
	struct __user_cap_data_struct sets[2] = { { own, own, 0 } };

	/* Refused without CAP_SETPCAP; no_new_privs then does as much. */
	for (unsigned long cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	/* A manager's filter may refuse it where there is nothing else to give up. */
	if (syscall(SYS_capset, &header, sets) < 0 &&
	    (held[0].permitted != own || held[1].permitted))
		return -EPERM;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) |
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) |
	       setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
}

/* clang-format off */
/* Used freely: they concern this process and what it already holds. */
static const char allowed[] =
	"accept4 alarm bind brk clock_gettime clock_nanosleep close exit exit_group "
	"fstat futex getegid geteuid getgid getpid getppid getrandom gettid getsockname "
	"getsockopt gettimeofday getuid lseek madvise mremap munmap newfstatat pipe pipe2 "
	"pidfd_open poll ppoll pselect6 read recvfrom recvmsg restart_syscall rseq select "
	"rt_sigaction rt_sigprocmask rt_sigreturn sched_yield sendmsg sendto setitimer "
	"set_robust_list setsockopt sigaltstack time uname wait4 write writev";

/* What libraries try and can do without: names of protocols, time zones, hosts. */
static const char failing[] =
	"access clone3 connect faccessat faccessat2 getdents64 ioctl open openat openat2 "
	"readlink readlinkat stat statx sysinfo";

/* Calls of which only some are harmless. All 64 bits are compared: what the kernel cuts
 * off can't let more through. */
#define ALLOW SCMP_ACT_ALLOW
#define FAIL SCMP_ACT_ERRNO(EACCES)
#define NETLINK { 0, SCMP_CMP_EQ, AF_NETLINK, 0 }
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
		    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define NETFILTER { 2, SCMP_CMP_EQ, NETLINK_NETFILTER, 0 }
/* clang-format on */
static const struct condition {
	uint32_t action;
	int call;
	unsigned count;
	struct scmp_arg_cmp when[2];
} conditions[] = {
	{ ALLOW, SCMP_SYS(socket), 2, { NETLINK, NETFILTER } },
	{ FAIL, SCMP_SYS(socket), 1, { { 0, SCMP_CMP_NE, AF_NETLINK, 0 } } },
	{ FAIL, SCMP_SYS(socket), 1, { { 2, SCMP_CMP_NE, NETLINK_NETFILTER, 0 } } },
	{ ALLOW, SCMP_SYS(mmap), 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ ALLOW, SCMP_SYS(mprotect), 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ ALLOW, SCMP_SYS(clone), 1, { { 0, SCMP_CMP_MASKED_EQ, NAMESPACES, 0 } } },
	/* No F_SETOWN and F_SETSIG, which send signals. */
	{ ALLOW, SCMP_SYS(fcntl), 1, { { 1, SCMP_CMP_LE, F_SETFL, 0 } } },
	{ ALLOW, SCMP_SYS(fcntl), 1, { { 1, SCMP_CMP_EQ, F_GET_SEALS, 0 } } },
	{ ALLOW, SCMP_SYS(prctl), 1, { { 0, SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0 } } },
	{ ALLOW, SCMP_SYS(prlimit64), 1, { { 0, SCMP_CMP_EQ, 0, 0 } } },
	{ 0 },
};

static int add(scmp_filter_ctx filter, uint32_t action, const char *names)
{
	char name[32];
	int used, error = 0;

	for (; !error && sscanf(names, "%31s%n", name, &used) == 1; names += used)
		error = seccomp_rule_add(filter, action,
					 seccomp_syscall_resolve_name(name), 0);
	return error;
}

static int fill(scmp_filter_ctx filter)
{
	int error = add(filter, ALLOW, allowed) ?: add(filter, FAIL, failing);

	for (const struct condition *c = conditions; c->action && !error; c++)
		error = seccomp_rule_add_array(filter, c->action, c->call, c->count,
					       c->when);
	return error;
}

int lockdown(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = filter ? fill(filter) : -ENOMEM;

	error = error ? error : drop();
	/* It sets no_new_privs as well. */
	error = error ? error : seccomp_load(filter);
	seccomp_release(filter);
	malloc_trim(0);
	return error;
}
