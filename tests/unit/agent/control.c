/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service on a socket of its own, and callers that behave and that do not. */
#include "agent/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/client.h"

static sd_event *event;
static struct control *control;
static char path[64];
static struct call *kept;
static bool gone;

static void on_gone(struct call *call)
{
	gone = true;
	call_end(call);
}

static void echo(struct call *call, void *context)
{
	(void)context;
	call_reply(call, json_incref(call->parameters));
}

static void keep(struct call *call, void *context)
{
	(void)context;
	kept = call;
	call->on_gone = on_gone;
}

static const char *const words[] = { "word", NULL };

static const struct control_method methods[] = {
	{ .name = "Echo", .run = echo, .parameters = words },
	{ .name = "Keep", .run = keep },
	{ .name = "Stream", .run = keep, .stream = true },
};

static const struct control_service service = {
	.interface = "test.Service",
	.description = "interface test.Service",
	.methods = methods,
	.method_count = sizeof(methods) / sizeof(*methods),
};

static int begin(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/vigil-test-%d.sock", getpid());
	fd = control_listen(path);
	kept = NULL;
	gone = false;
	return fd < 0 || sd_event_new(&event) < 0 ||
	       control_new(event, fd, &service, &control) < 0;
}

static int end(void **state)
{
	(void)state;
	control_free(control);
	sd_event_unref(event);
	return unlink(path);
}

/* Let the service do all that it has to do now. */
static void turn(void)
{
	while (sd_event_run(event, 20000) > 0)
		;
}

static int caller(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn();
	return fd;
}

static void say_bytes(int fd, const char *text, size_t size_bytes)
{
	assert_int_equal(send(fd, text, size_bytes, MSG_NOSIGNAL), size_bytes);
	turn();
}

static void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text) + 1);
}

/* The next message of the service; "" for none by now, NULL when it hung up. */
static const char *heard(int fd)
{
	static char text[65536];
	ssize_t got;

	turn();
	got = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_PEEK);
	if (got == 0 || (got < 0 && errno != EAGAIN))
		return NULL;
	text[got < 0 ? 0 : got] = '\0';
	if (got > 0)
		assert_true(recv(fd, text, strlen(text) + 1, 0) > 0);
	return text;
}

static void answers_a_call(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Echo\",\"parameters\":{\"word\":\"hi\"}}");
	assert_string_equal(heard(fd), "{\"parameters\":{\"word\":\"hi\"}}");
	close(fd);
}

static void puts_pieces_together(void **state)
{
	const char *text = "{\"method\":\"test.Service.Echo\"}";
	int fd = caller();

	(void)state;
	for (size_t i = 0; i <= strlen(text); i++)
		say_bytes(fd, text + i, 1);
	assert_string_equal(heard(fd), "{\"parameters\":{}}");
	close(fd);
}

static void answers_one_call_after_the_other(void **state)
{
	static const char two[] = "{\"method\":\"test.Service.Keep\"}\0"
				  "{\"method\":\"test.Service.Echo\"}";
	int fd = caller();

	(void)state;
	say_bytes(fd, two, sizeof(two));
	assert_string_equal(heard(fd), "");
	assert_non_null(kept);
	call_reply(kept, json_pack("{s:i}", "n", 1));
	assert_string_equal(heard(fd), "{\"parameters\":{\"n\":1}}");
	assert_string_equal(heard(fd), "{\"parameters\":{}}");
	close(fd);
}

static void answers_when_the_caller_has_ended_its_part(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Keep\"}");
	shutdown(fd, SHUT_WR);
	turn();
	assert_false(gone);
	call_reply(kept, NULL);
	assert_string_equal(heard(fd), "{\"parameters\":{}}");
	assert_null(heard(fd));
	close(fd);
}

static void streams_until_the_caller_hangs_up(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Stream\"}");
	assert_non_null(strstr(heard(fd), "ExpectedMore"));
	say(fd, "{\"method\":\"test.Service.Stream\",\"more\":true}");
	call_continue(kept, json_pack("{s:i}", "n", 1));
	call_continue(kept, json_pack("{s:i}", "n", 2));
	turn();
	assert_true(call_backlog(kept) == 0);
	assert_string_equal(heard(fd), "{\"parameters\":{\"n\":1},\"continues\":true}");
	close(fd);
	turn();
	assert_true(gone);
}

static void a_late_answer_to_nobody_is_no_harm(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Keep\"}");
	kept->on_gone = NULL;
	close(fd);
	turn();
	assert_null(kept->client);
	call_continue(kept, json_object());
	call_reply(kept, json_object());
}

static void oneway_gets_no_reply(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Echo\",\"oneway\":true}");
	say(fd, "{\"method\":\"test.Service.Keep\",\"oneway\":true}");
	say(fd, "{\"method\":\"test.Service.Echo\",\"parameters\":{\"word\":1}}");
	assert_string_equal(heard(fd), "");
	call_reply(kept, NULL);
	assert_string_equal(heard(fd), "{\"parameters\":{\"word\":1}}");
	close(fd);
}

static void tells_what_is_wrong_with_a_call(void **state)
{
	static const char *const calls[][2] = {
		{ "test.Service.Nope", "org.varlink.service.MethodNotFound" },
		{ "test.Nope.Echo", "org.varlink.service.InterfaceNotFound" },
		{ "Echo", "org.varlink.service.InterfaceNotFound" },
		{ "", "org.varlink.service.InterfaceNotFound" },
		{ "org.varlink.service.Nope", "org.varlink.service.MethodNotFound" },
		{ "org.varlink.service.GetInterfaceDescription",
		  "org.varlink.service.InvalidParameter" },
	};
	char text[256];
	int fd = caller();

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		snprintf(text, sizeof(text), "{\"method\":\"%s\"}", calls[i][0]);
		say(fd, text);
		assert_non_null(strstr(heard(fd), calls[i][1]));
	}
	say(fd, "{\"method\":\"test.Service.Echo\",\"parameters\":{\"wrod\":1}}");
	assert_string_equal(heard(fd), "{\"error\":\"org.varlink.service."
				       "InvalidParameter\",\"parameters\":{"
				       "\"parameter\":\"wrod\"}}");
	say(fd, "{\"method\":\"test.Service.Echo\",\"upgrade\":true}");
	assert_non_null(strstr(heard(fd), "MethodNotImplemented"));
	close(fd);
}

static void describes_itself(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"org.varlink.service.GetInfo\"}");
	assert_non_null(strstr(heard(fd), "\"interfaces\":[\"org.varlink.service\","
					  "\"test.Service\"]"));
	say(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		"\"parameters\":{\"interface\":\"test.Service\"}}");
	assert_string_equal(heard(fd), "{\"parameters\":{\"description\":"
				       "\"interface test.Service\"}}");
	close(fd);
}

static void hangs_up_on_what_is_no_call(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"[]",
		"{}",
		"{\"method\":1}",
		"{\"method\":\"a.B\"",
		"{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"method\":\"a.B\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int fd = caller();

		say(fd, texts[i]);
		assert_null(heard(fd));
		close(fd);
	}
}

static void serves_no_more_than_it_can_bear(void **state)
{
	int fds[CONTROL_CLIENTS_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		fds[i] = caller();
	assert_string_equal(heard(fds[CONTROL_CLIENTS_MAX - 1]), "");
	assert_null(heard(fds[CONTROL_CLIENTS_MAX]));
	close(fds[0]);
	turn();
	fds[0] = caller();
	assert_string_equal(heard(fds[0]), "");
	for (size_t i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
}

static void forgets_nobody_when_it_ends(void **state)
{
	int fd = caller();

	(void)state;
	say(fd, "{\"method\":\"test.Service.Keep\"}");
	end(NULL);
	assert_true(gone);
	close(fd);
	begin(NULL);
}

static void bounds_run_out(void **state)
{
	struct client client = { .partial_since = 100, .idle_since = 100 };

	(void)state;
	assert_false(client_expired(&client, 100 + CLIENT_PARTIAL_S));
	assert_true(client_expired(&client, 101 + CLIENT_PARTIAL_S));
	client.partial_since = 0;
	assert_false(client_expired(&client, 100 + CLIENT_IDLE_S));
	assert_true(client_expired(&client, 101 + CLIENT_IDLE_S));
	/* Whoever waits for an answer may wait, but not let answers lie. */
	client.call = (struct call *)&client;
	assert_false(client_expired(&client, 101 + CLIENT_IDLE_S));
	client.stalled_since = 100;
	assert_false(client_expired(&client, 100 + CLIENT_STALLED_S));
	assert_true(client_expired(&client, 101 + CLIENT_STALLED_S));
}

#define with_service(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_service(answers_a_call),
		with_service(puts_pieces_together),
		with_service(answers_one_call_after_the_other),
		with_service(answers_when_the_caller_has_ended_its_part),
		with_service(streams_until_the_caller_hangs_up),
		with_service(a_late_answer_to_nobody_is_no_harm),
		with_service(oneway_gets_no_reply),
		with_service(tells_what_is_wrong_with_a_call),
		with_service(describes_itself),
		with_service(hangs_up_on_what_is_no_call),
		with_service(serves_no_more_than_it_can_bear),
		with_service(forgets_nobody_when_it_ends),
		cmocka_unit_test(bounds_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
