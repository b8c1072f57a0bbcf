/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one connection may send, hold and wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/client.h"
#include "agent/varlink.h"
#include "base/cleanup.h"

static sd_event *event;
static struct client client;
static int peer;
static size_t messages, longest;
static bool ended;

static int on_message(struct client *of, const char *text, size_t size_bytes)
{
	assert_ptr_equal(of, &client);
	assert_int_equal(text[size_bytes], '\0');
	messages++;
	longest = size_bytes > longest ? size_bytes : longest;
	return 0;
}

static void on_end(struct client *of)
{
	client_done(of);
	ended = true;
}

static void start(bool privileged)
{
	int ends[2];

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				    0, ends),
			 0);
	peer = ends[0];
	messages = longest = 0;
	ended = false;
	client = (struct client){ .fd = ends[1],
				  .privileged = privileged,
				  .on_message = on_message,
				  .on_end = on_end };
	assert_true(client_start(&client, event) >= 0);
}

static void stop(void)
{
	if (!ended)
		client_done(&client);
	close(peer);
	sd_event_unref(event);
}

static void turn(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

static void say(size_t size_bytes, char last)
{
	auto_free char *text = malloc(size_bytes);
	size_t sent = 0;

	assert_non_null(text);
	memset(text, 'x', size_bytes);
	text[size_bytes - 1] = last;
	while (sent < size_bytes && !ended) {
		ssize_t put = send(peer, text + sent, size_bytes - sent, MSG_NOSIGNAL);

		sent += put > 0 ? (size_t)put : 0;
		turn();
	}
}

static void who_may_only_ask_has_to_be_brief(void **state)
{
	(void)state;
	start(false);
	say(CLIENT_MESSAGE_MAX, '\0');
	assert_int_equal(messages, 1);
	assert_int_equal(longest, CLIENT_MESSAGE_MAX - 1);
	say(4 * CLIENT_MESSAGE_MAX, 'x');
	assert_true(ended);
	assert_int_equal(messages, 1);
	stop();
}

static void who_may_change_things_can_send_a_policy(void **state)
{
	(void)state;
	start(true);
	say(10 * 1024 * 1024, '\0');
	assert_false(ended);
	assert_int_equal(messages, 1);
	stop();
}

static void silence_is_borne_for_a_while(void **state)
{
	(void)state;
	start(false);
	assert_false(client_expired(&client, client.idle_since + CLIENT_IDLE_S));
	assert_true(client_expired(&client, client.idle_since + CLIENT_IDLE_S + 1));
	stop();
}

static void half_a_message_is_borne_for_less(void **state)
{
	int64_t since;

	(void)state;
	start(false);
	say(5, 'x');
	since = --client.partial_since;
	assert_false(client_expired(&client, since + CLIENT_PARTIAL_S));
	assert_true(client_expired(&client, since + CLIENT_PARTIAL_S + 1));
	/* More of the same doesn't buy time, the rest does. */
	say(5, 'x');
	assert_int_equal(client.partial_since, since);
	say(5, '\0');
	assert_int_equal(messages, 1);
	assert_false(client_expired(&client, since + CLIENT_PARTIAL_S + 1));
	stop();
}

static void send_large(size_t size_bytes, int wanted)
{
	auto_free char *text = calloc(1, size_bytes + 1);
	json_t *message;

	assert_non_null(text);
	memset(text, 'x', size_bytes);
	message = json_pack("{s:s}", "text", text);
	assert_int_equal(client_send(&client, message), wanted);
	json_decref(message);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
	(void)state;
	start(false);
	send_large(4 * 1024 * 1024, 0);
	turn();
	assert_true(client_backlog(&client) > 0);
	assert_false(client_expired(&client, client.stalled_since + CLIENT_STALLED_S));
	assert_true(
		client_expired(&client, client.stalled_since + CLIENT_STALLED_S + 1));
	stop();
}

static void what_was_read_counts_no_longer(void **state)
{
	char chunk[65536];
	size_t got = 0;

	(void)state;
	start(false);
	send_large(1024 * 1024, 0);
	while (client_backlog(&client) > 0 && !ended) {
		ssize_t r = recv(peer, chunk, sizeof(chunk), 0);

		got += r > 0 ? (size_t)r : 0;
		turn();
	}
	assert_true(got > 0);
	assert_int_equal(client.output.size_bytes, 0);
	assert_false(client_expired(&client, client.idle_since + CLIENT_STALLED_S + 1));
	stop();
}

static void a_reply_beyond_all_bounds_is_not_queued(void **state)
{
	(void)state;
	start(true);
	send_large(VARLINK_MESSAGE_MAX, -ENOBUFS);
	assert_int_equal(client_backlog(&client), 0);
	stop();
}

/* However long it takes to answer: the caller waits for us. */
static void who_waits_for_an_answer_does_not_expire(void **state)
{
	(void)state;
	start(false);
	client.call = (void *)&client;
	assert_false(client_expired(&client, client.idle_since + 10 * CLIENT_IDLE_S));
	say(5, '\0');
	assert_int_equal(messages, 0);
	client.call = NULL;
	client_resume(&client);
	turn();
	assert_int_equal(messages, 1);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_only_ask_has_to_be_brief),
		cmocka_unit_test(who_may_change_things_can_send_a_policy),
		cmocka_unit_test(silence_is_borne_for_a_while),
		cmocka_unit_test(half_a_message_is_borne_for_less),
		cmocka_unit_test(who_does_not_read_is_not_waited_for),
		cmocka_unit_test(what_was_read_counts_no_longer),
		cmocka_unit_test(a_reply_beyond_all_bounds_is_not_queued),
		cmocka_unit_test(who_waits_for_an_answer_does_not_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
