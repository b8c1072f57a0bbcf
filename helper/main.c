/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vigil-helper: the one part of Vigil with a privilege. It waits on its socket and does
 * what protocol.h lists, one request at a time.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "helper/cleanup.h"
#include "helper/dispatch.h"
#include "helper/lockdown.h"
#include "helper/wire.h"

enum { PEERS_MAX = 8, INHERITED_FD = 3 };

static const char usage[] = "Usage: vigil-helper [--listen PATH] | --help | --version\n"
			    "Keeps table inet vigil for callers at fd 3 or at PATH.\n";

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "<3>vigil-helper: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

/* For PID 1 of a container the kernel does nothing about a signal that has no handler.
 * Nothing is lost: what is being applied is applied as a whole or not at all. */
static void on_end(int number)
{
	_exit(number == SIGTERM || number == SIGINT ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* A socket file that nobody listens on any more is removed, anything else is not. */
static int make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat old;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (lstat(path, &old) == 0 && S_ISSOCK(old.st_mode) &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(address.sun_path);
	umask(0117);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, PEERS_MAX) < 0)
		return -1;
	return fd;
}

/* The protocol of sd_listen_fds(3). */
static int inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (pid && count && strtol(pid, NULL, 10) == getpid() && !strcmp(count, "1"))
		return INHERITED_FD;
	errno = EBADF;
	return -1;
}

/* Let the next in, or tell it why not. Whose socket it is says who may, whatever its
 * mode is by now. Return: its connection or -1. */
static int welcome(int listener, const struct stat *path)
{
	struct helper_reply reply = { .op = HELPER_HELLO };
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof(peer);
	auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -1;
	if (peer.uid == 0 || peer.uid == path->st_uid ||
	    (path->st_mode & S_IWGRP && peer.gid == path->st_gid))
		return take_fd(fd);
	wire_refuse(&reply, -EACCES, "this socket is not for you");
	wire_send(fd, &reply, sizeof(reply), NULL, 0);
	return -1;
}

/* While all places are taken, who comes waits in the backlog. @path: NULL when @fd is
 * the one connection. Return: -1, or 0 when that one is over. */
static int serve(int fd, const struct stat *path)
{
	struct pollfd polled[PEERS_MAX + 1];
	bool greeted[PEERS_MAX + 1] = { 0 };

	for (size_t i = 0; i <= PEERS_MAX; i++)
		polled[i] = (struct pollfd){ i == 1 && !path ? fd : -1, POLLIN, 0 };
	for (;;) {
		size_t place = 0;

		for (size_t i = 1; i <= PEERS_MAX; i++)
			place = polled[i].fd < 0 ? i : place;
		polled[0].fd = path && place ? fd : -1;
		if (poll(polled, PEERS_MAX + 1, -1) < 0)
			return -1;
		for (size_t i = 1; i <= PEERS_MAX; i++) {
			if (!polled[i].revents || !dispatch(polled[i].fd, &greeted[i]))
				continue;
			close(polled[i].fd);
			polled[i].fd = -1;
			if (!path)
				return 0;
		}
		if (polled[0].revents) {
			polled[place].fd = welcome(fd, path);
			greeted[place] = false;
		}
	}
}

int main(int argc, char **argv)
{
	int fd, listens = 0, error;
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(listens), address_size = sizeof(address) - 1;
	struct stat path;
	const char *why;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("vigil-helper " VERSION) < 0;
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--listen") != 0))
		return fputs(usage, stderr) < 0 ? EXIT_FAILURE : 2;
	signal(SIGTERM, on_end);
	signal(SIGINT, on_end);
	why = lockdown_check();
	if (why)
		return fail("not started", why);
	fd = argc == 3 ? make_socket(argv[2]) : inherited_socket();
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &address_size) < 0 ||
	    (listens && stat(address.sun_path, &path) < 0))
		return fail("no socket", strerror(errno));
	error = lockdown();
	if (error)
		return fail("can't give up privileges", strerror(-error));
	return serve(fd, listens ? &path : NULL) == 0 ? EXIT_SUCCESS
						      : fail("poll", strerror(errno));
}
