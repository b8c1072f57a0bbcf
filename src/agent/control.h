/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The varlink server: who may call what, and the interface that all services have. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

enum {
	CONTROL_CLIENTS_MAX = 32,
	CONTROL_RESERVED = 4, /* places that only those who may change things get */
};

/* One method call that waits for its answer. */
struct call {
	struct client *client; /* NULL once the caller is gone */
	struct control *control;
	json_t *parameters; /* an object */
	bool more;          /* several replies are wanted */
	bool oneway;        /* none is */
	/* Set by a method that keeps the call for longer: the caller is gone. It must
	   then still be ended, by call_end(). */
	void (*on_gone)(struct call *call);
	void *state; /* the method's own */
};

struct control_method {
	const char *name; /* without the interface */
	bool privileged;  /* changes things */
	bool stream;      /* makes no sense without "more" */
	/* Ends the call now or later by call_reply(), call_error() or call_end(). */
	void (*run)(struct call *call, void *context);
	const char *const *parameters; /* the names it takes, NULL-terminated */
};

struct control_service {
	const char *interface;
	const char *description; /* the interface in varlink's own language */
	const struct control_method *methods;
	size_t method_count;
	void *context; /* for the methods */
};

struct control;

/**
 * control_new() - Serve
 * @listen_fd: a listening stream socket; taken over, also on failure
 * @service:   borrowed
 *
 * Return: 0 or -errno.
 */
int control_new(sd_event *event, int listen_fd, const struct control_service *service,
		struct control **ret);
void control_free(struct control *control);

/** control_listen() - Make the socket, mode 0600: a group that may ask the agent is not
 * the one that may ask the helper. Return: a descriptor or -errno. */
int control_listen(const char *path);

/** call_reply() - The last reply. @parameters (taken over) may be NULL for none. */
void call_reply(struct call *call, json_t *parameters);

/** call_error() - An error instead. @error with its interface; @parameters taken over,
 * may be NULL. */
void call_error(struct call *call, const char *error, json_t *parameters);

/** call_continue() - One reply of several. Takes @parameters over. Does nothing when
 * the caller is gone. */
void call_continue(struct call *call, json_t *parameters);

/** call_invalid() - Answer that the parameter of this name can't be so. */
void call_invalid(struct call *call, const char *parameter);

/** call_end() - Release a call whose caller is gone. */
void call_end(struct call *call);

/** call_backlog() - Bytes that the caller has not read yet. */
size_t call_backlog(const struct call *call);
