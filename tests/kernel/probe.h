/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets put into the kernel at a TUN device or as this machine's own, and what became
 * of them: the log that the deciding rule wrote, and whether the packet came out.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compile/compile.h"
#include "helper/protocol.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/random_policy.h"

struct probe {
	int tun[WORLD_DEVICES];
	int raw4, raw6;
	struct mnl_socket *log;
	struct mnl_socket *conntrack;
	uint8_t packet[256];
	size_t packet_bytes;
};

static void probe_must(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int probe_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	probe_must(fd >= 0, "/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	probe_must(ioctl(fd, TUNSETIFF, &request) == 0, "TUNSETIFF");
	return fd;
}

static void probe_log_open(struct probe *probe)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *message;
	struct nfulnl_msg_config_cmd command = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(256),
					       .copy_mode = NFULNL_COPY_PACKET };

	probe->log = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC);
	probe_must(probe->log && mnl_socket_bind(probe->log, 0, 0) == 0, "nflog");
	header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	header->nlmsg_flags = NLM_F_REQUEST;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->res_id = htons(HELPER_LOG_GROUP);
	mnl_attr_put(header, NFULA_CFG_CMD, sizeof(command), &command);
	mnl_attr_put(header, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(header, NFULA_CFG_QTHRESH, htonl(1));
	probe_must(mnl_socket_sendto(probe->log, header, header->nlmsg_len) > 0,
		   "nflog");
}

/* Devices are named and numbered as in random_policy.h; the caller gives them routes.
 */
static void probe_open(struct probe *probe)
{
	for (size_t i = 0; i < WORLD_DEVICES; i++)
		probe->tun[i] = probe_tun(world_devices[i]);
	probe->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	probe->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	probe_must(probe->raw4 >= 0 && probe->raw6 >= 0, "raw socket");
	probe_log_open(probe);
	probe->conntrack =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC);
	probe_must(probe->conntrack && mnl_socket_bind(probe->conntrack, 0, 0) == 0,
		   "conntrack");
}

static void probe_close(struct probe *probe)
{
	for (size_t i = 0; i < WORLD_DEVICES; i++)
		close(probe->tun[i]);
	close(probe->raw4);
	close(probe->raw6);
	mnl_socket_close(probe->log);
	mnl_socket_close(probe->conntrack);
}

/* Forget all connections, so that each packet begins a new one. */
static inline void probe_forget(struct probe *probe)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *message;

	header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	header->nlmsg_flags = NLM_F_REQUEST;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->nfgen_family = AF_UNSPEC;
	probe_must(mnl_socket_sendto(probe->conntrack, header, header->nlmsg_len) > 0,
		   "conntrack");
}

static void put(struct probe *probe, const void *data, size_t size)
{
	memcpy(probe->packet + probe->packet_bytes, data, size);
	probe->packet_bytes += size;
}

static void put8(struct probe *probe, uint8_t value)
{
	put(probe, &value, sizeof(value));
}

static void put16(struct probe *probe, uint16_t value)
{
	value = htons(value);
	put(probe, &value, sizeof(value));
}

static void put32(struct probe *probe, uint32_t value)
{
	value = htonl(value);
	put(probe, &value, sizeof(value));
}

static void put_address(struct probe *probe, struct address address)
{
	if (address.family == FAMILY_IPV4) {
		put32(probe, (uint32_t)address.value);
		return;
	}
	for (int shift = 96; shift >= 0; shift -= 32)
		put32(probe, (uint32_t)(address.value >> shift));
}

/* What every packet ends with. */
static const uint8_t magic[4] = { 0xfe, 0xed, 0xca, 0x5e };

static void put_serial(struct probe *probe, uint32_t serial)
{
	put(probe, magic, sizeof(magic));
	put32(probe, serial);
}

/* Checksums stay 0: conntrack is told not to look, and nobody else does. */
static void put_payload(struct probe *probe, const struct probe_packet *packet)
{
	uint16_t source_port = (uint16_t)(10000 + packet->serial % 50000);

	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6) {
		put8(probe, (uint8_t)packet->port);
		put8(probe, 0);
		put16(probe, 0);
		put16(probe, source_port);
		put16(probe, 1);
	} else if (packet->protocol == IPPROTO_GRE) {
		put32(probe, 0x0800);
	} else {
		put16(probe, source_port);
		put16(probe, packet->port);
	}
	if (packet->protocol == IPPROTO_UDP) {
		put16(probe, 16);
		put16(probe, 0);
	} else if (packet->protocol == IPPROTO_TCP) {
		put32(probe, packet->serial);
		put32(probe, 0);
		put32(probe, 0x50020400); /* SYN */
		put32(probe, 0);
	} else if (packet->protocol == IPPROTO_SCTP) {
		put32(probe, 0);
		put32(probe, 0);
		put32(probe, 0x01000018); /* INIT, with the serial as its tail */
		put32(probe, 0x12345678);
		put32(probe, 1500);
		put32(probe, 0x00010001);
	}
	put_serial(probe, packet->serial);
}

static size_t payload_bytes(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 20 + 8;
	case IPPROTO_SCTP:
		return 12 + 16 + 8;
	case IPPROTO_GRE:
		return 4 + 8;
	default:
		return 8 + 8;
	}
}

static void build_packet(struct probe *probe, const struct probe_packet *packet)
{
	size_t size = payload_bytes(packet->protocol);

	probe->packet_bytes = 0;
	if (packet->source.family == FAMILY_IPV4) {
		uint32_t sum = 0;

		put16(probe, 0x4500);
		put16(probe, (uint16_t)(20 + size));
		put16(probe, (uint16_t)packet->serial);
		put16(probe, 0);
		put8(probe, 64);
		put8(probe, packet->protocol);
		put16(probe, 0);
		put_address(probe, packet->source);
		put_address(probe, packet->destination);
		for (size_t i = 0; i < 20; i += 2)
			sum += (uint32_t)probe->packet[i] << 8 | probe->packet[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~(sum + (sum >> 16)) & 0xffff;
		probe->packet[10] = (uint8_t)(sum >> 8);
		probe->packet[11] = (uint8_t)sum;
	} else {
		put32(probe, 0x60000000);
		put16(probe, (uint16_t)size);
		put8(probe, packet->protocol);
		put8(probe, 64);
		put_address(probe, packet->source);
		put_address(probe, packet->destination);
	}
	put_payload(probe, packet);
}

static void send_own(struct probe *probe, const struct probe_packet *packet)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	ssize_t sent;

	if (packet->destination.family == FAMILY_IPV4) {
		to4.sin_addr.s_addr = htonl((uint32_t)packet->destination.value);
		sent = sendto(probe->raw4, probe->packet, probe->packet_bytes, 0,
			      (struct sockaddr *)&to4, sizeof(to4));
	} else {
		memcpy(&to6.sin6_addr, probe->packet + 24, 16);
		sent = sendto(probe->raw6, probe->packet, probe->packet_bytes, 0,
			      (struct sockaddr *)&to6, sizeof(to6));
	}
	/* A drop or a reject at the output hook shows here as well. */
	probe_must(sent >= 0 || errno == EPERM || errno == EACCES ||
			   errno == ECONNREFUSED || errno == EHOSTUNREACH,
		   "sendto");
}

static void probe_send(struct probe *probe, const struct probe_packet *packet)
{
	build_packet(probe, packet);
	if (packet->direction == DIRECTION_OUTPUT)
		send_own(probe, packet);
	else
		probe_must(write(probe->tun[packet->device], probe->packet,
				 probe->packet_bytes) > 0,
			   "write to a device");
}

static bool find_serial(const void *data, size_t size, uint32_t *ret)
{
	const uint8_t *at = memmem(data, size, magic, sizeof(magic));
	uint32_t serial;

	if (!at || (size_t)(at - (const uint8_t *)data) + 8 > size)
		return false;
	memcpy(&serial, at + 4, sizeof(serial));
	*ret = ntohl(serial);
	return true;
}

typedef void (*probe_on_log)(uint32_t serial, const char *prefix, void *context);

struct log_message {
	const char *prefix;
	uint32_t serial;
	bool found;
};

static int read_attribute(const struct nlattr *attribute, void *context)
{
	struct log_message *message = context;
	int type = mnl_attr_get_type(attribute);

	if (type == NFULA_PREFIX)
		message->prefix = mnl_attr_get_str(attribute);
	else if (type == NFULA_PAYLOAD)
		message->found = find_serial(mnl_attr_get_payload(attribute),
					     mnl_attr_get_payload_len(attribute),
					     &message->serial);
	return MNL_CB_OK;
}

static void read_log_message(const struct nlmsghdr *header, probe_on_log on_log,
			     void *context)
{
	struct log_message message = { .prefix = "" };

	if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
		return;
	mnl_attr_parse(header, sizeof(struct nfgenmsg), read_attribute, &message);
	if (message.found)
		on_log(message.serial, message.prefix, context);
}

/* All that was logged since the last call. */
static inline void probe_read_log(struct probe *probe, probe_on_log on_log,
				  void *context)
{
	static char buffer[65536];
	ssize_t size;

	while ((size = mnl_socket_recvfrom(probe->log, buffer, sizeof(buffer))) > 0) {
		int left = (int)size;

		for (const struct nlmsghdr *header = (void *)buffer;
		     mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
			read_log_message(header, on_log, context);
	}
	probe_must(size < 0 && errno == EAGAIN, "reading the packet log");
}

/* Errors and redirects quote the packet they are about. */
static bool quotes_another(const uint8_t *packet)
{
	if (packet[0] >> 4 == 4)
		return packet[9] == IPPROTO_ICMP &&
		       (packet[20] == 3 || packet[20] == 5);
	return packet[6] == IPPROTO_ICMPV6 && (packet[40] < 128 || packet[40] == 137);
}

/* All packets that came out at a device since the last call. */
static void probe_read_device(struct probe *probe, size_t device,
			      void (*on_packet)(uint32_t serial, size_t device,
						void *context),
			      void *context)
{
	static uint8_t buffer[2048];
	ssize_t size;
	uint32_t serial;

	while ((size = read(probe->tun[device], buffer, sizeof(buffer))) > 0) {
		bool error = quotes_another(buffer);

		if (!error && find_serial(buffer, (size_t)size, &serial))
			on_packet(serial, device, context);
	}
}

/* The devices, and routes for the addresses of random_policy.h. */
static void world_make(struct probe *probe)
{
	harness_must("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
		     "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 "
		     "net.netfilter.nf_conntrack_checksum=0 "
		     "net.ipv6.conf.default.addr_gen_mode=1");
	probe_open(probe);
	for (size_t i = 0; i < WORLD_DEVICES; i++)
		harness_must("ip link set %s up txqueuelen 1000 && "
			     "ip route add 10.2.%zu.0/24 dev %s && "
			     "ip -6 route add 2001:db8:2:%zx::/64 dev %s",
			     world_devices[i], i, world_devices[i], i,
			     world_devices[i]);
	harness_must("ip route add local 10.1.0.0/16 dev lo && "
		     "ip -6 route add local 2001:db8:1::/64 dev lo && "
		     "ip route add 10.0.0.0/16 dev t0 && "
		     "ip -6 route add 2001:db8:0::/64 dev t0");
}
