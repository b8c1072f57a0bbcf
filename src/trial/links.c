/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "trial/wire.h"

enum {
	REQUEST_BYTES = 1024,
	ANSWER_BYTES = 16384,
	FENCE_TYPE = 0x88b5, /* IEEE 802: for local experiments */
	FENCE_MS = 5000,
};

/* --- rtnetlink -------------------------------------------------------------------- */

struct request {
	struct links *links;
	char bytes[REQUEST_BYTES];
	struct nlmsghdr *header;
};

static void *begin(struct request *request, uint16_t type, int flags, size_t size_bytes)
{
	request->header = mnl_nlmsg_put_header(request->bytes);
	request->header->nlmsg_type = type;
	request->header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	request->header->nlmsg_seq = ++request->links->sequence;
	return mnl_nlmsg_put_extra_header(request->header, size_bytes);
}

static int ask(struct request *request, struct mnl_socket *socket, mnl_cb_t on_answer,
	       void *context)
{
	char bytes[ANSWER_BYTES];
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(socket, request->header, request->header->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(socket, bytes, sizeof(bytes));

		if (got < 0)
			return -errno;
		more = mnl_cb_run(bytes, (size_t)got, request->header->nlmsg_seq,
				  mnl_socket_get_portid(socket), on_answer, context);
	}
	return more < 0 ? -errno : 0;
}

static int on_link(const struct nlmsghdr *header, void *context)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);

	if (header->nlmsg_len >= mnl_nlmsg_size(sizeof(*link)))
		*(int *)context = link->ifi_index;
	return MNL_CB_OK;
}

static int find_index(struct links *links, struct mnl_socket *socket, const char *name,
		      uint32_t *ret)
{
	struct request request = { .links = links };
	struct ifinfomsg *link = begin(&request, RTM_GETLINK, 0, sizeof(*link));
	int index = 0, error;

	link->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	error = ask(&request, socket, on_link, &index);
	*ret = (uint32_t)index;
	return error;
}

/* Without a link-layer protocol that would have to be answered. */
static int bring_up(struct links *links, struct mnl_socket *socket, uint32_t index)
{
	struct request request = { .links = links };
	struct ifinfomsg *link = begin(&request, RTM_NEWLINK, 0, sizeof(*link));

	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)index;
	link->ifi_change = IFF_UP | IFF_NOARP;
	link->ifi_flags = IFF_UP | IFF_NOARP;
	return ask(&request, socket, NULL, NULL);
}

static void link_address(uint8_t out[static ETH_ALEN], size_t number, bool peer)
{
	const uint8_t bytes[ETH_ALEN] = {
		2, 0, peer, 0, (uint8_t)(number >> 8), (uint8_t)number,
	};

	memcpy(out, bytes, sizeof(bytes));
}

static void put_peer(struct request *request, size_t number, int namespace)
{
	struct nlmsghdr *header = request->header;
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *link;
	uint8_t address[ETH_ALEN];
	char name[LINK_NAME_MAX];

	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
	link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	snprintf(name, sizeof(name), "w%zu", number);
	link_address(address, number, true);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	mnl_attr_put(header, IFLA_ADDRESS, sizeof(address), address);
	mnl_attr_put_u32(header, IFLA_NET_NS_FD, (uint32_t) namespace);
	mnl_attr_nest_end(header, peer);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
}

static int make_pair(struct links *links, const char *name, struct link *ret)
{
	struct request request = { .links = links };
	struct ifinfomsg *link =
		begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*link));
	uint8_t address[ETH_ALEN];
	char peer[LINK_NAME_MAX];
	int error;

	link->ifi_family = AF_UNSPEC;
	link_address(address, links->count, false);
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	mnl_attr_put(request.header, IFLA_ADDRESS, sizeof(address), address);
	put_peer(&request, links->count, links->outside_namespace);
	error = ask(&request, links->inside, NULL, NULL);
	if (error)
		return error;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(peer, sizeof(peer), "w%zu", links->count);
	error = find_index(links, links->inside, name, &ret->index);
	if (!error)
		error = find_index(links, links->outside, peer, &ret->peer);
	/* Ours last, so that it has its carrier at once. */
	if (!error)
		error = bring_up(links, links->outside, ret->peer);
	if (!error)
		error = bring_up(links, links->inside, ret->index);
	return error;
}

int links_get(struct links *links, const char *name, const struct link **ret)
{
	struct link *list;
	int error;

	for (size_t i = 0; i < links->count; i++) {
		if (strcmp(links->list[i].name, name) != 0)
			continue;
		*ret = &links->list[i];
		return 0;
	}
	if (links->count == LINKS_MAX)
		return -ENOSPC;
	/* All at once: callers hold on to the links they have. */
	if (!links->list) {
		list = calloc(LINKS_MAX, sizeof(*list));
		if (!list)
			return -ENOMEM;
		links->list = list;
	}
	error = make_pair(links, name, &links->list[links->count]);
	if (error)
		return error;
	*ret = &links->list[links->count++];
	return 0;
}

/* --- addresses and routes --------------------------------------------------------- */

static uint8_t family_of(struct address address)
{
	return address.family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

static uint8_t bits_of(struct address address)
{
	return address.family == FAMILY_IPV4 ? 32 : 128;
}

static void put_address(struct nlmsghdr *header, uint16_t type, struct address address)
{
	uint8_t bytes[16];
	size_t size_bytes = bits_of(address) / 8;

	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (uint8_t)(address.value >> 8 * (size_bytes - 1 - i));
	mnl_attr_put(header, type, size_bytes, bytes);
}

static int change_address(struct links *links, const struct link *link,
			  struct address address, bool there)
{
	struct request request = { .links = links };
	struct ifaddrmsg *message =
		begin(&request, there ? RTM_NEWADDR : RTM_DELADDR,
		      there ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*message));

	message->ifa_family = family_of(address);
	message->ifa_prefixlen = bits_of(address);
	message->ifa_flags = there ? IFA_F_NODAD : 0;
	message->ifa_index = link->index;
	put_address(request.header, IFA_LOCAL, address);
	put_address(request.header, IFA_ADDRESS, address);
	return ask(&request, links->inside, NULL, NULL);
}

static int change_route(struct links *links, const struct link *link,
			struct address address, uint16_t type, bool local)
{
	struct request request = { .links = links };
	bool there = type == RTM_NEWROUTE;
	struct rtmsg *route =
		begin(&request, type, there ? NLM_F_CREATE | NLM_F_REPLACE : 0,
		      sizeof(*route));

	route->rtm_family = family_of(address);
	route->rtm_dst_len = bits_of(address);
	route->rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = local ? RT_SCOPE_HOST : RT_SCOPE_LINK;
	route->rtm_type = local ? RTN_LOCAL : RTN_UNICAST;
	put_address(request.header, RTA_DST, address);
	mnl_attr_put_u32(request.header, RTA_OIF, link->index);
	return ask(&request, links->inside, NULL, NULL);
}

/* An IPv6 address becomes local when a worker of the kernel has come to it; the route
 * makes it so at once. */
int links_address(struct links *links, const struct link *link, struct address address)
{
	int error = change_address(links, link, address, true);

	if (!error && address.family == FAMILY_IPV6)
		error = change_route(links, link, address, RTM_NEWROUTE, true);
	return error;
}

int links_no_address(struct links *links, const struct link *link,
		     struct address address)
{
	if (address.family == FAMILY_IPV6)
		change_route(links, link, address, RTM_DELROUTE, true);
	return change_address(links, link, address, false);
}

int links_route(struct links *links, const struct link *link, struct address address)
{
	return change_route(links, link, address, RTM_NEWROUTE, false);
}

/* --- packets ---------------------------------------------------------------------- */

static int send_frame(struct links *links, const struct link *link, uint16_t type,
		      const void *payload, size_t size_bytes)
{
	size_t number = (size_t)(link - links->list);
	uint8_t frame[ETH_HLEN + WIRE_BYTES_MAX];
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)link->peer };

	if (size_bytes > WIRE_BYTES_MAX)
		return -EMSGSIZE;
	link_address(frame, number, false);
	link_address(frame + ETH_ALEN, number, true);
	frame[2 * ETH_ALEN] = (uint8_t)(type >> 8);
	frame[2 * ETH_ALEN + 1] = (uint8_t)type;
	memcpy(frame + ETH_HLEN, payload, size_bytes);
	if (sendto(links->wire, frame, ETH_HLEN + size_bytes, 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0)
		return -errno;
	return 0;
}

/* Packets of one link are dealt with in their order: once this one is through, so is
 * what was sent before it. */
static int pass_fence(struct links *links, const struct link *link)
{
	uint32_t number = ++links->sequence, seen = 0;
	struct pollfd poller = { .fd = links->fence, .events = POLLIN };
	int error = send_frame(links, link, FENCE_TYPE, &number, sizeof(number));

	while (!error && seen != number) {
		int ready = poll(&poller, 1, FENCE_MS);

		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (recv(links->fence, &seen, sizeof(seen), MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return error;
}

int links_send(struct links *links, const struct link *link, const void *packet,
	       size_t size_bytes, enum family family)
{
	int error =
		send_frame(links, link, family == FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6,
			   packet, size_bytes);

	return error ? error : pass_fence(links, link);
}

/* --- the namespaces --------------------------------------------------------------- */

/* What can't be set stays as it is; the packet then tells. */
static void set(const char *name, const char *value)
{
	char path[128];
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, value, strlen(value));
}

static void set_inside(void)
{
	static const char *const settings[][2] = {
		{ "ipv4/conf/all/forwarding", "1" },
		{ "ipv4/conf/all/rp_filter", "0" },
		{ "ipv4/conf/default/rp_filter", "0" },
		{ "ipv4/conf/all/accept_local", "1" },
		{ "ipv4/conf/all/send_redirects", "0" },
		{ "ipv4/conf/default/send_redirects", "0" },
		{ "ipv4/conf/default/accept_source_route", "0" },
		{ "ipv6/conf/all/disable_ipv6", "0" },
		{ "ipv6/conf/default/disable_ipv6", "0" },
		{ "ipv6/conf/all/forwarding", "1" },
		{ "ipv6/conf/default/accept_ra", "0" },
		{ "ipv6/conf/default/accept_dad", "0" },
		{ "netfilter/nf_conntrack_checksum", "1" },
		{ "netfilter/nf_conntrack_tcp_be_liberal", "0" },
		{ "netfilter/nf_conntrack_tcp_loose", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		set(settings[i][0], settings[i][1]);
}

static bool is_set(const char *name)
{
	char path[128], value = '0';
	auto_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &value, 1) == 1 && value != '0';
}

static int open_routes(struct mnl_socket **ret)
{
	*ret = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!*ret || mnl_socket_bind(*ret, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

/* Past the queue of an interface, which takes nothing until the kernel's worker has
 * noticed that its link is up. */
static int open_wire(void)
{
	const int on = 1;
	auto_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		return -errno;
	return take_fd(fd);
}

static int open_outside(struct links *ret)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	set("ipv6/conf/all/disable_ipv6", "1");
	set("ipv6/conf/default/disable_ipv6", "1");
	ret->outside_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ret->outside_namespace < 0)
		return -errno;
	ret->wire = open_wire();
	if (ret->wire < 0)
		return ret->wire;
	return open_routes(&ret->outside);
}

int links_open(int network, struct links *ret)
{
	int error;

	set_inside();
	ret->forwards4 = is_set("ipv4/conf/all/forwarding");
	ret->forwards6 = is_set("ipv6/conf/all/forwarding");
	ret->fence = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(FENCE_TYPE));
	if (ret->fence < 0)
		return -errno;
	error = open_routes(&ret->inside);
	if (!error)
		error = open_outside(ret);
	if (setns(network, CLONE_NEWNET) < 0 && !error)
		error = -errno;
	return error;
}

void links_close(struct links *links)
{
	if (links->inside)
		mnl_socket_close(links->inside);
	if (links->outside)
		mnl_socket_close(links->outside);
	cleanup_fd(&links->outside_namespace);
	cleanup_fd(&links->wire);
	cleanup_fd(&links->fence);
	free(links->list);
	*links = (struct links)LINKS_NULL;
}
