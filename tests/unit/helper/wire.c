/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"

/* A block of IPv4 ranges, aligned, with room behind it. */
struct sample {
	struct helper_block block;
	uint8_t keys[8][4];
};

static struct sample sample(uint32_t count, const uint32_t *keys)
{
	struct sample made = { .block = { .op = HELPER_ADD,
					  .key_bytes = 4,
					  .count = count,
					  .set = "f.bad.4.1" } };

	for (size_t i = 0; i < 2 * count; i++)
		for (int byte = 0; byte < 4; byte++)
			made.keys[i][byte] = (uint8_t)(keys[i] >> (24 - 8 * byte));
	return made;
}

static size_t check(const struct sample *made)
{
	return wire_block_check(made, sizeof(made->block) + 8 * made->block.count);
}

static struct sample one(void)
{
	return sample(1, (uint32_t[]){ 5, 9 });
}

static void takes_ranges_at_both_ends_of_the_number_space(void **state)
{
	struct sample made =
		sample(3, (uint32_t[]){ 0, 0, 2, 0xfffffffd, 0xffffffff, 0xffffffff });

	(void)state;
	assert_int_equal(check(&made), sizeof(made.block) + 24);
}

static void refuses_ranges_that_touch_overlap_or_go_backwards(void **state)
{
	const uint32_t bad[][4] = {
		{ 5, 4, 9, 9 },
		{ 5, 6, 7, 9 },
		{ 5, 7, 7, 9 },
		{ 5, 9, 1, 2 },
		{ 5, 9, 5, 9 },
		{ 5, 0xffffffff, 0, 2 },
		{ 5, 0xffffffff, 7, 9 },
		{ 5, 0xfffffffe, 0xffffffff, 0xffffffff },
		{ 0, 0xff, 0x100, 0x1ff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sample made = sample(2, bad[i]);

		assert_int_equal(check(&made), 0);
	}
}

static void compares_keys_of_16_bytes(void **state)
{
	struct {
		struct helper_block block;
		uint8_t keys[4][16];
	} made = { .block = { .op = HELPER_DELETE, .key_bytes = 16, .count = 2 } };

	(void)state;
	strcpy(made.block.set, "f.bad.6.1");
	made.keys[0][15] = 1;
	memset(made.keys[1], 0xff, 16);
	made.keys[1][0] = 0x20;
	made.keys[2][0] = 0x21;
	made.keys[3][0] = 0x22;
	assert_int_equal(wire_block_check(&made, sizeof(made)), 0);
	made.keys[2][15] = 1;
	assert_int_equal(wire_block_check(&made, sizeof(made)), sizeof(made));
}

static void refuses_a_block_that_ends_too_early(void **state)
{
	struct sample made = one();

	(void)state;
	for (size_t size = 0; size < sizeof(made.block) + 8; size++)
		assert_int_equal(wire_block_check(&made, size), 0);
	made.block.count = UINT32_MAX;
	assert_int_equal(wire_block_check(&made, sizeof(made)), 0);
	made.block.key_bytes = 16;
	assert_int_equal(wire_block_check(&made, sizeof(made)), 0);
}

static void refuses_headers_that_are_not_canonical(void **state)
{
	struct sample made = one();

	(void)state;
	assert_int_not_equal(check(&made), 0);
	made.block.reserved = 1;
	assert_int_equal(check(&made), 0);
	made = one();
	made.block.op = 0;
	assert_int_equal(check(&made), 0);
	made.block.op = 5;
	assert_int_equal(check(&made), 0);
	made = one();
	made.block.count = 0;
	assert_int_equal(check(&made), 0);
	for (uint32_t bytes = 0; bytes < 40; bytes++) {
		made = one();
		made.block.key_bytes = bytes;
		assert_int_equal(wire_block_check(&made, sizeof(made)) != 0,
				 bytes == 4);
	}
}

static void refuses_set_names_outside_the_alphabet(void **state)
{
	static const char *const names[] = { "",    ".x", "-x",   "a b", "a/b",
					     "a\"", "a;", "\xe9", "a\n", "a@b" };
	struct sample made = one();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		memset(made.block.set, 0, sizeof(made.block.set));
		strcpy(made.block.set, names[i]);
		assert_int_equal(check(&made), 0);
	}
	memset(made.block.set, 'a', sizeof(made.block.set));
	assert_int_equal(check(&made), 0);
	made.block.set[sizeof(made.block.set) - 1] = '\0';
	assert_int_not_equal(check(&made), 0);
	made.block.set[3] = '\0'; /* what follows is no padding */
	assert_int_equal(check(&made), 0);
}

static void takes_tags_of_32_hex_digits_only(void **state)
{
	struct helper_block tag = { .op = HELPER_TAG_ADD,
				    .set = "0123456789abcdef0123456789abcdef" };

	(void)state;
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), sizeof(tag));
	tag.op = HELPER_TAG_DELETE;
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), sizeof(tag));
	tag.set[0] = 'g';
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), 0);
	tag.set[0] = 'A';
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), 0);
	tag.set[0] = '0';
	tag.set[32] = '0';
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), 0);
	tag.set[32] = tag.set[31] = '\0';
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), 0);
	tag.set[31] = '0';
	tag.key_bytes = 4;
	assert_int_equal(wire_block_check(&tag, sizeof(tag)), 0);
}

static void takes_each_request_in_its_one_form(void **state)
{
	const struct {
		struct helper_request request;
		size_t fds;
		bool valid;
	} cases[] = {
		{ { HELPER_HELLO, 1, 0, 0, 0 }, 0, true },
		{ { HELPER_HELLO, 77, 0, 0, 0 }, 0, true },
		{ { HELPER_HELLO, 1, 0, 0, 0 }, 1, false },
		{ { HELPER_HELLO, 1, 1, 0, 0 }, 0, false },
		{ { HELPER_HELLO, 1, 0, 1, 0 }, 0, false },
		{ { HELPER_HELLO, 1, 0, 0, 1 }, 0, false },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 1 }, 1, true },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, HELPER_SCRIPT_MAX }, 1, true },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, HELPER_SCRIPT_MAX + 1 },
		  1,
		  false },
		{ { HELPER_APPLY, 0, HELPER_ELEMENTS, 0, HELPER_ELEMENTS_MAX },
		  1,
		  true },
		{ { HELPER_APPLY, 0, HELPER_ELEMENTS, 0, HELPER_ELEMENTS_MAX + 1 },
		  1,
		  false },
		{ { HELPER_APPLY, 0, HELPER_ELEMENTS, 0, UINT64_MAX }, 1, false },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 0 }, 1, false },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 1 }, 0, false },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 1 }, 2, false },
		{ { HELPER_APPLY, 1, HELPER_SCRIPT, 0, 1 }, 1, false },
		{ { HELPER_APPLY, 0, 0, 0, 1 }, 1, false },
		{ { HELPER_APPLY, 0, 3, 0, 1 }, 1, false },
		{ { HELPER_OBSERVE, 0, HELPER_FD_ALL, 0, 0 }, 0, true },
		{ { HELPER_OBSERVE, 0, 0, 0, 0 }, 0, false },
		{ { HELPER_OBSERVE, 0, 8, 0, 0 }, 0, false },
		{ { HELPER_OBSERVE, 0, 1, 0, 0 }, 1, false },
		{ { HELPER_DUMP, 0, HELPER_DUMP_CHAINS, 0, 0 }, 0, true },
		{ { HELPER_DUMP, 0, HELPER_DUMP_CHAINS + 1, 0, 0 }, 0, false },
		{ { HELPER_DUMP, 0, 0, 0, 0 }, 0, false },
		{ { HELPER_DUMP, 0, 1, 0, 9 }, 0, false },
		{ { 0, 0, 0, 0, 0 }, 0, false },
		{ { 5, 0, 1, 0, 0 }, 0, false },
		{ { UINT32_MAX, 0, 1, 0, 0 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (wire_request_valid(&cases[i].request, cases[i].fds) !=
		    cases[i].valid)
			fail_msg("case %zu", i);
}

static size_t open_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void make_pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
}

static void passes_descriptors_close_on_exec(void **state)
{
	int ends[2], fds[HELPER_FDS_MAX] = { 0, 1, 2 }, got[HELPER_FDS_MAX];
	char byte = 'x';
	size_t count;

	(void)state;
	make_pair(ends);
	for (size_t sent = 0; sent <= HELPER_FDS_MAX; sent++) {
		assert_int_equal(wire_send(ends[0], &byte, 1, fds, sent), 0);
		assert_int_equal(wire_receive(ends[1], &byte, 1, got, &count), 0);
		assert_int_equal(count, sent);
		while (count > 0) {
			assert_int_equal(fcntl(got[--count], F_GETFD), FD_CLOEXEC);
			close(got[count]);
		}
	}
	close(ends[0]);
	close(ends[1]);
}

/* As no caller of wire_send() could: any number of descriptors. */
static void send_raw(int fd, size_t size_bytes, size_t fd_count)
{
	char data[64] = { 0 };
	struct iovec part = { data, size_bytes };
	union {
		char bytes[CMSG_SPACE(sizeof(int) * 64)];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen =
					  CMSG_SPACE(sizeof(int) * fd_count) };

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
	for (size_t i = 0; i < fd_count; i++)
		memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), size_bytes);
}

static void leaves_no_descriptor_of_a_malformed_packet_open(void **state)
{
	const struct {
		size_t size, fds;
	} bad[] = { { 8, 4 }, { 8, 5 }, { 8, 64 }, { 7, 1 }, { 9, 3 }, { 64, 2 } };
	int ends[2], got[HELPER_FDS_MAX];
	size_t before, count;
	char data[8];

	(void)state;
	make_pair(ends);
	before = open_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		send_raw(ends[0], bad[i].size, bad[i].fds);
		assert_int_equal(wire_receive(ends[1], data, sizeof(data), got, &count),
				 -EPROTO);
		assert_int_equal(open_descriptors(), before);
	}
	close(ends[0]);
	assert_int_equal(wire_receive(ends[1], data, sizeof(data), got, &count),
			 -ECONNRESET);
	close(ends[1]);
}

static void does_not_wait_for_one_who_does_not_read(void **state)
{
	struct helper_reply reply = { 0 };
	int ends[2], error = 0;

	(void)state;
	make_pair(ends);
	for (int i = 0; i < 100000 && !error; i++)
		error = wire_send(ends[0], &reply, sizeof(reply), NULL, 0);
	assert_int_equal(error, -EAGAIN);
	close(ends[1]);
	error = wire_send(ends[0], &reply, sizeof(reply), NULL, 0);
	assert_true(error == -EPIPE || error == -ECONNRESET);
	close(ends[0]);
}

static void makes_refusals_printable_and_bounded(void **state)
{
	struct helper_reply reply = { 0 };

	(void)state;
	assert_int_equal(wire_refuse(&reply, -EINVAL, "a\x1b\n\x80%s", "b"), -EINVAL);
	assert_string_equal(reply.text, "a???b");
	wire_refuse(&reply, -EINVAL, "%0500d", 1);
	assert_int_equal(strlen(reply.text), sizeof(reply.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_ranges_at_both_ends_of_the_number_space),
		cmocka_unit_test(refuses_ranges_that_touch_overlap_or_go_backwards),
		cmocka_unit_test(compares_keys_of_16_bytes),
		cmocka_unit_test(refuses_a_block_that_ends_too_early),
		cmocka_unit_test(refuses_headers_that_are_not_canonical),
		cmocka_unit_test(refuses_set_names_outside_the_alphabet),
		cmocka_unit_test(takes_tags_of_32_hex_digits_only),
		cmocka_unit_test(takes_each_request_in_its_one_form),
		cmocka_unit_test(passes_descriptors_close_on_exec),
		cmocka_unit_test(leaves_no_descriptor_of_a_malformed_packet_open),
		cmocka_unit_test(does_not_wait_for_one_who_does_not_read),
		cmocka_unit_test(makes_refusals_printable_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
