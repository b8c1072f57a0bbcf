/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's end: bytes go in at a socket, and the loop turns until it is idle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/control.h"
#include "agent/varlink.h"
#include "base/buffer.h"
#include "base/cleanup.h"

static char folder[] = "/tmp/vigil-control-XXXXXX", path[64];
static sd_event *event;
static struct control *control;
static struct call *kept; /* one that is not answered yet */
static size_t gone;       /* callers who went while theirs was kept */

static void echo(struct call *call, void *context)
{
	(void)context;
	call_reply(call, json_incref(call->parameters));
}

static void on_gone(struct call *call)
{
	gone++;
	kept = NULL;
	call_end(call);
}

static void keep(struct call *call, void *context)
{
	(void)context;
	kept = call;
	call->on_gone = on_gone;
}

static void count(struct call *call, void *context)
{
	(void)context;
	for (int i = 1; i < 3; i++)
		call_continue(call, json_pack("{s:i}", "n", i));
	call_reply(call, json_pack("{s:i}", "n", 3));
}

static void fill(struct call *call, void *context)
{
	(void)context;
	auto_free char *text = calloc(1, VARLINK_MESSAGE_MAX + 1);

	assert_non_null(text);
	memset(text, 'x', VARLINK_MESSAGE_MAX);
	call_reply(call, json_pack("{s:s}", "text", text));
}

static const char *const echo_parameters[] = { "text", NULL };
static const struct control_method methods[] = {
	{ "Echo", .run = echo, .parameters = echo_parameters },
	{ "Keep", .run = keep },
	{ "Count", .stream = true, .run = count },
	{ "Fill", .run = fill },
};
static const struct control_service service = {
	.interface = VARLINK_INTERFACE,
	.description = "interface " VARLINK_INTERFACE "\n",
	.methods = methods,
	.method_count = ARRAY_SIZE(methods),
};

static int setup(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!mkdtemp(folder) || sd_event_new(&event) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	gone = 0;
	return control_new(event, control_listen(path), &service, &control);
}

static int teardown(void **state)
{
	(void)state;
	control_free(control);
	sd_event_unref(event);
	unlink(path);
	return rmdir(folder);
}

static void turn(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

static int connect_client(void)
{
	int fd = varlink_connect(path);

	assert_true(fd >= 0);
	turn();
	return fd;
}

static void say(int fd, const char *bytes, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t put = send(fd, bytes, size_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

		turn();
		if (put < 0 && errno != EAGAIN)
			return;
		bytes += put > 0 ? put : 0;
		size_bytes -= put > 0 ? (size_t)put : 0;
	}
}

/* All that has come, with NULs as line ends. Return: whether the connection lives. */
static bool hear(int fd, struct buffer *out)
{
	char chunk[65536];
	ssize_t got;

	buffer_clear(out);
	buffer_text(out, "");
	for (;;) {
		turn();
		got = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (got <= 0)
			return got < 0 && errno == EAGAIN;
		for (ssize_t i = 0; i < got; i++)
			if (!chunk[i])
				chunk[i] = '\n';
		buffer_add(out, chunk, (size_t)got);
	}
}

static void expect_words(int fd, const char *words)
{
	auto_buffer struct buffer heard = BUFFER_NULL;

	assert_true(hear(fd, &heard));
	if (!strstr(heard.data, words))
		fail_msg("\"%s\" is not in: %s", words, heard.data);
}

static void expect_end(int fd)
{
	auto_buffer struct buffer heard = BUFFER_NULL;

	assert_false(hear(fd, &heard));
	assert_string_equal(heard.data, "");
}

#define CALL(method, rest) "{\"method\":\"io.vigil.Agent." method "\"" rest "}"
#define ECHO(text) CALL("Echo", ",\"parameters\":{\"text\":\"" text "\"}")

static void a_call_may_come_in_any_pieces(void **state)
{
	static const char text[] = ECHO("abc");
	auto_fd int fd = connect_client();

	(void)state;
	for (size_t at_once = 1; at_once <= sizeof(text); at_once++) {
		auto_buffer struct buffer heard = BUFFER_NULL;

		for (size_t at = 0; at < sizeof(text); at += at_once)
			say(fd, text + at,
			    at + at_once < sizeof(text) ? at_once : sizeof(text) - at);
		assert_true(hear(fd, &heard));
		assert_string_equal(heard.data,
				    "{\"parameters\":{\"text\":\"abc\"}}\n");
	}
}

static void calls_that_come_together_are_answered_in_turn(void **state)
{
	static const char text[] = ECHO("a") "\0" ECHO("b") "\0" ECHO("c");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	assert_true(hear(fd, &heard));
	assert_string_equal(heard.data, "{\"parameters\":{\"text\":\"a\"}}\n"
					"{\"parameters\":{\"text\":\"b\"}}\n"
					"{\"parameters\":{\"text\":\"c\"}}\n");
}

static void who_hangs_up_after_asking_is_answered(void **state)
{
	static const char text[] = ECHO("a");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));
	shutdown(fd, SHUT_WR);
	assert_false(hear(fd, &heard));
	assert_string_equal(heard.data, "{\"parameters\":{\"text\":\"a\"}}\n");
}

static void what_is_no_call_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t size_bytes;
	} wrong[] = {
#define BYTES(text) { (text), sizeof(text) }
		BYTES(""),
		BYTES("x"),
		BYTES("[]"),
		BYTES("{}"),
		BYTES("{\"method\":5}"),
		BYTES("{\"method\":null}"),
		BYTES("{\"method\":\"a.b\",\"parameters\":[]}"),
		BYTES("{\"method\":\"a.b\",\"method\":\"a.c\"}"),
		BYTES("{\"method\":\"a.b\"} x"),
		BYTES("{\"method\":\"a.\xff\"}"),
		BYTES("{\"method\":\"a.b\""),
#undef BYTES
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_fd int fd = connect_client();

		say(fd, wrong[i].bytes, wrong[i].size_bytes);
		expect_end(fd);
	}
}

static void deep_nesting_and_long_names_end_the_connection(void **state)
{
	auto_buffer struct buffer deep = BUFFER_NULL, name = BUFFER_NULL;
	auto_fd int first = connect_client(), second = connect_client();

	(void)state;
	buffer_text(&deep, "{\"method\":\"a.b\",\"parameters\":{\"a\":");
	for (int i = 0; i < 30000; i++)
		buffer_text(&deep, "[");
	say(first, deep.data, deep.size_bytes + 1);
	expect_end(first);
	buffer_printf(&name, "{\"method\":\"a.%0200d\"}", 0);
	say(second, name.data, name.size_bytes + 1);
	expect_end(second);
}

static void a_call_without_end_is_cut_off(void **state)
{
	size_t size_bytes = VARLINK_MESSAGE_MAX + 1024 * 1024;
	auto_free char *text = malloc(size_bytes);
	auto_fd int fd = connect_client();

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size_bytes);
	say(fd, text, size_bytes);
	expect_end(fd);
}

static void unknown_names_are_told(void **state)
{
	static const struct {
		const char *call, *words;
	} wrong[] = {
		{ CALL("None", ""), "MethodNotFound\",\"parameters\":{\"method\":"
				    "\"io.vigil.Agent.None\"}" },
		{ "{\"method\":\"io.vigil.Agents.Echo\"}",
		  "InterfaceNotFound\",\"parameters\":{\"interface\":"
		  "\"io.vigil.Agents\"}" },
		{ "{\"method\":\"Echo\"}",
		  "InterfaceNotFound\",\"parameters\":{\"interface\":\"\"}" },
		{ "{\"method\":\"\"}", "InterfaceNotFound" },
		{ CALL("Echo", ",\"parameters\":{\"texts\":1}"),
		  "InvalidParameter\",\"parameters\":{\"parameter\":\"texts\"}" },
		{ CALL("Keep", ",\"parameters\":{\"text\":1}"), "InvalidParameter" },
		{ CALL("Count", ""), "ExpectedMore" },
		{ CALL("Echo", ",\"upgrade\":true"), "MethodNotImplemented" },
		{ "{\"method\":\"org.varlink.service.None\"}", "MethodNotFound" },
		{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
		  "InvalidParameter" },
		{ "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		  "\"parameters\":{\"interface\":\"a.b\"}}",
		  "InterfaceNotFound" },
	};
	auto_fd int fd = connect_client();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		say(fd, wrong[i].call, strlen(wrong[i].call) + 1);
		expect_words(fd, wrong[i].words);
	}
}

static void the_service_tells_about_itself(void **state)
{
	static const char info[] = "{\"method\":\"org.varlink.service.GetInfo\"}";
	static const char description[] =
		"{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		"\"parameters\":{\"interface\":\"io.vigil.Agent\"}}";
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, info, sizeof(info));
	expect_words(fd, "\"interfaces\":[\"org.varlink.service\",\"io.vigil.Agent\"]");
	say(fd, description, sizeof(description));
	expect_words(fd, "interface io.vigil.Agent");
}

static void more_brings_several_replies(void **state)
{
	static const char text[] = CALL("Count", ",\"more\":true");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	assert_true(hear(fd, &heard));
	assert_string_equal(heard.data,
			    "{\"parameters\":{\"n\":1},\"continues\":true}\n"
			    "{\"parameters\":{\"n\":2},\"continues\":true}\n"
			    "{\"parameters\":{\"n\":3}}\n");
}

static void one_way_brings_none(void **state)
{
	static const char text[] = CALL("Echo", ",\"oneway\":true") "\0" CALL(
		"None", ",\"oneway\":true") "\0" ECHO("b");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	assert_true(hear(fd, &heard));
	assert_string_equal(heard.data, "{\"parameters\":{\"text\":\"b\"}}\n");
}

static void a_reply_that_is_too_large_is_an_error(void **state)
{
	static const char text[] = CALL("Fill", "");
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	expect_words(fd, "io.vigil.Agent.TooLarge");
}

static void nothing_is_read_while_a_call_waits(void **state)
{
	static const char text[] = CALL("Keep", "") "\0" ECHO("next");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	assert_true(hear(fd, &heard));
	assert_string_equal(heard.data, "");
	assert_non_null(kept);
	call_reply(take(kept), NULL);
	assert_true(hear(fd, &heard));
	assert_string_equal(heard.data, "{\"parameters\":{}}\n"
					"{\"parameters\":{\"text\":\"next\"}}\n");
}

static void who_has_said_all_still_hears_a_late_answer(void **state)
{
	static const char text[] = CALL("Keep", "");
	auto_buffer struct buffer heard = BUFFER_NULL;
	auto_fd int fd = connect_client();

	(void)state;
	assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));
	shutdown(fd, SHUT_WR);
	turn();
	assert_non_null(kept);
	call_reply(take(kept), NULL);
	assert_false(hear(fd, &heard));
	assert_string_equal(heard.data, "{\"parameters\":{}}\n");
}

static void who_goes_while_a_call_waits_is_noticed(void **state)
{
	static const char text[] = CALL("Keep", "");
	int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	assert_non_null(kept);
	close(fd);
	turn();
	assert_int_equal(gone, 1);
	assert_null(kept);
}

static void a_late_answer_to_nobody_is_no_harm(void **state)
{
	static const char text[] = CALL("Keep", "");
	int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	kept->on_gone = NULL;
	close(fd);
	turn();
	assert_null(kept->client);
	call_continue(kept, json_object());
	call_reply(take(kept), json_object());
}

static void the_end_of_the_agent_ends_calls(void **state)
{
	static const char text[] = CALL("Keep", "");
	auto_fd int fd = connect_client();

	(void)state;
	say(fd, text, sizeof(text));
	control_free(take(control));
	assert_int_equal(gone, 1);
	expect_end(fd);
}

static void there_are_places_for_32(void **state)
{
	static const char text[] = ECHO("in");
	int fds[CONTROL_CLIENTS_MAX];

	(void)state;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = connect_client();
	for (int i = 0; i < 3; i++) {
		auto_fd int late = connect_client();

		expect_end(late);
	}
	say(fds[31], text, sizeof(text));
	expect_words(fds[31], "in");
	close(fds[7]);
	turn();
	fds[7] = connect_client();
	say(fds[7], text, sizeof(text));
	expect_words(fds[7], "in");
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	turn();
}

static void the_socket_is_for_its_owner_alone(void **state)
{
	struct stat info;
	char longer[200];

	(void)state;
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode, S_IFSOCK | 0600);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(control_listen(longer), -ENAMETOOLONG);
	assert_int_equal(control_listen("/nonexistent/socket"), -ENOENT);
	assert_int_equal(varlink_connect(longer), -ENAMETOOLONG);
	assert_int_equal(varlink_connect("/nonexistent/socket"), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_may_come_in_any_pieces),
		TEST(calls_that_come_together_are_answered_in_turn),
		TEST(who_hangs_up_after_asking_is_answered),
		TEST(what_is_no_call_ends_the_connection),
		TEST(deep_nesting_and_long_names_end_the_connection),
		TEST(a_call_without_end_is_cut_off),
		TEST(unknown_names_are_told),
		TEST(the_service_tells_about_itself),
		TEST(more_brings_several_replies),
		TEST(one_way_brings_none),
		TEST(a_reply_that_is_too_large_is_an_error),
		TEST(nothing_is_read_while_a_call_waits),
		TEST(who_has_said_all_still_hears_a_late_answer),
		TEST(who_goes_while_a_call_waits_is_noticed),
		TEST(a_late_answer_to_nobody_is_no_harm),
		TEST(the_end_of_the_agent_ends_calls),
		TEST(there_are_places_for_32),
		TEST(the_socket_is_for_its_owner_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
