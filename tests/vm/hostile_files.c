/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attempts on files, sockets in the file system and devices. The test makes the
 * canaries. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/vm/hostile.h"

static char somebodys_environment[64], somebodys_memory[64], somebodys_directory[64];
static FILE *reached;

void files_prepare(pid_t somebody)
{
	int pid = somebody;

	snprintf(somebodys_directory, sizeof(somebodys_directory), "/proc/%d", pid);
	snprintf(somebodys_environment, sizeof(somebodys_environment),
		 "/proc/%d/environ", pid);
	snprintf(somebodys_memory, sizeof(somebodys_memory), "/proc/%d/mem", pid);
}

static int connect_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0
		       ? errno
		       : 0;
}

static int connect_to_helper(void)
{
	return connect_to("/run/vigil/helper.sock", SOCK_SEQPACKET);
}

static int connect_to_service(void)
{
	return connect_to("/run/canary/open.sock", SOCK_STREAM);
}

static int connect_to_manager(void)
{
	return connect_to("/run/systemd/private", SOCK_STREAM);
}

/* The disk of the root file system, as a node of its own. */
static int make_disk(void)
{
	struct stat root;

	if (stat("/", &root) < 0)
		return errno;
	return mknod("disk", S_IFBLK | 0600, root.st_dev) < 0 ? errno : 0;
}

static int note_reached(const char *path, const struct stat *st, int kind,
			struct FTW *at)
{
	const char *how = NULL;
	int fd;

	(void)at;
	if (kind == FTW_D && strcmp(path, "/proc") == 0)
		return FTW_SKIP_SUBTREE;
	if (S_ISSOCK(st->st_mode) && access(path, W_OK) == 0)
		how = "connects to";
	else if ((S_ISDIR(st->st_mode) || S_ISREG(st->st_mode) ||
		  S_ISFIFO(st->st_mode)) &&
		 access(path, W_OK) == 0)
		how = "writes";
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		how = fd >= 0 ? "opens" : NULL;
		if (fd >= 0)
			close(fd);
	}
	if (how)
		fprintf(reached, "%s\t%s\tdone\n", how, path);
	/* What is in there is its own. */
	return how && S_ISDIR(st->st_mode) ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
}

void files_reach(FILE *seen)
{
	reached = seen;
	if (nftw("/", note_reached, 32, FTW_PHYS | FTW_ACTIONRETVAL) < 0)
		note(seen, "holds", "walks all files", errno);
}

/* clang-format off */
#define OPEN(path, flags) SYS_openat, { AT_FDCWD, (long)(path), (flags), 0600 }
#define READ(path) OPEN(path, O_RDONLY)
#define WRITE(path) OPEN(path, O_WRONLY)
#define MAKE(directory) OPEN(directory "/vigil-hostile", O_WRONLY | O_CREAT)

const struct attempt attempts_on_files[] = {
	{ "reads /etc/shadow", READ("/etc/shadow") },
	{ "reads another service's state", READ("/var/lib/canary/secret") },
	{ "lists another service's state", OPEN("/var/lib/canary", O_RDONLY | O_DIRECTORY) },
	{ "reads what anybody may in /root", READ("/root/canary/open") },
	{ "reads what anybody may in /home", READ("/home/canary/open") },
	{ "reads what anybody may in /tmp", READ("/tmp/canary") },
	{ "reads what anybody may in /var/tmp", READ("/var/tmp/canary") },

	{ "makes a file in /", MAKE("") },
	{ "makes a file in /etc", MAKE("/etc") },
	{ "makes a file beside its policy", MAKE("/etc/vigil") },
	{ "makes a file in /var/lib", MAKE("/var/lib") },
	{ "makes a file in /var/log", MAKE("/var/log") },
	{ "makes a file in /run", MAKE("/run") },
	{ "makes a file beside the helper's socket", MAKE("/run/vigil") },
	{ "makes a file for systemd", MAKE("/run/systemd/system") },
	{ "makes a file in /dev", MAKE("/dev") },
	{ "makes a file in /root", MAKE("/root") },
	{ "writes a file that anybody may write", WRITE("/run/canary/open") },

	{ "sees another process", READ(somebodys_directory) },
	{ "reads another process' environment", READ(somebodys_environment) },
	{ "opens another process' memory", OPEN(somebodys_memory, O_RDWR) },
	{ "reads through the first process' root", READ("/proc/1/root/etc/shadow") },
	{ "reads the kernel's symbols", READ("/proc/kallsyms") },
	{ "reads the kernel's memory", READ("/proc/kcore") },
	{ "reads the kernel's messages", READ("/proc/kmsg") },
	{ "reads what is mounted in the host", READ("/proc/1/mountinfo") },
	{ "presses SysRq", WRITE("/proc/sysrq-trigger") },
	{ "writes the kernel's settings", WRITE("/proc/sys/kernel/hostname") },
	{ "reads the kernel's settings", READ("/proc/sys/kernel/hostname") },
	{ "writes the kernel's settings in /sys", WRITE("/sys/kernel/mm/transparent_hugepage/enabled") },
	{ "moves processes between control groups", WRITE("/sys/fs/cgroup/cgroup.procs") },

	{ "opens the kernel's log", READ("/dev/kmsg") },
	{ "opens the machine's memory", READ("/dev/mem") },
	{ "makes a node of the disk", .perform = make_disk },
	{ "connects to the helper itself", .perform = connect_to_helper },
	{ "connects to a service that anybody may", .perform = connect_to_service },
	{ "connects to systemd", .perform = connect_to_manager },
	{ 0 },
};
