/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While a call is answered, nothing more is read: whoever sends more waits in its own
 * socket buffer. All that a callback may free is touched last.
 */
#include "agent/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/varlink.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { READ_BYTES = 64 * 1024, READS_PER_WAKE = 16 };

static bool busy(const struct client *client)
{
	return client->call || client_backlog(client) > 0;
}

static void update_interest(struct client *client)
{
	uint32_t events = 0;

	if (!busy(client) && !client->input_ended)
		events |= EPOLLIN;
	if (client_backlog(client) > 0)
		events |= EPOLLOUT;
	sd_event_source_set_io_events(client->source, events);
}

static int flush_output(struct client *client)
{
	while (client_backlog(client) > 0) {
		ssize_t put = send(client->fd, client->output.data + client->sent,
				   client_backlog(client), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return 0;
		if (put < 0)
			return -errno;
		client->sent += (size_t)put;
		client->stalled_since = clock_s();
	}
	client->sent = 0;
	client->stalled_since = 0;
	/* A large reply's memory is not kept for the next small one. */
	if (client->output.capacity_bytes > READ_BYTES)
		buffer_done(&client->output);
	else
		buffer_clear(&client->output);
	return 0;
}

/* Return: 1 when there was one, 0 when none is whole yet, or -errno. */
static int next_message(struct client *client)
{
	auto_buffer struct buffer message = BUFFER_NULL, rest = BUFFER_NULL;
	char *start = client->input.data, *end;
	size_t used;

	if (client->input.size_bytes == client->scanned)
		return 0;
	end = memchr(start + client->scanned, '\0',
		     client->input.size_bytes - client->scanned);
	if (!end) {
		client->scanned = client->input.size_bytes;
		return 0;
	}
	used = (size_t)(end - start);
	/* What comes after it, 64 KiB at most, moves to a buffer of its own. */
	buffer_add(&rest, end + 1, client->input.size_bytes - used - 1);
	if (rest.error)
		return rest.error;
	message = client->input;
	client->input = rest;
	rest = (struct buffer)BUFFER_NULL;
	client->scanned = 0;
	client->partial_since = client->input.size_bytes > 0 ? clock_s() : 0;
	client->idle_since = clock_s();
	return client->on_message(client, message.data, used) < 0 ? -EPROTO : 1;
}

static int take_messages(struct client *client)
{
	while (!busy(client)) {
		int result = next_message(client);

		if (result <= 0)
			return result;
	}
	return 0;
}

static int read_some(struct client *client)
{
	size_t max = client->privileged ? VARLINK_MESSAGE_MAX : CLIENT_MESSAGE_MAX;
	char chunk[READ_BYTES];
	ssize_t got = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	if (got == 0) {
		client->input_ended = true;
		return -EAGAIN;
	}
	if (client->input.size_bytes + (size_t)got > max + sizeof(chunk))
		return -EMSGSIZE;
	buffer_add(&client->input, chunk, (size_t)got);
	if (!client->partial_since)
		client->partial_since = clock_s();
	return client->input.error;
}

static int serve(struct client *client, uint32_t events)
{
	int error = flush_output(client);

	if (error)
		return error;
	if (events & EPOLLERR)
		return -EPIPE;
	for (int i = 0; i < READS_PER_WAKE && !busy(client); i++) {
		error = take_messages(client);
		if (error)
			return error;
		if (busy(client) || client->input_ended)
			break;
		error = read_some(client);
		if (error == -EAGAIN)
			break;
		if (error)
			return error;
	}
	error = take_messages(client);
	if (error)
		return error;
	/* Gone, or done with asking and answered. */
	if ((events & EPOLLHUP) || (client->input_ended && !busy(client)))
		return -EPIPE;
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct client *client = context;

	(void)source;
	(void)fd;
	if (serve(client, events) < 0)
		client->on_end(client);
	else
		update_interest(client);
	return 0;
}

int client_start(struct client *client, sd_event *event)
{
	client->idle_since = clock_s();
	return sd_event_add_io(event, &client->source, client->fd, EPOLLIN, on_io,
			       client);
}

void client_done(struct client *client)
{
	client->source = sd_event_source_disable_unref(client->source);
	close(client->fd);
	buffer_done(&client->input);
	buffer_done(&client->output);
}

int client_send(struct client *client, json_t *message)
{
	auto_free char *text = json_dumps(message, JSON_COMPACT);
	size_t size_bytes;

	if (!text)
		return -ENOMEM;
	size_bytes = strlen(text) + 1;
	if (size_bytes > VARLINK_MESSAGE_MAX)
		return -ENOBUFS;
	buffer_add(&client->output, text, size_bytes);
	if (client->output.error)
		return -ENOMEM;
	if (!client->stalled_since)
		client->stalled_since = clock_s();
	/* It is written when the loop comes round: no callback can free the client
	   under whoever sends. */
	update_interest(client);
	return 0;
}

size_t client_backlog(const struct client *client)
{
	return client->output.size_bytes - client->sent;
}

bool client_expired(const struct client *client, int64_t now)
{
	if (client->stalled_since && now - client->stalled_since > CLIENT_STALLED_S)
		return true;
	if (busy(client))
		return false;
	if (client->partial_since && now - client->partial_since > CLIENT_PARTIAL_S)
		return true;
	return now - client->idle_since > CLIENT_IDLE_S;
}

void client_resume(struct client *client)
{
	client->idle_since = clock_s();
	client->partial_since = client->input.size_bytes > 0 ? clock_s() : 0;
	/* What waits in our own buffer raises no EPOLLIN; being writable does. */
	sd_event_source_set_io_events(client->source, EPOLLIN | EPOLLOUT);
}
