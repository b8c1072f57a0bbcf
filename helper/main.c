/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vigil-helper: the one part of Vigil with a privilege. It waits on its socket and does
 * what protocol.h lists, one request at a time.
 */
#include <errno.h>
#include <fcntl.h>
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

enum { PEERS_MAX = 8, BACKLOG = 8, INHERITED_FD = 3 };

/* Who may connect, whatever the mode of the socket says now. */
struct owner {
	uid_t uid;
	gid_t gid;
	bool group; /* its group may as well */
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "<3>vigil-helper: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

static int fail_errno(const char *what)
{
	return fail(what, strerror(errno));
}

static int usage(FILE *to)
{
	fprintf(to,
		"Usage: vigil-helper [--listen PATH]\n"
		"       vigil-helper --help | --version\n\n"
		"Keeps table inet vigil of the kernel's firewall for vigil-agent. Its "
		"socket is\ndescriptor 3 (systemd.socket(5)), or made at PATH.\n");
	return to == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A socket file that nobody listens on any more is removed, anything else is not. */
static int make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
	umask(0117);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	return take_fd(fd);
}

/* The protocol of sd_listen_fds(3). */
static int inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strcmp(count, "1"))
		return -EBADF;
	return fcntl(INHERITED_FD, F_SETFD, FD_CLOEXEC) < 0 ? -errno : INHERITED_FD;
}

static int find_owner(int fd, struct owner *owner)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address) - 1;
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    stat(address.sun_path, &st) < 0)
		return -errno;
	*owner = (struct owner){ st.st_uid, st.st_gid, st.st_mode & S_IWGRP };
	return 0;
}

static bool may_connect(int fd, const struct owner *owner)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == owner->uid ||
		(owner->group && peer.gid == owner->gid));
}

static void welcome(int listener, const struct owner *owner, struct peer *place)
{
	struct helper_reply reply = { .op = HELPER_HELLO };
	auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (may_connect(fd, owner)) {
		*place = (struct peer){ take_fd(fd), false };
		return;
	}
	wire_refuse(&reply, -EACCES, "this socket is not for you");
	wire_send(fd, &reply, sizeof(reply), NULL, 0);
}

/* While all places are taken nobody is let in; they wait in the backlog. */
static int serve(struct peer peers[static PEERS_MAX], int listener,
		 const struct owner *owner)
{
	for (;;) {
		struct pollfd polled[PEERS_MAX + 1];
		struct peer *free_place = NULL;

		for (size_t i = 0; i < PEERS_MAX; i++) {
			polled[i] = (struct pollfd){ peers[i].fd, POLLIN, 0 };
			if (peers[i].fd < 0)
				free_place = &peers[i];
		}
		polled[PEERS_MAX] =
			(struct pollfd){ free_place ? listener : -1, POLLIN, 0 };
		if (poll(polled, PEERS_MAX + 1, -1) < 0)
			return -errno;
		for (size_t i = 0; i < PEERS_MAX; i++) {
			if (!polled[i].revents || dispatch(&peers[i]) == 0)
				continue;
			close(peers[i].fd);
			peers[i].fd = -1;
			if (listener < 0)
				return 0;
		}
		if (polled[PEERS_MAX].revents)
			welcome(listener, owner, free_place);
	}
}

static int run(int fd)
{
	struct peer peers[PEERS_MAX];
	struct owner owner = { 0 };
	socklen_t size = sizeof(int);
	int listening = 0, error;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
	    (listening && find_owner(fd, &owner) < 0))
		return fail_errno("its socket");
	error = lockdown();
	if (error)
		return fail("can't give up privileges", strerror(-error));
	for (size_t i = 0; i < PEERS_MAX; i++)
		peers[i] = (struct peer){ -1, false };
	if (!listening)
		peers[0].fd = fd;
	error = serve(peers, listening ? fd : -1, &owner);
	return error ? fail("poll", strerror(-error)) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *why;
	int fd;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("vigil-helper " VERSION) < 0;
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--listen")))
		return usage(stderr);
	why = lockdown_check();
	if (why)
		return fail("not started", why);
	fd = argc == 3 ? make_socket(argv[2]) : inherited_socket();
	if (fd < 0)
		return fail("no socket", strerror(-fd));
	return run(fd);
}
