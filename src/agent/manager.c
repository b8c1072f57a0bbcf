/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/manager.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/text.h"

bool manager_waits(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

void manager_ready(void)
{
	sd_notify(0, "READY=1");
}

void manager_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void manager_stopping(bool well)
{
	sd_notify(0, well ? "STOPPING=1\nSTATUS=Ending; the rules stay in force"
			  : "STOPPING=1");
}

void manager_status(const char *sentence)
{
	char safe[2048];

	/* A new line would be another message, and text that is no UTF-8 is not
	   shown. */
	text_copy_printable(safe, sizeof(safe), sentence);
	sd_notifyf(0, "STATUS=%s", safe);
}

/* FDPOLL=0: a netlink socket that overflowed polls as failed, and the manager would
 * throw it away just then. */
void manager_keep(int fd, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void manager_forget(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
