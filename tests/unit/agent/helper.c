/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's end of the wall against a helper that is not to be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/helper.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "helper/wire.h"

enum { PIPE_ENDS = 8 };

/* One answer, whatever is asked. */
struct fake {
	struct helper_reply reply;
	size_t reply_bytes;
	size_t descriptors; /* that come with it */
	size_t requests;    /* answered before the end of the connection */
	bool deaf;          /* answers without reading what it is asked */
	bool waits;         /* though not before it is asked */
	int fd;
	pthread_t thread;
	struct helper_request request; /* the last one */
	size_t received;               /* its descriptors */
};

static void fake_answer(const struct fake *fake)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * PIPE_ENDS)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { (void *)&fake->reply, fake->reply_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[PIPE_ENDS];

	for (size_t i = 0; i < fake->descriptors; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	if (fake->descriptors) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fake->descriptors);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * fake->descriptors);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * fake->descriptors);
	}
	sendmsg(fake->fd, &message, MSG_NOSIGNAL);
	for (size_t i = 0; i < fake->descriptors; i++)
		close(fds[i]);
}

static bool fake_listen(struct fake *fake)
{
	int fds[HELPER_FDS_MAX];
	int error = wire_receive(fake->fd, &fake->request, sizeof(fake->request), fds,
				 &fake->received);

	for (size_t i = 0; !error && i < fake->received; i++)
		close(fds[i]);
	return !error;
}

static void *fake_run(void *context)
{
	struct fake *fake = context;
	struct pollfd asked = { .fd = fake->fd, .events = POLLIN };

	if (fake->waits)
		poll(&asked, 1, -1);
	for (size_t i = 0; i < fake->requests && (fake->deaf || fake_listen(fake)); i++)
		fake_answer(fake);
	close(fake->fd);
	return NULL;
}

/* Return: the agent's end. */
static int fake_start(struct fake *fake)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
	fake->fd = ends[1];
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
	return ends[0];
}

static void fake_end(struct fake *fake, int fd)
{
	close(fd);
	assert_int_equal(pthread_join(fake->thread, NULL), 0);
}

static struct fake fake_that_says(enum helper_op op, int status, size_t descriptors)
{
	return (struct fake){
		.reply = { .op = (uint32_t)op,
			   .status = status,
			   .version = op == HELPER_HELLO ? HELPER_VERSION : 0 },
		.reply_bytes = sizeof(struct helper_reply),
		.descriptors = descriptors,
		.requests = 1,
	};
}

static size_t open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int hello(struct fake fake, struct helper_refusal *refusal)
{
	int fd = fake_start(&fake);
	int result = helper_hello(fd, refusal);

	fake_end(&fake, fd);
	return result;
}

static void a_helper_of_this_version_is_greeted(void **state)
{
	struct fake other = fake_that_says(HELPER_HELLO, 0, 0);

	(void)state;
	assert_int_equal(hello(other, NULL), 0);
	other.reply.version = HELPER_VERSION + 1;
	assert_int_equal(hello(other, NULL), -EPROTO);
}

static void a_refusal_is_told_with_its_line_and_its_words(void **state)
{
	struct fake fake = fake_that_says(HELPER_APPLY, -EINVAL, 0);
	struct helper_refusal refusal = { .line = 1 };
	int fd;

	(void)state;
	fake.reply.line = 42;
	strcpy(fake.reply.text, "no such chain");
	fd = fake_start(&fake);
	assert_int_equal(helper_apply_script(fd, "x\n", 2, &refusal), -EINVAL);
	assert_int_equal(refusal.line, 42);
	assert_string_equal(refusal.text, "no such chain");
	fake_end(&fake, fd);
}

static void text_that_does_not_end_is_ended(void **state)
{
	struct fake fake = fake_that_says(HELPER_HELLO, -EACCES, 0);
	struct helper_refusal refusal;

	(void)state;
	memset(fake.reply.text, 'x', sizeof(fake.reply.text));
	memset(&refusal, 'y', sizeof(refusal));
	assert_int_equal(hello(fake, &refusal), -EACCES);
	assert_int_equal(strnlen(refusal.text, HELPER_TEXT_MAX), HELPER_TEXT_MAX - 1);
}

/* It does not read the greeting: the reset may come before its answer, or after. */
static void who_is_turned_away_hears_why(void **state)
{
	struct helper_refusal refusal = { .line = 1 };

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct fake fake = fake_that_says(HELPER_HELLO, -EACCES, 0);
		int fd;

		fake.deaf = true;
		fake.waits = i > 0;
		strcpy(fake.reply.text, "not you");
		fd = fake_start(&fake);
		if (!fake.waits)
			pthread_join(fake.thread, NULL);
		assert_int_equal(helper_hello(fd, &refusal), -EACCES);
		assert_string_equal(refusal.text, "not you");
		if (fake.waits)
			pthread_join(fake.thread, NULL);
		close(fd);
	}
}

static void a_closed_connection_is_told(void **state)
{
	struct fake fake = { .requests = 0 };
	struct helper_refusal refusal = { .line = 1, .text = "old" };
	int fd = fake_start(&fake);

	(void)state;
	pthread_join(fake.thread, NULL);
	assert_int_equal(helper_hello(fd, &refusal), -ECONNRESET);
	assert_string_equal(refusal.text, "");
	assert_int_equal(helper_dump(fd, HELPER_DUMP_SETS, &refusal), -ECONNRESET);
	assert_int_equal(helper_apply_script(fd, "x\n", 2, NULL), -ECONNRESET);
	close(fd);
}

static void an_answer_of_another_size_is_no_answer(void **state)
{
	static const size_t sizes[] = { 1, 4, sizeof(struct helper_reply) - 1 };
	struct {
		struct helper_reply reply;
		char more;
	} longer = { .reply = { .op = HELPER_HELLO, .version = HELPER_VERSION } };
	int ends[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fake fake = fake_that_says(HELPER_HELLO, 0, 0);

		fake.reply_bytes = sizes[i];
		assert_int_equal(hello(fake, NULL), -EPROTO);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(send(ends[1], &longer, sizeof(longer.reply) + 1, 0),
			 sizeof(longer.reply) + 1);
	assert_int_equal(helper_hello(ends[0], NULL), -EPROTO);
	close(ends[0]);
	close(ends[1]);
}

static void an_answer_to_another_question_is_no_answer(void **state)
{
	struct fake fake = fake_that_says(HELPER_DUMP, 0, 0);

	(void)state;
	fake.reply.version = HELPER_VERSION;
	assert_int_equal(hello(fake, NULL), -EPROTO);
	fake = fake_that_says(HELPER_HELLO, 1, 0);
	assert_int_equal(hello(fake, NULL), -EPROTO);
}

static int dump(size_t descriptors, int status)
{
	struct fake fake = fake_that_says(HELPER_DUMP, status, descriptors);
	int fd = fake_start(&fake);
	int result = helper_dump(fd, HELPER_DUMP_COUNTERS, NULL);

	fake_end(&fake, fd);
	assert_int_equal(fake.request.op, HELPER_DUMP);
	assert_int_equal(fake.request.kind, HELPER_DUMP_COUNTERS);
	return result;
}

static void a_dump_comes_with_exactly_one_descriptor(void **state)
{
	size_t before = open_descriptors();
	int fd;

	(void)state;
	assert_int_equal(dump(0, 0), -EPROTO);
	assert_int_equal(dump(2, 0), -EPROTO);
	assert_int_equal(dump(3, 0), -EPROTO);
	assert_int_equal(dump(PIPE_ENDS, 0), -EPROTO);
	assert_int_equal(dump(1, -ENOENT), -ENOENT);
	assert_int_equal(open_descriptors(), before);
	fd = dump(1, 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static int observe(uint32_t wanted, size_t descriptors, struct helper_sockets *ret)
{
	struct fake fake = fake_that_says(HELPER_OBSERVE, 0, descriptors);
	int fd, result;

	fd = fake_start(&fake);
	result = helper_observe(fd, wanted, ret, NULL);
	fake_end(&fake, fd);
	assert_int_equal(fake.request.kind, wanted);
	return result;
}

static void as_many_sockets_come_as_were_asked_for(void **state)
{
	struct helper_sockets sockets = { -9, -9, -9 };
	size_t before = open_descriptors();

	(void)state;
	assert_int_equal(observe(HELPER_FD_ALL, 2, &sockets), -EPROTO);
	assert_int_equal(observe(1 << HELPER_FD_LOG, 0, &sockets), -EPROTO);
	assert_int_equal(observe(1 << HELPER_FD_LOG, 2, &sockets), -EPROTO);
	assert_int_equal(sockets.log, -9);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(
		observe(1 << HELPER_FD_CONNTRACK | 1 << HELPER_FD_TABLES, 2, &sockets),
		0);
	assert_int_equal(sockets.log, -1);
	assert_true(sockets.conntrack >= 0 && sockets.tables > sockets.conntrack);
	close(sockets.conntrack);
	close(sockets.tables);
	assert_int_equal(open_descriptors(), before);
}

static void descriptors_nobody_asked_for_are_closed(void **state)
{
	size_t before = open_descriptors();
	struct fake fake = fake_that_says(HELPER_APPLY, 0, 3);
	int fd = fake_start(&fake);

	(void)state;
	assert_int_equal(helper_apply_script(fd, "x\n", 2, NULL), 0);
	assert_int_equal(fake.received, 1);
	assert_int_equal(fake.request.size_bytes, 2);
	fake_end(&fake, fd);
	assert_int_equal(open_descriptors(), before);
}

static void nothing_is_asked_about_nothing(void **state)
{
	(void)state;
	assert_int_equal(helper_apply_script(-1, "", 0, NULL), 0);
	assert_int_equal(helper_apply_elements(-1, "", 0, true, NULL), 0);
	assert_int_equal(helper_apply_elements(-1, "", 0, false, NULL), 0);
	assert_int_equal(helper_apply_script(-1, "", HELPER_SCRIPT_MAX + 1u, NULL),
			 -E2BIG);
}

/* A helper that takes no more than so many bytes of elements at once, and puts what it
 * takes together again. */
struct narrow {
	int fd;
	size_t max_bytes;
	size_t pieces;
	bool sealed;
	struct buffer keys[2]; /* of the sets "a" and "b" */
	bool broken;
	pthread_t thread;
};

static void narrow_take(struct narrow *narrow, const char *data, size_t size_bytes)
{
	size_t at = 0;

	while (at < size_bytes) {
		const struct helper_block *block = (const void *)(data + at);
		size_t bytes = wire_block_check(block, size_bytes - at);

		if (!bytes || block->op != HELPER_ADD) {
			narrow->broken = true;
			return;
		}
		buffer_add(&narrow->keys[block->set[0] == 'b'], block + 1,
			   bytes - sizeof(*block));
		at += bytes;
	}
	narrow->pieces++;
}

static int narrow_answer(struct narrow *narrow, const struct helper_request *request,
			 int payload)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	auto_free char *data = malloc(request->size_bytes);

	narrow->sealed = fcntl(payload, F_GET_SEALS) == seals;
	if (request->size_bytes > narrow->max_bytes)
		return -EMSGSIZE;
	if (pread(payload, data, request->size_bytes, 0) !=
	    (ssize_t)request->size_bytes)
		narrow->broken = true;
	else
		narrow_take(narrow, data, request->size_bytes);
	return 0;
}

static void *narrow_run(void *context)
{
	struct narrow *narrow = context;
	struct helper_request request;
	int fds[HELPER_FDS_MAX];
	size_t count;

	while (wire_receive(narrow->fd, &request, sizeof(request), fds, &count) == 0) {
		struct helper_reply reply = { .op = HELPER_APPLY };

		reply.status = narrow_answer(narrow, &request, fds[0]);
		close(fds[0]);
		wire_send(narrow->fd, &reply, sizeof(reply), NULL, 0);
	}
	close(narrow->fd);
	return NULL;
}

static int apply_to_narrow(struct narrow *narrow, const struct buffer *data,
			   bool atomic)
{
	int ends[2], result;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	narrow->fd = ends[1];
	assert_int_equal(pthread_create(&narrow->thread, NULL, narrow_run, narrow), 0);
	result = helper_apply_elements(ends[0], data->data, data->size_bytes, atomic,
				       NULL);
	close(ends[0]);
	pthread_join(narrow->thread, NULL);
	assert_false(narrow->broken);
	return result;
}

static void add_block(struct buffer *out, const char *set, uint32_t key_bytes,
		      uint32_t count)
{
	struct helper_block block = { .op = HELPER_ADD,
				      .key_bytes = key_bytes,
				      .count = count };

	strcpy(block.set, set);
	buffer_add(out, &block, sizeof(block));
	for (uint32_t i = 0; i < 2 * count; i++) {
		uint8_t key[16] = { 0 };
		uint32_t value = htonl(i / 2 * 2 + 1);

		memcpy(key + key_bytes - 4, &value, sizeof(value));
		buffer_add(out, key, key_bytes);
	}
}

static void elements_are_cut_into_what_the_helper_can_take(void **state)
{
	static const size_t limits[] = { 1024, 1500, 4096, 100000, 1 << 30 };
	auto_buffer struct buffer data = BUFFER_NULL;
	size_t keys_a = 3001 * 8, keys_b = 2003 * 32;

	(void)state;
	add_block(&data, "a", 4, 3001);
	add_block(&data, "b", 16, 2003);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct narrow narrow = { .max_bytes = limits[i] };
		const char *at = data.data + sizeof(struct helper_block);

		assert_int_equal(apply_to_narrow(&narrow, &data, false), 0);
		assert_true(narrow.sealed);
		assert_true(narrow.pieces >= data.size_bytes / limits[i]);
		assert_int_equal(narrow.keys[0].size_bytes, keys_a);
		assert_int_equal(narrow.keys[1].size_bytes, keys_b);
		assert_memory_equal(narrow.keys[0].data, at, keys_a);
		at += keys_a + sizeof(struct helper_block);
		assert_memory_equal(narrow.keys[1].data, at, keys_b);
		buffer_done(&narrow.keys[0]);
		buffer_done(&narrow.keys[1]);
	}
}

static void what_is_atomic_is_never_cut(void **state)
{
	auto_buffer struct buffer data = BUFFER_NULL;
	struct narrow narrow = { .max_bytes = 4096 };

	(void)state;
	add_block(&data, "a", 4, 3001);
	assert_int_equal(apply_to_narrow(&narrow, &data, true), -EMSGSIZE);
	assert_int_equal(narrow.pieces, 0);
}

static void who_can_take_nothing_is_not_asked_for_ever(void **state)
{
	auto_buffer struct buffer data = BUFFER_NULL;
	struct narrow narrow = { .max_bytes = 16 };

	(void)state;
	add_block(&data, "a", 4, 3001);
	assert_int_equal(apply_to_narrow(&narrow, &data, false), -EMSGSIZE);
}

static void blocks_that_are_cut_off_are_not_sent(void **state)
{
	auto_buffer struct buffer data = BUFFER_NULL;

	(void)state;
	add_block(&data, "a", 4, 3);
	for (size_t size_bytes = 1; size_bytes < data.size_bytes; size_bytes++) {
		/* Of this size exactly, so that reading beyond it shows. */
		auto_free char *cut = malloc(size_bytes);

		memcpy(cut, data.data, size_bytes);
		assert_int_equal(
			helper_apply_elements(-1, cut, size_bytes, false, NULL),
			-EINVAL);
	}
}

static void a_path_that_is_too_long_is_told(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(helper_connect(path), -ENAMETOOLONG);
	assert_int_equal(helper_connect("/nonexistent/socket"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_helper_of_this_version_is_greeted),
		cmocka_unit_test(a_refusal_is_told_with_its_line_and_its_words),
		cmocka_unit_test(text_that_does_not_end_is_ended),
		cmocka_unit_test(who_is_turned_away_hears_why),
		cmocka_unit_test(a_closed_connection_is_told),
		cmocka_unit_test(an_answer_of_another_size_is_no_answer),
		cmocka_unit_test(an_answer_to_another_question_is_no_answer),
		cmocka_unit_test(a_dump_comes_with_exactly_one_descriptor),
		cmocka_unit_test(as_many_sockets_come_as_were_asked_for),
		cmocka_unit_test(descriptors_nobody_asked_for_are_closed),
		cmocka_unit_test(nothing_is_asked_about_nothing),
		cmocka_unit_test(elements_are_cut_into_what_the_helper_can_take),
		cmocka_unit_test(what_is_atomic_is_never_cut),
		cmocka_unit_test(who_can_take_nothing_is_not_asked_for_ever),
		cmocka_unit_test(blocks_that_are_cut_off_are_not_sent),
		cmocka_unit_test(a_path_that_is_too_long_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
