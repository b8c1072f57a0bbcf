/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's end against an agent that says what the test makes it say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/varlink.h"
#include "base/buffer.h"
#include "base/cleanup.h"

/* Reads one call, and answers with these bytes. */
struct fake {
	int fd;
	const char *answer;
	size_t answer_bytes;
	size_t at_once; /* bytes that are sent together; 0: all */
	char call[512];
	pthread_t thread;
};

static void *fake_run(void *context)
{
	struct fake *fake = context;
	size_t got = 0, sent = 0;
	ssize_t r = 1;

	while (r > 0 && (got == 0 || fake->call[got - 1] != '\0')) {
		r = recv(fake->fd, fake->call + got, sizeof(fake->call) - got, 0);
		got += r > 0 ? (size_t)r : 0;
	}
	while (sent < fake->answer_bytes) {
		size_t left = fake->answer_bytes - sent;
		size_t part =
			fake->at_once && fake->at_once < left ? fake->at_once : left;

		r = send(fake->fd, fake->answer + sent, part, MSG_NOSIGNAL);
		if (r <= 0)
			break;
		sent += (size_t)r;
	}
	close(fake->fd);
	return NULL;
}

static int fake_start(struct fake *fake)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	fake->fd = ends[1];
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
	return ends[0];
}

static void fake_end(struct fake *fake, int fd)
{
	close(fd);
	pthread_join(fake->thread, NULL);
}

/* Bytes with their NULs. */
#define ANSWER(text)                                                                   \
	{                                                                              \
		.answer = (text), .answer_bytes = sizeof(text) - 1                     \
	}

static int call(struct fake *fake, json_t **ret, char error[static 64])
{
	json_t *parameters = json_pack("{s:s}", "id", "x");
	int fd = fake_start(fake);
	int result = varlink_call(fd, "Do", parameters, ret, error);

	json_decref(parameters);
	fake_end(fake, fd);
	return result;
}

static void a_call_is_sent_and_its_reply_read(void **state)
{
	struct fake fake = ANSWER("{\"parameters\":{\"n\":5}}\0");
	json_t *reply = NULL, *sent;
	char error[64];

	(void)state;
	assert_int_equal(call(&fake, &reply, error), 0);
	assert_string_equal(error, "");
	assert_int_equal(json_integer_value(json_object_get(reply, "n")), 5);
	json_decref(reply);
	sent = json_loads(fake.call, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(sent, "method")),
			    "io.vigil.Agent.Do");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(sent, "parameters"), "id")),
			    "x");
	assert_false(json_is_true(json_object_get(sent, "more")));
	json_decref(sent);
}

static void a_reply_may_come_in_any_pieces(void **state)
{
	static const char text[] = "{\"parameters\":{\"text\":\"abc\"}}";

	(void)state;
	for (size_t at_once = 1; at_once < sizeof(text); at_once++) {
		struct fake fake = { .answer = text,
				     .answer_bytes = sizeof(text),
				     .at_once = at_once };
		json_t *reply = NULL;
		char error[64];

		assert_int_equal(call(&fake, &reply, error), 0);
		assert_string_equal(json_string_value(json_object_get(reply, "text")),
				    "abc");
		json_decref(reply);
	}
}

static void a_large_reply_is_read_whole(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	struct fake fake = { .fd = -1 };
	json_t *reply = NULL;
	char error[64];

	(void)state;
	buffer_text(&text, "{\"parameters\":{\"text\":\"");
	for (int i = 0; i < 100000; i++)
		buffer_text(&text, "0123456789");
	buffer_add(&text, "\"}}", 4);
	fake.answer = text.data;
	fake.answer_bytes = text.size_bytes;
	assert_int_equal(call(&fake, &reply, error), 0);
	assert_int_equal(json_string_length(json_object_get(reply, "text")), 1000000);
	json_decref(reply);
}

/* 24 MiB of them would be 2 GB once they are read, and the caller may be root. */
static void a_reply_of_nothing_but_brackets_is_refused(void **state)
{
	static const char *const pieces[] = { "{},", "[]," };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		auto_buffer struct buffer text = BUFFER_NULL;
		struct fake fake = { 0 };
		json_t *reply = NULL;
		char error[64];

		buffer_text(&text, "{\"parameters\":{\"x\":[");
		for (int n = 0; n < 1100000; n++)
			buffer_text(&text, pieces[i]);
		buffer_text(&text, "0]}}");
		buffer_add(&text, "", 1);
		fake.answer = text.data;
		fake.answer_bytes = text.size_bytes;
		assert_int_equal(call(&fake, &reply, error), -EPROTO);
		json_decref(reply);
	}
}

static void an_error_is_told_by_its_short_name(void **state)
{
	struct fake fake = ANSWER("{\"error\":\"io.vigil.Agent.Busy\"}\0");
	struct fake bare = ANSWER("{\"error\":\"Busy\",\"parameters\":{\"a\":1}}\0");
	struct fake longer = ANSWER("{\"error\":\"a.0123456789012345678901234567890123"
				    "456789012345678901234567890123456789\"}\0");
	json_t *reply = NULL;
	char error[64];

	(void)state;
	assert_int_equal(call(&fake, &reply, error), 0);
	assert_string_equal(error, "Busy");
	assert_int_equal(json_object_size(reply), 0);
	json_decref(reply);
	assert_int_equal(call(&bare, &reply, error), 0);
	assert_string_equal(error, "Busy");
	assert_int_equal(json_object_size(reply), 1);
	json_decref(reply);
	assert_int_equal(call(&longer, &reply, error), 0);
	assert_int_equal(strlen(error), 63);
	json_decref(reply);
}

static void what_is_no_reply_is_refused(void **state)
{
	struct fake fakes[] = {
		ANSWER("\0"),
		ANSWER("x\0"),
		ANSWER("[]\0"),
		ANSWER("5\0"),
		ANSWER("{\0"),
		ANSWER("{} {}\0"),
		ANSWER("{\"parameters\":{},\"parameters\":{}}\0"),
		ANSWER("{\"parameters\":{\"a\":\"\xff\"}}\0"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		json_t *reply = NULL;
		char error[64];

		assert_int_equal(call(&fakes[i], &reply, error), -EPROTO);
		assert_null(reply);
	}
}

static void parameters_that_are_no_object_count_as_none(void **state)
{
	struct fake fakes[] = { ANSWER("{}\0"), ANSWER("{\"parameters\":[1]}\0"),
				ANSWER("{\"parameters\":null,\"error\":5}\0") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
		json_t *reply = NULL;
		char error[64];

		assert_int_equal(call(&fakes[i], &reply, error), 0);
		assert_string_equal(error, "");
		assert_int_equal(json_object_size(reply), 0);
		json_decref(reply);
	}
}

static void a_reply_that_is_cut_off_is_told(void **state)
{
	struct fake cut = ANSWER("{\"parameters\":{}}"), nothing = ANSWER("");
	json_t *reply = NULL;
	char error[64];

	(void)state;
	assert_int_equal(call(&cut, &reply, error), -ECONNRESET);
	assert_int_equal(call(&nothing, &reply, error), -ECONNRESET);
	assert_null(reply);
}

static void a_reply_without_end_is_refused(void **state)
{
	struct fake fake = { .answer_bytes = VARLINK_MESSAGE_MAX + 1024 * 1024 };
	auto_free char *text = malloc(fake.answer_bytes);
	json_t *reply = NULL;
	char error[64];

	(void)state;
	assert_non_null(text);
	memset(text, ' ', fake.answer_bytes);
	fake.answer = text;
	assert_int_equal(call(&fake, &reply, error), -EPROTO);
	assert_null(reply);
}

static void an_agent_that_is_gone_is_told(void **state)
{
	json_t *reply = NULL;
	char error[64];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	assert_int_equal(varlink_call(ends[0], "Do", NULL, &reply, error), -EPIPE);
	close(ends[0]);
}

struct heard {
	int sum;
	int stop_at;
};

static int on_reply(json_t *parameters, void *context)
{
	struct heard *heard = context;

	heard->sum += (int)json_integer_value(json_object_get(parameters, "n"));
	return heard->stop_at && heard->sum >= heard->stop_at ? -ECANCELED : 0;
}

static int stream(struct fake *fake, struct heard *heard, char error[static 64])
{
	int fd = fake_start(fake);
	int result = varlink_stream(fd, "Follow", NULL, on_reply, heard, error);

	fake_end(fake, fd);
	return result;
}

#define MORE(n) "{\"parameters\":{\"n\":" n "},\"continues\":true}\0"
#define LAST(n) "{\"parameters\":{\"n\":" n "}}\0"

static void a_stream_is_read_to_its_last_reply(void **state)
{
	static const char text[] = MORE("1") MORE("20") LAST("300") LAST("4000");

	(void)state;
	for (size_t at_once = 0; at_once < 40; at_once++) {
		struct fake fake = ANSWER(text);
		struct heard heard = { .sum = 0 };
		char error[64];

		fake.at_once = at_once;
		assert_int_equal(stream(&fake, &heard, error), 0);
		assert_int_equal(heard.sum, 321);
		assert_non_null(strstr(fake.call, "\"more\":true"));
	}
}

static void a_stream_ends_when_the_caller_has_heard_enough(void **state)
{
	struct fake fake = ANSWER(MORE("1") MORE("20") MORE("300"));
	struct heard heard = { .stop_at = 20 };
	char error[64];

	(void)state;
	assert_int_equal(stream(&fake, &heard, error), -ECANCELED);
	assert_int_equal(heard.sum, 21);
}

static void a_stream_may_end_in_an_error_or_break_off(void **state)
{
	struct fake failing = ANSWER(MORE("1") "{\"error\":\"io.vigil.Agent.Busy\"}\0");
	struct fake breaking = ANSWER(MORE("1") "{\"par");
	struct heard heard = { .sum = 0 };
	char error[64];

	(void)state;
	assert_int_equal(stream(&failing, &heard, error), 0);
	assert_string_equal(error, "Busy");
	assert_int_equal(heard.sum, 1);
	assert_int_equal(stream(&breaking, &heard, error), -ECONNRESET);
	assert_string_equal(error, "");
	assert_int_equal(heard.sum, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_sent_and_its_reply_read),
		cmocka_unit_test(a_reply_may_come_in_any_pieces),
		cmocka_unit_test(a_large_reply_is_read_whole),
		cmocka_unit_test(a_reply_of_nothing_but_brackets_is_refused),
		cmocka_unit_test(an_error_is_told_by_its_short_name),
		cmocka_unit_test(what_is_no_reply_is_refused),
		cmocka_unit_test(parameters_that_are_no_object_count_as_none),
		cmocka_unit_test(a_reply_that_is_cut_off_is_told),
		cmocka_unit_test(a_reply_without_end_is_refused),
		cmocka_unit_test(an_agent_that_is_gone_is_told),
		cmocka_unit_test(a_stream_is_read_to_its_last_reply),
		cmocka_unit_test(a_stream_ends_when_the_caller_has_heard_enough),
		cmocka_unit_test(a_stream_may_end_in_an_error_or_break_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
