/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers and clients of the rules test: real sockets in real namespaces. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/harness.h"

/* A busy machine may take its time to answer; silence must end some time. */
enum { ANSWER_MS = 3000, SILENCE_MS = 200, PORTS_MAX = 8, SERVER_SOCKETS = 256 };

/* What a client sees. */
enum answer { OPEN, REFUSED, PROHIBITED, SILENT };

static const char *const answer_names[] = { "open", "refused", "prohibited", "silent" };

struct attempt {
	enum answer answer;
	char seen[INET6_ADDRSTRLEN]; /* our address as the server saw it */
};

/* Every namespace serves these ports, by TCP and UDP. */
static const uint16_t served[PORTS_MAX] = { 22, 25, 53, 80, 443, 5000, 5001, 8443 };

static inline void peers_must(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static inline void format_peer(const struct sockaddr_in6 *peer,
			       char out[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		inet_ntop(AF_INET, peer->sin6_addr.s6_addr + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &peer->sin6_addr, out, INET6_ADDRSTRLEN);
}

static inline int serve_port(int type, uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1;

	peers_must(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	peers_must(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	if (type == SOCK_STREAM)
		peers_must(listen(fd, 64) == 0, "listen");
	return fd;
}

static inline void answer_datagram(int fd)
{
	char data[256], seen[INET6_ADDRSTRLEN];
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(peer);

	if (recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&peer, &size) < 0)
		return;
	format_peer(&peer, seen);
	sendto(fd, seen, sizeof(seen), 0, (struct sockaddr *)&peer, size);
}

/* Tell each who connects its own address, and again for each byte that it sends. */
static inline int accept_stream(int fd)
{
	char seen[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(peer);
	int stream = accept(fd, (struct sockaddr *)&peer, &size);

	if (stream < 0)
		return -1;
	format_peer(&peer, seen);
	send(stream, seen, sizeof(seen), MSG_NOSIGNAL);
	return stream;
}

static inline bool answer_stream(int fd)
{
	char byte, reply[INET6_ADDRSTRLEN] = "again";

	return recv(fd, &byte, 1, 0) == 1 &&
	       send(fd, reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

static inline void serve_forever(void)
{
	struct pollfd fds[SERVER_SOCKETS] = { 0 };
	nfds_t count = 0, listening;

	for (size_t i = 0; i < PORTS_MAX; i++) {
		fds[count++].fd = serve_port(SOCK_STREAM, served[i]);
		fds[count++].fd = serve_port(SOCK_DGRAM, served[i]);
	}
	listening = count;
	for (;;) {
		for (nfds_t i = 0; i < count; i++)
			fds[i].events = POLLIN;
		peers_must(poll(fds, count, -1) >= 0, "poll");
		for (nfds_t i = count; i-- > listening;) {
			if (!fds[i].revents || answer_stream(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--count];
		}
		for (nfds_t i = 0; i < listening; i++) {
			if (fds[i].revents && i % 2)
				answer_datagram(fds[i].fd);
			else if (fds[i].revents && count < SERVER_SOCKETS)
				fds[count++].fd = accept_stream(fds[i].fd);
		}
	}
}

/* @place: a neighbour, or 0 for this namespace. The child dies with us. */
static inline pid_t serve(pid_t place)
{
	pid_t pid = fork();

	peers_must(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (place)
			harness_visit(place);
		serve_forever();
	}
	return pid;
}

static inline socklen_t fill_address(const char *text, uint16_t port,
				     struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	peers_must(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1, text);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static inline enum answer answer_of_error(int error)
{
	if (error == ECONNREFUSED)
		return REFUSED;
	if (error == EHOSTUNREACH || error == EACCES)
		return PROHIBITED;
	return SILENT;
}

/* A connected, non-blocking socket, from @source unless NULL. */
static inline int start(int type, const char *source, const char *destination,
			uint16_t port, enum answer *answer)
{
	struct sockaddr_storage to, from;
	socklen_t size = fill_address(destination, port, &to);
	int fd = socket(to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	peers_must(fd >= 0, "socket");
	if (source) {
		socklen_t from_size = fill_address(source, 0, &from);

		peers_must(bind(fd, (struct sockaddr *)&from, from_size) == 0, source);
	}
	*answer = OPEN;
	if (connect(fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)
		*answer = answer_of_error(errno);
	return fd;
}

/* Wait for what the server says first. */
static inline enum answer wait_for(int fd, int timeout_ms, char seen[INET6_ADDRSTRLEN])
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	ssize_t size;

	if (poll(&pollfd, 1, timeout_ms) == 0)
		return SILENT;
	size = recv(fd, seen, INET6_ADDRSTRLEN, 0);
	return size > 0 ? OPEN : answer_of_error(size < 0 ? errno : 0);
}

static inline struct attempt try_here(int type, const char *source,
				      const char *destination, uint16_t port,
				      int timeout_ms)
{
	struct attempt attempt = { .answer = OPEN };
	int fd = start(type, source, destination, port, &attempt.answer);

	/* What is dropped on its way out is EPERM; a reject follows by itself. */
	if (attempt.answer == OPEN && type == SOCK_DGRAM && send(fd, "?", 1, 0) < 0 &&
	    errno != EPERM)
		attempt.answer = answer_of_error(errno);
	if (attempt.answer == OPEN)
		attempt.answer = wait_for(fd, timeout_ms, attempt.seen);
	close(fd);
	return attempt;
}

/* Do something in a neighbour's namespace (0: in ours). */
static inline struct attempt try_from(pid_t place, int type, const char *source,
				      const char *destination, uint16_t port,
				      int timeout_ms)
{
	struct attempt attempt = { 0 };
	int ends[2];
	pid_t pid;

	if (!place)
		return try_here(type, source, destination, port, timeout_ms);
	peers_must(pipe(ends) == 0, "pipe");
	pid = fork();
	peers_must(pid >= 0, "fork");
	if (pid == 0) {
		harness_visit(place);
		attempt = try_here(type, source, destination, port, timeout_ms);
		_exit(write(ends[1], &attempt, sizeof(attempt)) != sizeof(attempt));
	}
	close(ends[1]);
	peers_must(read(ends[0], &attempt, sizeof(attempt)) == sizeof(attempt), "read");
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return attempt;
}

/* A stream that a child in a neighbour's namespace holds open, and speaks on for each
 * byte that it is told. */
struct stream {
	pid_t pid;
	int control;
	bool open;
};

static inline void hold_stream(int control, const char *destination, uint16_t port,
			       int timeout_ms)
{
	char order, seen[INET6_ADDRSTRLEN];
	enum answer answer;
	int fd = start(SOCK_STREAM, NULL, destination, port, &answer);
	bool well = answer == OPEN && wait_for(fd, timeout_ms, seen) == OPEN;

	while (write(control, &well, sizeof(well)) == sizeof(well) &&
	       read(control, &order, 1) == 1)
		well = send(fd, "?", 1, MSG_NOSIGNAL) == 1 &&
		       wait_for(fd, timeout_ms, seen) == OPEN;
	_exit(0);
}

static inline bool stream_well(struct stream *stream)
{
	bool well = false;

	peers_must(read(stream->control, &well, sizeof(well)) == sizeof(well), "read");
	return well;
}

static inline struct stream stream_open(pid_t place, const char *destination,
					uint16_t port, bool expected)
{
	struct stream stream = { 0 };
	int ends[2];

	peers_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
			   (stream.pid = fork()) >= 0,
		   "fork");
	if (stream.pid == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		harness_visit(place);
		hold_stream(ends[1], destination, port,
			    expected ? ANSWER_MS : SILENCE_MS);
	}
	close(ends[1]);
	stream.control = ends[0];
	stream.open = stream_well(&stream);
	return stream;
}

/* Whether a question is answered on the stream. */
static inline bool stream_talk(struct stream *stream)
{
	peers_must(write(stream->control, "?", 1) == 1, "write");
	return stream_well(stream);
}

static inline void stream_close(struct stream *stream)
{
	/* Later children have the descriptor as well. */
	shutdown(stream->control, SHUT_RDWR);
	close(stream->control);
	waitpid(stream->pid, NULL, 0);
}
