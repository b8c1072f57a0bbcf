/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection to the helper. Only jobs of the worker use it, one at a time; the loop
 * looks at it while the worker is idle. */
#pragma once

#include <stdbool.h>

struct link {
	const char *path;  /* of the helper's socket; NULL: the connection was inherited
			      and cannot be made again */
	int fd;            /* -1: not connected */
	bool greeted;      /* helper_hello() went well on @fd */
	unsigned int made; /* times that a connection was made */
	char problem[256]; /* why there is no connection; "" when there is one */
};

/**
 * link_use() - The connection, made when there is none
 *
 * Return: a descriptor after helper_hello(), borrowed, or -errno with @link->problem.
 */
int link_use(struct link *link);

/** link_check() - Give the connection up when @error says that it is of no more use.
 * Return: @error. */
int link_check(struct link *link, int error);

void link_close(struct link *link, const char *problem);
