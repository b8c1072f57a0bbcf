/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel that keeps silent, and poll(2) in which half a minute is soon over. */
#include "agent/dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/link.h"
#include "helper/protocol.h"

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)count;
	assert_true(timeout_ms > 0);
	return 0;
}

/* The helper's answer, which waits before it was asked, with a socket. */
static int helper_that_gives(int fd, int *ret_end)
{
	const struct helper_reply reply = { .op = HELPER_DUMP };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec part = { (void *)&reply, sizeof(reply) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int ends[2];

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
			 0);
	assert_int_equal(sendmsg(ends[1], &message, MSG_NOSIGNAL), sizeof(reply));
	*ret_end = ends[1];
	return ends[0];
}

static struct decode_summary decode(const void *data, size_t size_bytes, void *context)
{
	(void)data;
	(void)size_bytes;
	(void)context;
	fail();
	return (struct decode_summary){ 0 };
}

static void a_silent_kernel_is_not_the_helpers_fault(void **state)
{
	struct link link = { .greeted = true };
	int kernel[2], end, error;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, kernel), 0);
	link.fd = helper_that_gives(kernel[0], &end);
	close(kernel[0]);
	error = dump_read(link.fd, HELPER_DUMP_COUNTERS, decode, NULL, NULL);
	assert_int_equal(error, -ETIME);
	assert_int_equal(link_check(&link, error), -ETIME);
	assert_true(link.fd >= 0 && link.greeted);
	close(link.fd);
	close(end);
	close(kernel[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_kernel_is_not_the_helpers_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
