/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/log.h"

/* The file stays: to remove it would let a third agent lock another file of that name.
 */
int instance_claim(const char *state)
{
	auto_free char *path = NULL;
	auto_fd int fd = -1;
	char pid[16] = "";
	int error = 0;

	if (asprintf(&path, "%s/lock", state) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (error == -EBUSY && read(fd, pid, sizeof(pid) - 1) > 0)
		pid[strcspn(pid, "\n")] = '\0';
	if (error == -EBUSY)
		log_error("vigil-agent is already running for %s (pid %s)", state, pid);
	else if (error)
		log_error("%s can't be made: %s; does this user own %s?", path,
			  strerror(-error), state);
	if (error)
		return error;
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warning("%s can't be written: %s", path, strerror(errno));
	return take_fd(fd);
}
