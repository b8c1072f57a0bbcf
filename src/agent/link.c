/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/helper.h"

void link_close(struct link *link, const char *problem)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	link->greeted = false;
	snprintf(link->problem, sizeof(link->problem), "%s", problem);
}

static int greet(struct link *link)
{
	struct helper_refusal refusal = { 0 };
	int error = helper_hello(link->fd, &refusal);

	if (!error) {
		link->greeted = true;
		link->made++;
		link->problem[0] = '\0';
		return link->fd;
	}
	if (error == -EPROTO)
		link_close(link, "vigil-helper is of another version");
	else if (error == -EACCES)
		link_close(link, "vigil-helper does not let this user in");
	else
		link_close(link, "vigil-helper does not answer");
	return error;
}

int link_use(struct link *link)
{
	if (link->fd >= 0 && link->greeted)
		return link->fd;
	if (link->fd < 0) {
		if (!link->path)
			return -ENOTCONN;
		link->fd = helper_connect(link->path);
	}
	if (link->fd < 0) {
		int error = link->fd;

		link->fd = -1;
		snprintf(link->problem, sizeof(link->problem),
			 "no connection to vigil-helper at %s: %s", link->path,
			 strerror(-error));
		return error;
	}
	return greet(link);
}

int link_check(struct link *link, int error)
{
	if (error == -ECONNRESET || error == -EPROTO || error == -ETIMEDOUT ||
	    error == -EPIPE)
		link_close(link, "the connection to vigil-helper was lost");
	return error;
}
