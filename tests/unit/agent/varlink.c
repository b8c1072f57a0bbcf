/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The caller's end against a peer that has written its answers beforehand. */
#include "agent/varlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection whose peer has said @text, and hung up. */
static int connection(const char *text, size_t size_bytes, int *peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(send(fds[1], text, size_bytes, 0), size_bytes);
	shutdown(fds[1], SHUT_WR);
	*peer = fds[1];
	return fds[0];
}

#define with_answer(text) connection(text, sizeof(text), &peer)

static void sends_a_call_and_reads_the_reply(void **state)
{
	json_t *parameters = json_pack("{s:i}", "n", 1), *reply = NULL;
	char error[64], sent[256];
	int peer, fd = with_answer("{\"parameters\":{\"answer\":42}}");

	(void)state;
	assert_int_equal(varlink_call(fd, "Ask", parameters, &reply, error), 0);
	assert_string_equal(error, "");
	assert_int_equal(json_integer_value(json_object_get(reply, "answer")), 42);
	assert_true(recv(peer, sent, sizeof(sent), 0) > 0);
	assert_non_null(strstr(sent, "\"method\":\"io.vigil.Agent.Ask\""));
	assert_non_null(strstr(sent, "\"parameters\":{\"n\":1}"));
	json_decref(parameters);
	json_decref(reply);
	close(fd);
	close(peer);
}

static void tells_an_error_by_its_short_name(void **state)
{
	char error[64];
	json_t *reply = NULL;
	int peer, fd = with_answer(
			  "{\"error\":\"io.vigil.Agent.Busy\",\"parameters\":{}}");

	(void)state;
	assert_int_equal(varlink_call(fd, "Ask", NULL, &reply, error), 0);
	assert_string_equal(error, "Busy");
	json_decref(reply);
	close(fd);
	close(peer);
}

static void tells_nonsense_and_silence(void **state)
{
	char error[64];
	json_t *reply = NULL;
	int peer, fd = with_answer("nonsense");

	(void)state;
	assert_int_equal(varlink_call(fd, "Ask", NULL, &reply, error), -EPROTO);
	close(fd);
	close(peer);
	fd = connection("{\"parameters\"", 13, &peer);
	assert_int_equal(varlink_call(fd, "Ask", NULL, &reply, error), -ECONNRESET);
	assert_null(reply);
	close(fd);
	close(peer);
}

static int count_replies(json_t *parameters, void *context)
{
	int *count = context;

	*count += (int)json_integer_value(json_object_get(parameters, "n"));
	return *count >= 100;
}

static void reads_a_stream_to_its_end(void **state)
{
	char error[64];
	int count = 0, peer,
	    fd = with_answer("{\"parameters\":{\"n\":1},\"continues\":true}\0"
			     "{\"parameters\":{\"n\":2},\"continues\":true}\0"
			     "{\"parameters\":{\"n\":3}}\0"
			     "{\"parameters\":{\"n\":90}}");

	(void)state;
	assert_int_equal(
		varlink_stream(fd, "Follow", NULL, count_replies, &count, error), 0);
	assert_int_equal(count, 6);
	close(fd);
	close(peer);
}

static void a_stream_ends_when_the_reader_wants_it_to(void **state)
{
	char error[64];
	int count = 0, peer,
	    fd = with_answer("{\"parameters\":{\"n\":100},\"continues\":true}\0"
			     "{\"parameters\":{\"n\":100},\"continues\":true}");

	(void)state;
	assert_int_equal(
		varlink_stream(fd, "Follow", NULL, count_replies, &count, error), 1);
	assert_int_equal(count, 100);
	close(fd);
	close(peer);
}

static void a_path_must_fit(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(varlink_connect(path), -ENAMETOOLONG);
	assert_int_equal(varlink_connect("/nonexistent/socket"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_a_call_and_reads_the_reply),
		cmocka_unit_test(tells_an_error_by_its_short_name),
		cmocka_unit_test(tells_nonsense_and_silence),
		cmocka_unit_test(reads_a_stream_to_its_end),
		cmocka_unit_test(a_stream_ends_when_the_reader_wants_it_to),
		cmocka_unit_test(a_path_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
