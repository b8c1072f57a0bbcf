/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's end. */
#include "agent/varlink.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum {
	READ_BYTES = 64 * 1024,
	/* A policy with millions of feed entries takes a while to compile and load. */
	REPLY_TIMEOUT_MS = 300 * 1000,
	NO_TIMEOUT = -1,
	/* Each takes some 200 bytes once it is read. */
	BRACKETS_MAX = 1000 * 1000,
};

int varlink_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(fd);
}

static int send_message(int fd, json_t *message)
{
	auto_free char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	size_t left;

	if (!text)
		return -ENOMEM;
	left = strlen(text) + 1;
	if (left > VARLINK_MESSAGE_MAX)
		return -EMSGSIZE;
	for (const char *at = text; left > 0;) {
		ssize_t put = send(fd, at, left, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		left -= (size_t)put;
	}
	return 0;
}

static int send_call(int fd, const char *method, json_t *parameters, bool more)
{
	json_t *message = json_pack("{s:s+, s:O, s:b}", "method", VARLINK_INTERFACE ".",
				    method, "parameters", parameters, "more", more);
	int error = send_message(fd, message);

	json_decref(message);
	return error;
}

/* Return: 0 when there is something to read, -ETIMEDOUT or -errno. */
static int wait_readable(int fd, int64_t deadline_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t rest =
			deadline_ms == NO_TIMEOUT ? -1 : deadline_ms - clock_ms();
		int ready;

		if (deadline_ms != NO_TIMEOUT && rest <= 0)
			return -ETIMEDOUT;
		ready = poll(&wait, 1, (int)rest);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

static int read_more(int fd, struct buffer *input, int64_t deadline_ms)
{
	char chunk[READ_BYTES];
	int error = wait_readable(fd, deadline_ms);
	ssize_t got;

	if (error)
		return error;
	got = recv(fd, chunk, sizeof(chunk), 0);
	if (got < 0)
		return errno == EINTR ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	if (input->size_bytes + (size_t)got > VARLINK_MESSAGE_MAX + sizeof(chunk))
		return -EPROTO;
	buffer_add(input, chunk, (size_t)got);
	return input->error;
}

/* Root may ask, and an agent that was taken over answer. Those in texts count as well.
 */
static bool few_brackets(const char *text, size_t size_bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < size_bytes; i++)
		count += text[i] == '{' || text[i] == '[';
	return count <= BRACKETS_MAX;
}

/* The next message; what was read beyond it stays in @input. */
static int read_message(int fd, struct buffer *input, int64_t deadline_ms, json_t **ret)
{
	size_t scanned = 0, used;
	char *end = NULL;

	for (;;) {
		int error;

		if (input->size_bytes > scanned)
			end = memchr(input->data + scanned, '\0',
				     input->size_bytes - scanned);
		if (end)
			break;
		scanned = input->size_bytes;
		error = read_more(fd, input, deadline_ms);
		if (error)
			return error;
	}
	used = (size_t)(end - input->data) + 1;
	*ret = few_brackets(input->data, used - 1)
		       ? json_loadb(input->data, used - 1, JSON_REJECT_DUPLICATES, NULL)
		       : NULL;
	memmove(input->data, input->data + used, input->size_bytes - used);
	input->size_bytes -= used;
	return json_is_object(*ret) ? 0 : -EPROTO;
}

/* "io.vigil.Agent.Busy" is told as "Busy". */
static void short_name(const char *name, char out[static 64])
{
	const char *dot = name ? strrchr(name, '.') : NULL;

	out[0] = '\0';
	if (name)
		strncat(out, dot ? dot + 1 : name, 63);
}

static int read_reply(int fd, struct buffer *input, int64_t deadline_ms,
		      json_t **parameters, bool *continues, char error[static 64])
{
	json_t *message = NULL;
	int result = read_message(fd, input, deadline_ms, &message);

	if (!result) {
		json_t *value = json_object_get(message, "parameters");

		short_name(json_string_value(json_object_get(message, "error")), error);
		*continues = json_is_true(json_object_get(message, "continues"));
		*parameters =
			json_is_object(value) ? json_incref(value) : json_object();
		if (!*parameters)
			result = -ENOMEM;
	}
	json_decref(message);
	return result;
}

int varlink_call(int fd, const char *method, json_t *parameters, json_t **ret,
		 char error[static 64])
{
	auto_buffer struct buffer input = BUFFER_NULL;
	json_t *none = json_object();
	bool continues = false;
	int result;

	error[0] = '\0';
	result = send_call(fd, method, parameters ? parameters : none, false);
	json_decref(none);
	if (result)
		return result;
	return read_reply(fd, &input, clock_ms() + REPLY_TIMEOUT_MS, ret, &continues,
			  error);
}

int varlink_stream(int fd, const char *method, json_t *parameters,
		   int (*on_reply)(json_t *parameters, void *context), void *context,
		   char error[static 64])
{
	auto_buffer struct buffer input = BUFFER_NULL;
	json_t *none = json_object();
	bool continues = true;
	int result;

	error[0] = '\0';
	result = send_call(fd, method, parameters ? parameters : none, true);
	json_decref(none);
	while (!result && continues) {
		json_t *reply = NULL;

		result = read_reply(fd, &input, NO_TIMEOUT, &reply, &continues, error);
		if (!result && !error[0])
			result = on_reply(reply, context);
		json_decref(reply);
	}
	return result;
}
