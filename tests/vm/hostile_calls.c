/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attempts on the kernel: sockets, programs, namespaces, other processes, settings. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/vm/hostile.h"

enum { PAGE = 4096, LOCKED_BYTES = 16 * 1024 * 1024 };

static _Alignas(PAGE) char page[PAGE];
static struct timespec now;
static struct timeval now_us;
static struct timex adjustment = { .modes = ADJ_MAXERROR, .maxerror = 100000 };
static struct sched_param lowest = { .sched_priority = 1 };
static struct rlimit many_files = { 1 << 20, 1 << 20 };
static struct clone_args new_user = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
static union bpf_attr map = {
	.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
};
static struct perf_event_attr clock_event = { .type = PERF_TYPE_SOFTWARE,
					      .size = sizeof(clock_event),
					      .config = PERF_COUNT_SW_CPU_CLOCK };
static struct io_uring_params ring;
static struct iovec remote = { page, 8 }, local = { page, 8 };
static const char *const shell[] = { "/bin/sh", "-c", ":", NULL };
static const char *const itself[] = { "hostile", "--version", NULL };
static char host_name[65];

void calls_prepare(void)
{
	clock_gettime(CLOCK_REALTIME, &now);
	now_us = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	gethostname(host_name, sizeof(host_name) - 1);
}

/* --- programs -----------------------------------------------------------------------
 */

/* Writes a shell script into a descriptor and runs it from there. */
static int run_script(int fd)
{
	static const char script[] = "#!/bin/sh\n:\n";

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		return errno;
	syscall(SYS_execveat, fd, "", itself, environ, AT_EMPTY_PATH);
	return errno;
}

static int run_from_memory(void)
{
	return run_script(memfd_create("program", 0));
}

static int run_from_state(void)
{
	int fd = open("program", O_WRONLY | O_CREAT | O_TRUNC, 0700);
	static const char script[] = "#!/bin/sh\n:\n";

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		return errno;
	close(fd);
	execl("./program", "program", (char *)NULL);
	return errno;
}

static int make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

/* --- the network --------------------------------------------------------------------
 */

/* The guest's neighbour in the test. */
static int reach_neighbour(void)
{
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(7) };
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "192.0.2.2", &there.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0 ||
	    send(fd, "", 1, 0) < 0)
		return errno;
	return 0;
}

/* Any socket answers this, also one that has nothing to do with interfaces. */
static int name_interfaces(void)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct ifreq request = { 0 };

	for (int i = 1; i < 64; i++) {
		request.ifr_ifindex = i;
		if (ioctl(fd, SIOCGIFNAME, &request) == 0 &&
		    strcmp(request.ifr_name, "lo") != 0)
			return 0;
	}
	return errno;
}

static int list_interfaces(void)
{
	DIR *directory = opendir("/sys/class/net");
	struct dirent *entry;
	int error = directory ? ENODEV : errno;

	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lo") != 0)
			error = 0;
	return error;
}

static int read_interfaces(void)
{
	auto_file FILE *file = fopen("/proc/self/net/dev", "re");
	char line[512];
	int error = file ? ENODEV : errno;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, ": ") && !strstr(line, " lo:"))
			error = 0;
	return error;
}

static int enter_network(void)
{
	auto_fd int fd = open("/proc/1/ns/net", O_RDONLY);

	return fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? errno : 0;
}

static int pass_option(void)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int size = PAGE;

	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0 ? errno
									      : 0;
}

/* --- memory -------------------------------------------------------------------------
 */

static int run_file_memory(void)
{
	auto_fd int fd = memfd_create("code", 0);

	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return errno;
	return mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int run_shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	void *memory = id < 0 ? MAP_FAILED : shmat(id, NULL, SHM_EXEC);
	int error = errno;

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return memory == MAP_FAILED ? error : 0;
}

static int lock_memory(void)
{
	void *memory = mmap(NULL, LOCKED_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return errno;
	return mlock(memory, LOCKED_BYTES) < 0 ? errno : 0;
}

/* --- identity -----------------------------------------------------------------------
 */

static int gain_capability(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2] = { 0 };

	if (syscall(SYS_capget, &header, sets) < 0)
		return errno;
	sets[0].permitted |= 1U << CAP_NET_ADMIN;
	sets[0].effective |= 1U << CAP_NET_ADMIN;
	return syscall(SYS_capset, &header, sets) < 0 ? errno : 0;
}

static int set_user_bit(void)
{
	auto_fd int fd = open("set-user", O_WRONLY | O_CREAT, 0700);

	return fd < 0 || fchmod(fd, 04755) < 0 ? errno : 0;
}

#if defined(__x86_64__)
/* getpid() of i386, whose calls a filter for x86-64 does not see. */
static int foreign_call(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory");
	return result == getpid() ? 0 : ENOSYS;
}
#endif

/* clang-format off */
#define CALL(name, ...) SYS_##name, { __VA_ARGS__ }
#define CALL_NOTHING(name) SYS_##name, { 0 }
#define SOCKET(family, type, protocol) CALL(socket, family, type, protocol)
#define P(pointer) ((long)(pointer))

const struct attempt attempts_on_calls[] = {
	{ "runs a shell", CALL(execve, P("/bin/sh"), P(shell), 0), .filtered = true },
	{ "runs a program from memory", .perform = run_from_memory, .filtered = true },
	{ "runs a program from its state directory", .perform = run_from_state, .filtered = true },
	{ "makes a process", .perform = make_process, .filtered = true },

	{ "opens a TCP socket", SOCKET(AF_INET, SOCK_STREAM, 0) },
	{ "opens a UDP socket over IPv6", SOCKET(AF_INET6, SOCK_DGRAM, 0) },
	{ "opens a raw socket", SOCKET(AF_INET, SOCK_RAW, IPPROTO_RAW) },
	{ "opens a packet socket", SOCKET(AF_PACKET, SOCK_RAW, 0) },
	{ "opens a netlink socket to nf_tables", SOCKET(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) },
	{ "opens a netlink socket to routing", SOCKET(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) },
	{ "opens a socket to the kernel's ciphers", SOCKET(AF_ALG, SOCK_SEQPACKET, 0) },
	{ "reaches the network", .perform = reach_neighbour },
	{ "asks a socket for the host's interfaces", .perform = name_interfaces },
	{ "lists the host's interfaces in /sys", .perform = list_interfaces },
	{ "lists the host's interfaces in /proc", .perform = read_interfaces },
	{ "enters the host's network namespace", .perform = enter_network },
	{ "sets an option of a socket", .perform = pass_option, .filtered = true },

	{ "makes a user namespace", CALL(unshare, CLONE_NEWUSER) },
	{ "makes a network namespace", CALL(unshare, CLONE_NEWNET) },
	{ "makes a mount namespace", CALL(unshare, CLONE_NEWNS) },
	{ "makes a process namespace", CALL(unshare, CLONE_NEWPID) },
	{ "makes a user namespace by clone3", CALL(clone3, P(&new_user), sizeof(new_user)) },
	{ "makes a user namespace by clone", CALL(clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) },

	{ "traces another process", CALL(ptrace, PTRACE_SEIZE, SOMEBODY, 0, 0) },
	{ "reads another process' memory", CALL(process_vm_readv, SOMEBODY, P(&local), 1, P(&remote), 1, 0), .past = EFAULT },
	{ "writes another process' memory", CALL(process_vm_writev, SOMEBODY, P(&local), 1, P(&remote), 1, 0), .past = EFAULT },
	{ "signals another process", CALL(kill, SOMEBODY, 0) },
	{ "signals the first process", CALL(kill, 1, 0) },
	{ "changes another process' limits", CALL(prlimit64, SOMEBODY, RLIMIT_CORE, 0, P(page)) },
	{ "changes another process' priority", CALL(setpriority, PRIO_PROCESS, SOMEBODY, 0) },
	{ "compares itself with another process", CALL(kcmp, SOMEBODY, SOMEBODY, 1, 0, 0), .past = EOPNOTSUPP },

	{ "loads a module", CALL(init_module, P(page), 0, P("")), .past = ENOEXEC },
	{ "loads a module's file", CALL(finit_module, -1, P(""), 0), .past = EBADF },
	{ "removes a module", CALL(delete_module, P("vigil_none"), O_NONBLOCK), .past = ENOENT },
	{ "loads another kernel", CALL(kexec_load, 0, 1, 0, 0), .past = EFAULT },

	{ "mounts a file system", CALL(mount, P("none"), P("/run/canary/mount"), P("tmpfs"), 0, 0) },
	{ "unmounts a file system", CALL(umount2, P("/run/canary"), UMOUNT_NOFOLLOW), .past = EINVAL },
	{ "makes a file system's context", CALL(fsopen, P("tmpfs"), 0) },
	{ "copies the tree of mounts", CALL(open_tree, AT_FDCWD, P("/"), OPEN_TREE_CLONE) },
	{ "changes its root", CALL(chroot, P("/")) },
	{ "swaps its root", CALL(pivot_root, P("/"), P("/")), .past = EINVAL },

	{ "adds a key to the kernel's", CALL(add_key, P("user"), P("vigil"), P("x"), 1, KEY_SPEC_PROCESS_KEYRING) },
	{ "asks for the session's keys", CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1) },
	{ "makes a BPF map", CALL(bpf, BPF_MAP_CREATE, P(&map), sizeof(map)) },
	{ "opens a performance counter", CALL(perf_event_open, P(&clock_event), 0, -1, -1, 0) },
	{ "opens an io_uring", CALL(io_uring_setup, 1, P(&ring)) },
	{ "handles page faults itself", CALL(userfaultfd, O_CLOEXEC) },

	{ "sets the clock", CALL(clock_settime, CLOCK_REALTIME, P(&now)) },
	{ "sets the time of day", CALL(settimeofday, P(&now_us), 0) },
	{ "adjusts the clock", CALL(adjtimex, P(&adjustment)) },
	{ "sets the host's name", CALL(sethostname, P(host_name), 4), .past = EINVAL },
	{ "reads the kernel's log", CALL(syslog, 3, P(page), sizeof(page)) },
	{ "changes how the machine reboots", CALL(reboot, (int)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_ON, 0) },
	{ "turns swapping off", CALL(swapoff, P("/run/canary/open")), .past = EINVAL },
	{ "turns accounting off", CALL(acct, 0) },

	{ "raises its priority", CALL(setpriority, PRIO_PROCESS, 0, -20) },
	{ "runs in real time", CALL(sched_setscheduler, 0, SCHED_FIFO, P(&lowest)) },
	{ "locks 16 MiB of memory", .perform = lock_memory },
	{ "raises its limit of files", CALL(prlimit64, 0, RLIMIT_NOFILE, P(&many_files), 0) },

	{ "maps memory to write and run", CALL(mmap, 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) },
	{ "makes its data run", CALL(mprotect, P(page), PAGE, PROT_READ | PROT_EXEC) },
	{ "makes its data run, with a key", CALL(pkey_mprotect, P(page), PAGE, PROT_READ | PROT_EXEC, -1) },
	{ "runs memory of a file it wrote", .perform = run_file_memory, .filtered = true },
	{ "runs shared memory", .perform = run_shared_memory },
	{ "changes its personality", CALL(personality, ADDR_NO_RANDOMIZE) },

	{ "becomes root", CALL(setresuid, 0, 0, 0) },
	{ "becomes another user", CALL(setresuid, 1, 1, 1) },
	{ "joins other groups", CALL(setgroups, 1, P(page)) },
	{ "gains a capability", .perform = gain_capability },
	{ "makes a set-user-ID file", .perform = set_user_bit },
	{ "makes a device", CALL(mknod, P("device"), S_IFCHR | 0600, 1 << 8 | 3) },
#if defined(__x86_64__)
	{ "calls the kernel as another architecture", .perform = foreign_call },
	{ "reaches the machine's ports", CALL(ioperm, 0x80, 1, 1) },
	{ "changes its descriptor table", CALL(modify_ldt, 0, P(page), sizeof(page)) },
#endif
	{ 0 },
};
