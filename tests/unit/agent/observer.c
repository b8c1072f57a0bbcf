/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel says what the test has it say: recvmmsg(2) and the clock are its own. */
#include "agent/observer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

static int64_t now_s = 1000;

int64_t clock_s(void)
{
	return now_s;
}

int64_t clock_ms(void)
{
	return now_s * 1000;
}

int64_t clock_wall_us(void)
{
	return now_s * 1000000;
}

/* The next answer, and then nothing waits. */
static struct {
	int error;
	const void *data;
	size_t size_bytes;
} next;

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
	     struct timespec *timeout)
{
	struct msghdr *message = &messages[0].msg_hdr;

	(void)fd;
	(void)count;
	(void)flags;
	(void)timeout;
	errno = next.error ? next.error : EAGAIN;
	next.error = 0;
	if (!next.data)
		return -1;
	memcpy(message->msg_iov->iov_base, next.data, next.size_bytes);
	memset(message->msg_name, 0, sizeof(struct sockaddr_nl));
	message->msg_namelen = sizeof(struct sockaddr_nl);
	messages[0].msg_len = (unsigned int)next.size_bytes;
	next.data = NULL;
	return 1;
}

/* To join a group takes a privilege that who runs this may not have. */
static uint32_t joined = UINT32_MAX;

int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	if (level != SOL_NETLINK || name != NETLINK_LIST_MEMBERSHIPS)
		return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
	memcpy(value, &joined, sizeof(joined));
	return 0;
}

struct world {
	sd_event *event;
	struct aggregate *rows;
	struct observer *observer;
	int flows, losses, gaps, removals;
	int failed; /* HELPER_FD_* of the last socket that failed, or -1 */
};

static void on_flow(const struct flow *flow, void *context)
{
	(void)flow;
	((struct world *)context)->flows++;
}

static void on_loss(void *context)
{
	((struct world *)context)->losses++;
}

static void on_gap(void *context)
{
	((struct world *)context)->gaps++;
}

static void on_failure(unsigned int which, void *context)
{
	((struct world *)context)->failed = (int)which;
}

static void on_table_gone(void *context)
{
	((struct world *)context)->removals++;
}

static void attach(struct world *world, unsigned int which)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_NETFILTER);

	assert_true(fd >= 0);
	assert_int_equal(observer_attach(world->observer, which, fd), 0);
}

static void start(struct world *world)
{
	const struct observer_handlers handlers = {
		.on_flow = on_flow,
		.on_loss = on_loss,
		.on_gap = on_gap,
		.on_failure = on_failure,
		.on_table_gone = on_table_gone,
		.context = world,
	};
	const struct aggregate_settings settings = { .mark_mask = 0xffff0000 };

	*world = (struct world){ .rows = aggregate_new(&settings), .failed = -1 };
	assert_non_null(world->rows);
	assert_true(sd_event_new(&world->event) >= 0);
	assert_int_equal(
		observer_new(world->event, world->rows, &handlers, &world->observer),
		0);
}

static void stop(struct world *world)
{
	observer_free(world->observer);
	aggregate_free(world->rows);
	sd_event_unref(world->event);
}

static void a_socket_that_fails_is_given_up_and_that_is_said(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	for (unsigned int which = 0; which < 3; which++) {
		attach(&world, which);
		assert_false(observer_missing(world.observer) >> which & 1);
		next.error = EIO;
		observer_drain(world.observer);
		assert_int_equal(world.failed, which);
		assert_int_equal(observer_missing(world.observer), HELPER_FD_ALL);
	}
	stop(&world);
}

static void a_socket_that_would_hear_nothing_is_not_taken(void **state)
{
	struct world world;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	(void)state;
	start(&world);
	joined = 1U << (NFNLGRP_CONNTRACK_NEW - 1); /* and no word of their end */
	assert_int_equal(observer_attach(world.observer, HELPER_FD_CONNTRACK, fd),
			 -EINVAL);
	assert_int_equal(observer_missing(world.observer), HELPER_FD_ALL);
	attach(&world, HELPER_FD_LOG);
	joined = UINT32_MAX;
	attach(&world, HELPER_FD_CONNTRACK);
	stop(&world);
}

static void events_that_were_lost_are_counted(void **state)
{
	struct world world;

	(void)state;
	start(&world);
	attach(&world, HELPER_FD_CONNTRACK);
	next.error = ENOBUFS;
	observer_drain(world.observer);
	assert_int_equal(world.losses, 1);
	assert_int_equal(world.failed, -1);
	assert_int_equal(observer_counts(world.observer).lost, 1);
	observer_detach(world.observer, HELPER_FD_CONNTRACK);
	attach(&world, HELPER_FD_TABLES);
	next.error = ENOBUFS;
	observer_drain(world.observer);
	assert_int_equal(world.losses, 1);
	assert_int_equal(world.failed, HELPER_FD_TABLES);
	stop(&world);
}

static void what_is_not_understood_is_a_gap(void **state)
{
	/* A connection whose attributes are cut short. */
	const struct {
		struct nlmsghdr header;
		struct nfgenmsg family;
		struct nlattr attribute;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
			    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL,
			    .nlmsg_type =
				    NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW },
		.family = { .nfgen_family = AF_INET },
		.attribute = { .nla_len = 400, .nla_type = CTA_TUPLE_ORIG },
	};
	struct world world;

	(void)state;
	start(&world);
	attach(&world, HELPER_FD_CONNTRACK);
	next.data = &message;
	next.size_bytes = sizeof(message);
	observer_drain(world.observer);
	assert_int_equal(observer_counts(world.observer).malformed, 1);
	assert_int_equal(world.gaps, 1);
	assert_int_equal(world.losses, 0);
	assert_int_equal(world.flows, 0);
	stop(&world);
}

static void a_dump_that_does_not_go_on_is_ended(void **state)
{
	struct world world;
	int ends[2];

	(void)state;
	start(&world);
	observer_dump_begin(world.observer);
	now_s += 100;
	observer_dump_expire(world.observer);
	assert_true(observer_dumping(world.observer));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(observer_dump_take(world.observer, ends[0]), 0);
	now_s += 30;
	observer_dump_expire(world.observer);
	assert_true(observer_dumping(world.observer));
	now_s += 1;
	observer_dump_expire(world.observer);
	assert_false(observer_dumping(world.observer));
	assert_int_equal(observer_counts(world.observer).dumps, 0);
	close(ends[1]);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_that_fails_is_given_up_and_that_is_said),
		cmocka_unit_test(a_socket_that_would_hear_nothing_is_not_taken),
		cmocka_unit_test(events_that_were_lost_are_counted),
		cmocka_unit_test(what_is_not_understood_is_a_gap),
		cmocka_unit_test(a_dump_that_does_not_go_on_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
