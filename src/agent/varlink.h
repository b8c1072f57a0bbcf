/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The varlink framing both ends share: JSON objects, each ended by a NUL (varlink.org).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define VARLINK_INTERFACE "io.vigil.Agent"

enum { VARLINK_MESSAGE_MAX = 24 * 1024 * 1024 };

/** varlink_connect() - Return: a blocking descriptor, or -errno. */
int varlink_connect(const char *path);

/**
 * varlink_call() - One method call and its one reply
 * @method:     without the interface's name, e.g. "Reload"
 * @parameters: borrowed; may be NULL
 * @ret:        the reply's parameters (also of an error); the caller decrefs
 * @error:      set to the error's short name ("" on success), 64 bytes
 *
 * Return: 0 when a reply came (look at @error), or -errno: -ETIMEDOUT, -EPROTO, ...
 */
int varlink_call(int fd, const char *method, json_t *parameters, json_t **ret,
		 char error[static 64]);

/**
 * varlink_stream() - A call with "more": @on_reply for each reply until it returns
 * non-zero, the stream ends, or the connection does
 */
int varlink_stream(int fd, const char *method, json_t *parameters,
		   int (*on_reply)(json_t *parameters, void *context), void *context,
		   char error[static 64]);
