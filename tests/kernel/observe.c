/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel really says of connections, denied packets and counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/decode.h"
#include "observe/netlink.h"
#include "tests/kernel/harness.h"

enum { FLOWS_MAX = 4000, QUIET_MS = 300, LOG_GROUP = 22087 };

enum kind { CONNTRACK, LOG, COUNTERS };

struct caught {
	struct flow flows[FLOWS_MAX];
	size_t count;
	uint64_t counter_packets;
	bool done;
};

static struct caught caught;

static void on_flow(const struct flow *flow, void *context)
{
	(void)context;
	assert_true(caught.count < FLOWS_MAX);
	caught.flows[caught.count++] = *flow;
}

static void on_counter(const struct counter *counter, void *context)
{
	(void)context;
	if (strcmp(counter->name, "ssh.over") == 0)
		caught.counter_packets = counter->packets;
}

static int open_netlink(int group)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct sockaddr_nl here = { .nl_family = AF_NETLINK };
	int bytes = 4 << 20;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* Without a port of its own it would count as the sender, the kernel. */
	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	if (group)
		assert_int_equal(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
					    &group, sizeof(group)),
				 0);
	return fd;
}

static struct nlmsghdr *begin_request(char *buffer, uint16_t type, uint16_t flags,
				      uint8_t family, uint16_t resource)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *generic;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->nfgen_family = family;
	generic->res_id = htons(resource);
	return message;
}

static void send_request(int fd, const struct nlmsghdr *message)
{
	assert_int_equal(send(fd, message, message->nlmsg_len, 0), message->nlmsg_len);
}

/* Read until nothing comes for a while, or the dump is done. */
static void read_all(int fd, enum kind kind)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	static char buffer[1 << 17];

	memset(&caught, 0, sizeof(caught));
	while (!caught.done && poll(&ready, 1, QUIET_MS) > 0) {
		ssize_t bytes = recv(fd, buffer, sizeof(buffer), 0);
		struct decode_summary summary;

		assert_true(bytes > 0);
		if (kind == CONNTRACK)
			summary =
				decode_conntrack(buffer, (size_t)bytes, on_flow, NULL);
		else if (kind == LOG)
			summary = decode_log(buffer, (size_t)bytes, on_flow, NULL);
		else
			summary = decode_counters(buffer, (size_t)bytes, on_counter,
						  NULL);
		assert_int_equal(summary.malformed, 0);
		assert_int_equal(summary.error, 0);
		/* A batch of packets ends the same way, and more may come. */
		caught.done = summary.done && kind != LOG;
	}
}

static void dump_connections(uint8_t family)
{
	char buffer[256];
	auto_fd int fd = open_netlink(0);

	send_request(fd, begin_request(buffer,
				       NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
				       NLM_F_DUMP, family, 0));
	read_all(fd, CONNTRACK);
	assert_true(caught.done);
}

static void forget_connections(void)
{
	char buffer[256];
	auto_fd int fd = open_netlink(0);

	send_request(fd,
		     begin_request(buffer,
				   NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
				   NLM_F_ACK, AF_UNSPEC, 0));
	assert_true(recv(fd, buffer, sizeof(buffer), 0) > 0);
}

static struct sockaddr_storage loopback(int family, uint16_t port, socklen_t *size)
{
	struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	*size = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	v4->sin_port = htons(port); /* the same place in both */
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = in6addr_loopback;
	return address;
}

static int open_inet(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	assert_true(fd >= 0);
	return fd;
}

static void send_datagram(int family, uint16_t port, size_t size_bytes)
{
	static const char zeros[2000];
	socklen_t size;
	struct sockaddr_storage to = loopback(family, port, &size);
	auto_fd int fd = open_inet(family, SOCK_DGRAM, 0);

	sendto(fd, zeros, size_bytes, 0, (struct sockaddr *)&to, size);
}

/* Both ends of a connection over which @size_bytes went there and were read. */
struct connection {
	int client, server;
};

static struct connection converse(int family, uint16_t listen_port, uint16_t port,
				  size_t size_bytes)
{
	static char data[1000];
	socklen_t size;
	struct sockaddr_storage here = loopback(family, listen_port, &size);
	struct sockaddr_storage there = loopback(family, port, &size);
	auto_fd int listener = open_inet(family, SOCK_STREAM, 0);
	struct connection connection = { open_inet(family, SOCK_STREAM, 0), -1 };
	int on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(listener, (struct sockaddr *)&here, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(connection.client, (struct sockaddr *)&there, size),
			 0);
	connection.server = accept(listener, NULL, NULL);
	assert_true(connection.server >= 0);
	assert_int_equal(send(connection.client, data, size_bytes, 0), size_bytes);
	assert_int_equal(recv(connection.server, data, size_bytes, MSG_WAITALL),
			 size_bytes);
	return connection;
}

static void hang_up(struct connection connection)
{
	close(connection.client);
	close(connection.server);
}

static void set_accounting(int on)
{
	harness_must("sysctl -qw net.netfilter.nf_conntrack_acct=%d", on);
}

static void load(const char *rules)
{
	harness_must("nft -f - <<'END'\n%s\nEND", rules);
}

/* A network namespace of its own for each test, that tracks connections. */
static int enter(void **state)
{
	(void)state;
	harness_enter();
	load("table inet t {\n"
	     " chain out { type filter hook output priority 0; ct state new"
	     "  ct mark set 0x00110000; }\n"
	     " chain nat.out { type nat hook output priority -100;"
	     "  tcp dport 8443 dnat ip to 127.0.0.1:9443; }\n"
	     "}");
	set_accounting(1);
	return 0;
}

static void tells_of_a_connections_beginning_and_end(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		auto_fd int news = open_netlink(NFNLGRP_CONNTRACK_NEW);
		auto_fd int ends = open_netlink(NFNLGRP_CONNTRACK_DESTROY);
		size_t ip_tcp = families[i] == AF_INET ? 52 : 72;
		struct flow begun;

		hang_up(converse(families[i], 9000, 9000, 1000));
		read_all(news, CONNTRACK);
		assert_int_equal(caught.count, 1);
		begun = caught.flows[0];
		assert_int_equal(begun.event, FLOW_NEW);
		assert_int_equal(begun.mark, 0x00110000);
		assert_int_equal(begun.port, 9000);
		assert_int_equal(begun.protocol, IPPROTO_TCP);
		assert_int_equal(begun.source.family,
				 families[i] == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6);
		assert_int_equal((uint32_t)begun.destination.value,
				 families[i] == AF_INET ? INADDR_LOOPBACK : 1);
		assert_false(begun.original.known);

		forget_connections();
		read_all(ends, CONNTRACK);
		assert_int_equal(caught.count, 1);
		assert_int_equal(caught.flows[0].event, FLOW_END);
		assert_int_equal(caught.flows[0].key, begun.key);
		assert_int_equal(caught.flows[0].mark, begun.mark);
		assert_true(caught.flows[0].original.known);
		assert_in_range(caught.flows[0].original.bytes, 1000 + 3 * ip_tcp,
				1000 + 6 * ip_tcp);
		assert_in_range(caught.flows[0].reply.packets, 2, 5);
	}
}

static enum message_result has_counters(const struct message *message, void *context)
{
	struct bytes ct[CTA_MAX + 1];

	(void)context;
	assert_true(netlink_split(message->attributes, ct, CTA_MAX + 1));
	return ct[CTA_COUNTERS_ORIG].at ? MESSAGE_TAKEN : MESSAGE_SKIPPED;
}

/* Why bytes of running connections come from dumps, and updates are not asked for. */
static void puts_no_counters_into_updates(void **state)
{
	auto_fd int updates = open_netlink(NFNLGRP_CONNTRACK_UPDATE);
	struct pollfd ready = { .fd = updates, .events = POLLIN };
	char buffer[8192];
	int count = 0;

	(void)state;
	hang_up(converse(AF_INET, 9000, 9000, 1000));
	for (; poll(&ready, 1, QUIET_MS) > 0; count++) {
		ssize_t bytes = recv(updates, buffer, sizeof(buffer), 0);

		assert_true(bytes > 0);
		assert_int_equal(netlink_each(buffer, (size_t)bytes,
					      NFNL_SUBSYS_CTNETLINK, has_counters, NULL)
					 .skipped,
				 1);
		assert_int_equal(
			decode_conntrack(buffer, (size_t)bytes, on_flow, NULL).skipped,
			1);
	}
	assert_true(count >= 2);
}

static void counts_only_what_began_with_accounting_on(void **state)
{
	auto_fd int ends = open_netlink(NFNLGRP_CONNTRACK_DESTROY);
	struct connection before, after;

	(void)state;
	set_accounting(0);
	before = converse(AF_INET, 9000, 9000, 100);
	set_accounting(1);
	after = converse(AF_INET, 9001, 9001, 100);
	assert_int_equal(send(before.client, "more", 4, 0), 4);
	dump_connections(AF_INET);
	assert_int_equal(caught.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(caught.flows[i].event, FLOW_RUNNING);
		assert_int_equal(caught.flows[i].original.known,
				 caught.flows[i].port == 9001);
	}
	hang_up(before);
	hang_up(after);
	forget_connections();
	read_all(ends, CONNTRACK);
	assert_int_equal(caught.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(caught.flows[i].reply.known,
				 caught.flows[i].port == 9001);
}

static void tells_where_a_translated_connection_goes(void **state)
{
	auto_fd int news = open_netlink(NFNLGRP_CONNTRACK_NEW);

	(void)state;
	hang_up(converse(AF_INET, 9443, 8443, 10));
	read_all(news, CONNTRACK);
	assert_int_equal(caught.count, 1);
	assert_int_equal(caught.flows[0].port, 8443);
	assert_int_equal(caught.flows[0].translated_port, 9443);
}

static void send_echo(int family)
{
	/* Type, code, sum, id, sequence; the kernel sums for IPv6. */
	uint8_t v4[8] = { 8, 0, 0xf7, 0xfd, 0, 1, 0, 1 }, v6[8] = { 128 };
	socklen_t size;
	struct sockaddr_storage to = loopback(family, 0, &size);
	auto_fd int fd =
		open_inet(family, SOCK_RAW,
			  family == AF_INET ? IPPROTO_ICMP : (int)IPPROTO_ICMPV6);

	assert_int_equal(sendto(fd, family == AF_INET ? v4 : v6, 8, 0,
				(struct sockaddr *)&to, size),
			 8);
}

static void tells_of_pings(void **state)
{
	auto_fd int news = open_netlink(NFNLGRP_CONNTRACK_NEW);

	(void)state;
	send_echo(AF_INET);
	send_echo(AF_INET6);
	read_all(news, CONNTRACK);
	assert_int_equal(caught.count, 2);
	assert_int_equal(caught.flows[0].protocol, IPPROTO_ICMP);
	assert_int_equal(caught.flows[0].port, 8);
	assert_int_equal(caught.flows[1].protocol, IPPROTO_ICMPV6);
	assert_int_equal(caught.flows[1].port, 128);
}

static void dumps_many_connections(void **state)
{
	auto_fd int sink = open_inet(AF_INET6, SOCK_DGRAM, 0);
	socklen_t size;
	struct sockaddr_storage here = loopback(AF_INET6, 9000, &size);

	(void)state;
	assert_int_equal(bind(sink, (struct sockaddr *)&here, size), 0);
	for (int i = 0; i < 2000; i++)
		send_datagram(AF_INET6, 9000, 10);
	dump_connections(AF_INET6);
	assert_in_range(caught.count, 1500, 2000); /* ports may repeat */
	for (size_t i = 0; i < caught.count; i++) {
		assert_int_equal(caught.flows[i].protocol, IPPROTO_UDP);
		assert_int_equal(caught.flows[i].original.bytes % 58, 0);
	}
}

static int open_log(void)
{
	struct nfulnl_msg_config_cmd bind_group = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(128),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	uint16_t type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	struct nlmsghdr *message;
	char buffer[256];
	int fd = open_netlink(0);

	message = begin_request(buffer, type, NLM_F_ACK, AF_UNSPEC, LOG_GROUP);
	mnl_attr_put(message, NFULA_CFG_CMD, sizeof(bind_group), &bind_group);
	mnl_attr_put(message, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(message, NFULA_CFG_TIMEOUT, htonl(1));
	send_request(fd, message);
	assert_true(recv(fd, buffer, sizeof(buffer), 0) > 0);
	assert_int_equal(
		((struct nlmsgerr *)mnl_nlmsg_get_payload((struct nlmsghdr *)buffer))
			->error,
		0);
	return fd;
}

static void shows_packets_that_rules_log(void **state)
{
	auto_fd int log = open_log();

	(void)state;
	load("table inet u {\n chain in { type filter hook input priority 0;\n"
	     " udp dport 53 log prefix \"17 dns drop\" group 22087 snaplen 128 drop\n"
	     " udp dport 80 log prefix \"65535 web allow\" group 22087 snaplen 128\n"
	     " }\n}");
	send_datagram(AF_INET, 53, 1000);
	send_datagram(AF_INET6, 53, 1000);
	send_datagram(AF_INET, 80, 10);
	read_all(log, LOG);
	assert_int_equal(caught.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(caught.flows[i].event, FLOW_PACKET);
		assert_int_equal(caught.flows[i].number, i < 2 ? 17 : 65535);
		assert_int_equal(caught.flows[i].denied, i < 2);
		assert_int_equal(caught.flows[i].port, i < 2 ? 53 : 80);
	}
	assert_int_equal(caught.flows[0].original.bytes, 1028);
	assert_int_equal(caught.flows[1].original.bytes, 1048);
	assert_int_equal(caught.flows[1].source.value, 1);
}

static void shows_large_packets_whole_or_in_pieces(void **state)
{
	auto_fd int log = open_log();

	(void)state;
	/* Before connection tracking puts pieces together. */
	load("table inet u {\n chain pre { type filter hook prerouting priority -450;\n"
	     " meta l4proto udp log prefix \"1 a drop\" group 22087 snaplen 128\n"
	     " }\n}");
	harness_must("ip link set lo mtu 1280");
	send_datagram(AF_INET, 53, 2000);
	send_datagram(AF_INET6, 53, 2000);
	read_all(log, LOG);
	assert_int_equal(caught.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(caught.flows[i].protocol, IPPROTO_UDP);
		assert_int_equal(caught.flows[i].port, i % 2 ? 0 : 53);
	}
}

static void shows_counters(void **state)
{
	auto_fd int fd = open_netlink(0);
	struct nlmsghdr *message;
	char buffer[256];

	(void)state;
	load("table inet vigil {\n counter ssh.over { }\n"
	     " chain in { type filter hook input priority 0;\n"
	     "  udp dport 53 counter name \"ssh.over\" drop; }\n}");
	send_datagram(AF_INET, 53, 10);
	send_datagram(AF_INET, 53, 10);
	message = begin_request(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ,
				NLM_F_DUMP, NFPROTO_INET, 0);
	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, "vigil");
	send_request(fd, message);
	read_all(fd, COUNTERS);
	assert_true(caught.done);
	assert_int_equal(caught.counter_packets, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tells_of_a_connections_beginning_and_end, enter),
		cmocka_unit_test_setup(puts_no_counters_into_updates, enter),
		cmocka_unit_test_setup(counts_only_what_began_with_accounting_on,
				       enter),
		cmocka_unit_test_setup(tells_where_a_translated_connection_goes, enter),
		cmocka_unit_test_setup(tells_of_pings, enter),
		cmocka_unit_test_setup(dumps_many_connections, enter),
		cmocka_unit_test_setup(shows_packets_that_rules_log, enter),
		cmocka_unit_test_setup(shows_large_packets_whole_or_in_pieces, enter),
		cmocka_unit_test_setup(shows_counters, enter),
	};

	harness_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
