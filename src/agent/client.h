/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the control socket: bounded in what it may send, hold and wait. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/buffer.h"

enum {
	CLIENT_MESSAGE_MAX = 64 * 1024, /* of who may only ask */
	CLIENT_PARTIAL_S = 10,          /* to send the rest of a message */
	CLIENT_STALLED_S = 10,          /* to read some of what was sent */
	CLIENT_IDLE_S = 600,            /* to say something */
};

struct call;

struct client {
	int fd;
	bool privileged; /* may change things */
	sd_event_source *source;
	struct buffer input;
	size_t scanned; /* bytes of @input that hold no NUL */
	struct buffer output;
	size_t sent;       /* bytes of @output that are gone */
	struct call *call; /* the one that is being answered, or NULL */
	bool input_ended;
	int64_t partial_since, stalled_since, idle_since; /* monotonic s, 0: not */
	/* A whole message; borrowed. A negative return ends the connection. */
	int (*on_message)(struct client *client, const char *text, size_t size_bytes);
	/* The connection is over and must be freed. */
	void (*on_end)(struct client *client);
	void *context;
};

/**
 * client_start() - Serve a connection
 * @client: filled by the caller: fd (taken over), privileged, callbacks, context; else
 * zero
 */
int client_start(struct client *client, sd_event *event);

/** client_done() - Close and release what it holds, not the client itself. */
void client_done(struct client *client);

/**
 * client_send() - Queue one message
 *
 * Return: 0, -ENOBUFS when it is larger than VARLINK_MESSAGE_MAX or -ENOMEM. Errors of
 * the connection show in on_end().
 */
int client_send(struct client *client, json_t *message);

/** client_backlog() - Bytes that the peer has not read yet. */
size_t client_backlog(const struct client *client);

/** client_expired() - Whether it broke one of the bounds above by @now (monotonic s).
 */
bool client_expired(const struct client *client, int64_t now);

/** client_resume() - Its call was answered: go on with what it sent meanwhile. */
void client_resume(struct client *client);
