/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper/netlink.h"

enum {
	DESCRIPTORS_MAX = 32,
	LISTING_MAX_BYTES = 64 * 1024 * 1024, /* the only thing that is ever written */
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
		     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

static struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

const char *lockdown_check(void)
{
	struct __user_cap_data_struct sets[2];
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) < 0 || !real || !effective || !saved)
		return "it does not run as root: give it a uid of its own and "
		       "CAP_NET_ADMIN as an ambient capability";
	if (syscall(SYS_capget, &header, sets) < 0 ||
	    !(sets[0].permitted >> CAP_NET_ADMIN & 1))
		return "it needs CAP_NET_ADMIN as an ambient capability";
	if (netlink_probe() < 0)
		return "this kernel has no nf_tables, or does not let it be used here";
	return NULL;
}

static int drop_capabilities(void)
{
	struct __user_cap_data_struct sets[2] = { 0 };

	/* Refused without CAP_SETPCAP; no_new_privs then does as much. */
	for (unsigned long cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	sets[0].permitted = sets[0].effective = 1U << CAP_NET_ADMIN;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, sets) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit bounds = { value, value };

	return setrlimit(resource, &bounds) < 0 ? -errno : 0;
}

/* Used freely: they concern this process and what it already holds. */
static const char *const allowed[] = {
	"accept4",
	"alarm",
	"bind",
	"brk",
	"clock_gettime",
	"clock_nanosleep",
	"close",
	"exit",
	"exit_group",
	"fcntl",
	"fstat",
	"futex",
	"getpid",
	"getppid",
	"getrandom",
	"getsockname",
	"getsockopt",
	"gettid",
	"gettimeofday",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"lseek",
	"madvise",
	"memfd_create",
	"mremap",
	"munmap",
	"newfstatat",
	"pipe2",
	"poll",
	"ppoll",
	"pselect6",
	"read",
	"recvfrom",
	"recvmsg",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sched_yield",
	"select",
	"sendmsg",
	"sendto",
	"set_robust_list",
	"setitimer",
	"setsockopt",
	"sigaltstack",
	"time",
	"uname",
	"wait4",
	"write",
	"writev",
};

/* What libraries try and can do without: names of protocols, zones of time, hosts. */
static const char *const failing[] = {
	"access",     "clone3",     "connect", "faccessat", "faccessat2",
	"getdents64", "ioctl",      "open",    "openat",    "openat2",
	"readlink",   "readlinkat", "stat",    "statx",     "sysinfo",
};

static int add(scmp_filter_ctx filter, uint32_t action, const char *const *names,
	       size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);

		if (call != __NR_SCMP_ERROR)
			error = seccomp_rule_add(filter, action, call, 0);
	}
	return error;
}

#define RULES(filter, action, names)                                                   \
	add(filter, action, names, sizeof(names) / sizeof(*(names)))
#define RULE(filter, action, call, ...)                                                \
	seccomp_rule_add(filter, action, SCMP_SYS(call),                               \
			 sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) /              \
				 sizeof(struct scmp_arg_cmp),                          \
			 __VA_ARGS__)
#define ALLOW SCMP_ACT_ALLOW
#define FAIL(error) SCMP_ACT_ERRNO(error)

/* Calls of which only some are harmless. */
static int add_conditional(scmp_filter_ctx filter)
{
	int error = 0;

	error |= RULE(filter, ALLOW, socket, SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK),
		      SCMP_A2_32(SCMP_CMP_EQ, NETLINK_NETFILTER));
	error |=
		RULE(filter, FAIL(EACCES), socket, SCMP_A0_32(SCMP_CMP_NE, AF_NETLINK));
	error |= RULE(filter, FAIL(EACCES), socket,
		      SCMP_A2_32(SCMP_CMP_NE, NETLINK_NETFILTER));
	error |=
		RULE(filter, ALLOW, mmap, SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= RULE(filter, ALLOW, mprotect,
		      SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= RULE(filter, ALLOW, clone,
		      SCMP_A0_32(SCMP_CMP_MASKED_EQ, NAMESPACES, 0));
	error |= RULE(filter, ALLOW, prctl, SCMP_A0_32(SCMP_CMP_EQ, PR_SET_PDEATHSIG));
	error |= RULE(filter, FAIL(EINVAL), prctl,
		      SCMP_A0_32(SCMP_CMP_NE, PR_SET_PDEATHSIG));
	error |= RULE(filter, ALLOW, prlimit64, SCMP_A0_32(SCMP_CMP_EQ, 0));
	return error;
}

static int filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = -ENOMEM;

	if (filter && !RULES(filter, ALLOW, allowed) &&
	    !RULES(filter, FAIL(ENOSYS), failing) && !add_conditional(filter))
		error = seccomp_load(filter);
	seccomp_release(filter);
	malloc_trim(0);
	return error;
}

int lockdown(void)
{
	int error = drop_capabilities();

	if (error || (error = limit(RLIMIT_CORE, 0)) ||
	    (error = limit(RLIMIT_NOFILE, DESCRIPTORS_MAX)) ||
	    (error = limit(RLIMIT_FSIZE, LISTING_MAX_BYTES)))
		return error;
	return filter_calls();
}
