/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that the helper passes on: what comes out of them, and what can't go in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/cleanup.h"
#include "tests/kernel/harness.h"

enum { WAIT_MS = 4000, TYPES_MAX = 64 };

static const char table[] =
	"add table inet vigil\n"
	"add counter inet vigil ssh\n"
	"add set inet vigil f.a.4 { type ipv4_addr; flags interval; }\n"
	"add chain inet vigil input { type filter hook input priority 0; policy "
	"accept; }\n"
	"add rule inet vigil input ct state established accept\n"
	"add rule inet vigil input icmp type 8 accept\n"
	"add rule inet vigil input udp dport 9 counter name \"ssh\" log prefix \"7 no "
	"drop\" "
	"group 22087 snaplen 128 drop\n";

static int helper;
static pid_t helper_pid, neighbour;
static struct helper_refusal refusal;

static int start(void **state)
{
	(void)state;
	helper = harness_helper(&helper_pid);
	if (helper_hello(helper, &refusal) ||
	    helper_apply_script(helper, table, strlen(table), &refusal))
		return -1;
	neighbour = harness_neighbour("eth0");
	harness_must("ip addr add 192.0.2.1/24 dev eth0; "
		     "sysctl -qw net.netfilter.nf_conntrack_icmp_timeout=1");
	harness_must_in(neighbour, "ip addr add 192.0.2.2/24 dev eth0");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	close(helper);
	harness_end(helper_pid);
	harness_end(neighbour);
	return 0;
}

/* What came, by type; and of the last packet logged, how much. */
struct heard {
	uint16_t types[TYPES_MAX];
	size_t count;
	size_t payload_bytes;
	char prefix[64];
};

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct heard *heard = context;

	if (mnl_attr_get_type(attribute) == NFULA_PAYLOAD)
		heard->payload_bytes = mnl_attr_get_payload_len(attribute);
	if (mnl_attr_get_type(attribute) == NFULA_PREFIX)
		snprintf(heard->prefix, sizeof(heard->prefix), "%s",
			 mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

static bool holds(const struct heard *heard, int type)
{
	for (size_t i = 0; i < heard->count; i++)
		if (heard->types[i] == type)
			return true;
	return false;
}

/* Read until a message of @last has come, or for WAIT_MS. */
static void listen_for(int fd, int last, struct heard *heard)
{
	static _Alignas(16) char buffer[65536];
	struct pollfd polled = { fd, POLLIN, 0 };

	while (!holds(heard, last) && poll(&polled, 1, WAIT_MS) > 0) {
		int left = (int)recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *message = (const void *)buffer;

		assert_true(left > 0);
		for (; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left)) {
			if (heard->count < TYPES_MAX)
				heard->types[heard->count++] = message->nlmsg_type;
			if (message->nlmsg_type ==
			    (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
				mnl_attr_parse(message, sizeof(struct nfgenmsg),
					       note_attribute, heard);
		}
	}
}

#define CONNTRACK(type) (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_##type)
#define TABLES(type) (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_##type)

static void sockets_done(struct helper_sockets *sockets)
{
	const int fds[] = { sockets->conntrack, sockets->log, sockets->tables };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static struct helper_sockets observe(uint32_t wanted)
{
	struct helper_sockets sockets;

	assert_int_equal(helper_observe(helper, wanted, &sockets, &refusal), 0);
	return sockets;
}

static int receive_bytes(int fd)
{
	socklen_t size = sizeof(int);
	int bytes = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size), 0);
	return bytes;
}

static void opens_those_that_are_asked_for(void **state)
{
	(void)state;
	for (uint32_t wanted = 1; wanted <= HELPER_FD_ALL; wanted++) {
		struct helper_sockets got = observe(wanted);
		const int fds[] = { got.conntrack, got.log, got.tables };

		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			assert_int_equal(fds[i] >= 0, wanted >> i & 1);
			if (fds[i] < 0)
				continue;
			assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
			assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
			assert_true(receive_bytes(fds[i]) >=
				    (harness_in_userns() ? 200000 : 16 << 20));
		}
		sockets_done(&got);
	}
}

static void gives_the_log_group_to_one_at_a_time(void **state)
{
	struct helper_sockets first = observe(1 << HELPER_FD_LOG), second;

	(void)state;
	assert_int_equal(helper_observe(helper, HELPER_FD_ALL, &second, &refusal),
			 -EBUSY);
	assert_string_not_equal(refusal.text, "");
	second = observe(1 << HELPER_FD_CONNTRACK | 1 << HELPER_FD_TABLES);
	sockets_done(&second);
	sockets_done(&first);
	second = observe(1 << HELPER_FD_LOG);
	sockets_done(&second);
}

static void hears_connections_begin_and_end_and_nothing_between(void **state)
{
	struct helper_sockets sockets = observe(1 << HELPER_FD_CONNTRACK);
	struct heard heard = { 0 };

	(void)state;
	harness_must_in(neighbour, "ping -c3 -i0.2 -W1 -q 192.0.2.1 >/dev/null");
	listen_for(sockets.conntrack, CONNTRACK(NEW), &heard);
	assert_true(holds(&heard, CONNTRACK(NEW)));
	assert_int_equal(heard.count, 1);
	/* Seeing to it that it ends takes the kernel's collector a while. */
	for (int i = 0; i < 10 && !holds(&heard, CONNTRACK(DELETE)); i++) {
		sleep(1);
		close(helper_dump(helper, HELPER_DUMP_CONNTRACK, &refusal));
		listen_for(sockets.conntrack, CONNTRACK(DELETE), &heard);
	}
	assert_true(holds(&heard, CONNTRACK(DELETE)));
	assert_int_equal(heard.count, 2);
	sockets_done(&sockets);
}

static void hears_denied_packets_cut_to_their_headers(void **state)
{
	struct helper_sockets sockets = observe(1 << HELPER_FD_LOG);
	struct heard heard = { 0 };

	(void)state;
	harness_must_in(neighbour, "head -c 1000 /dev/zero | timeout 2 bash -c "
				   "'cat >/dev/udp/192.0.2.1/9'");
	listen_for(sockets.log, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET, &heard);
	assert_true(holds(&heard, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET));
	assert_string_equal(heard.prefix, "7 no drop");
	assert_int_equal(heard.payload_bytes, HELPER_LOG_BYTES);
	sockets_done(&sockets);
}

static void hears_changes_of_tables(void **state)
{
	struct helper_sockets sockets = observe(1 << HELPER_FD_TABLES);
	struct heard heard = { 0 };

	(void)state;
	harness_must("nft add table ip other; nft delete table ip other");
	listen_for(sockets.tables, TABLES(DELTABLE), &heard);
	assert_true(holds(&heard, TABLES(NEWTABLE)));
	assert_true(holds(&heard, TABLES(DELTABLE)));
	sockets_done(&sockets);
}

static void passes_dumps_that_come_to_an_end(void **state)
{
	const struct {
		enum helper_dump kind;
		int type;
	} dumps[] = {
		{ HELPER_DUMP_CONNTRACK, CONNTRACK(NEW) },
		{ HELPER_DUMP_COUNTERS, TABLES(NEWOBJ) },
		{ HELPER_DUMP_SETS, TABLES(NEWSET) },
		{ HELPER_DUMP_CHAINS, TABLES(NEWCHAIN) },
	};

	(void)state;
	harness_must_in(neighbour, "ping -c1 -W1 -q 192.0.2.1 >/dev/null");
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++) {
		auto_fd int fd = helper_dump(helper, dumps[i].kind, &refusal);
		struct heard heard = { 0 };

		assert_true(fd >= 0);
		listen_for(fd, NLMSG_DONE, &heard);
		assert_true(holds(&heard, dumps[i].type));
		assert_int_equal(heard.types[heard.count - 1], NLMSG_DONE);
	}
}

/* Without capabilities, as the agent is: nothing can be asked or joined. Return: 0, or
 * which of it was possible. */
static int misuse(int fd)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };
	_Alignas(16) char buffer[8192] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	int group = NFNLGRP_CONNTRACK_UPDATE;

	message->nlmsg_type = TABLES(GETGEN);
	message->nlmsg_flags = NLM_F_REQUEST;
	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	if (syscall(SYS_capset, &header, none) < 0)
		return 1;
	while (recv(fd, buffer + 4096, 4096, MSG_DONTWAIT) > 0)
		;
	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return 2;
	if (recv(fd, buffer, sizeof(buffer), 0) < 0 ||
	    message->nlmsg_type != NLMSG_ERROR ||
	    ((struct nlmsgerr *)mnl_nlmsg_get_payload(message))->error != -EPERM)
		return 3;
	if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) == 0 ||
	    errno != EPERM)
		return 4;
	return 0;
}

static void can_not_be_asked_by_one_without_the_capability(void **state)
{
	struct helper_sockets got = observe(HELPER_FD_ALL);
	const int fds[] = { got.conntrack, got.log, got.tables,
			    helper_dump(helper, HELPER_DUMP_COUNTERS, &refusal) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(misuse(fds[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	close(fds[3]);
	sockets_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_those_that_are_asked_for),
		cmocka_unit_test(gives_the_log_group_to_one_at_a_time),
		cmocka_unit_test(hears_connections_begin_and_end_and_nothing_between),
		cmocka_unit_test(hears_denied_packets_cut_to_their_headers),
		cmocka_unit_test(hears_changes_of_tables),
		cmocka_unit_test(passes_dumps_that_come_to_an_end),
		cmocka_unit_test(can_not_be_asked_by_one_without_the_capability),
	};

	alarm(300);
	harness_enter();
	return cmocka_run_group_tests(tests, start, stop);
}
