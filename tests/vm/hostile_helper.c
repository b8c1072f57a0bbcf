/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an enemy says to the helper, and does with what the helper passes it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "agent/helper.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "helper/wire.h"
#include "tests/vm/hostile.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* --- what is refused ----------------------------------------------------------------
 */

static const char *const scripts[] = {
	"flush ruleset",
	"delete table ip canary",
	"delete table inet canary",
	"destroy table inet canary",
	"flush table inet canary",
	"flush chain inet canary c",
	"add rule inet canary c accept",
	"insert rule inet vigil input accept",
	"add chain ip canary x",
	"add set inet canary x { type ipv4_addr; }",
	"add element inet canary s { 10.0.0.1 }",
	"add table ip vigil",
	"add table netdev vigil",
	"add table inet vigil; flush ruleset",
	"add rule inet vigil input jump c\nflush ruleset",
	"add rule inet vigil input accept # and a comment",
	"add rule inet vigil input \\\nflush ruleset",
	"include \"/etc/shadow\"",
	"include \"/var/lib/vigil/*\"",
	"define x = 1",
	"add rule inet vigil input ip saddr example.org drop",
	"add rule inet vigil input ip saddr \"localhost\" drop",
	"add rule inet vigil input queue",
	"add rule inet vigil input log",
	"add rule inet vigil input log group 1",
	"add rule inet vigil input meta mark set 1",
	"add rule inet vigil input tproxy to :80",
	"add rule inet vigil input dup to 192.0.2.2",
	"add rule inet vigil input ip daddr set 192.0.2.2",
	"add rule inet vigil input ct helper set \"ftp\"",
	"add rule inet vigil input tcp option maxseg size set 1",
	"add chain inet vigil x { type filter hook ingress device eth1 priority 0; }",
	"add chain inet vigil x { type route hook output priority 0; }",
	"add flowtable inet vigil x { hook ingress priority 0; devices = { eth1 }; }",
	"list ruleset",
	"list table inet canary",
	"reset counters",
	"monitor",
	"",
	"\xff\xfe",
};

static void refuse_scripts(int fd, FILE *seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		auto_free char *line = NULL;
		char what[160] = "";
		int size = asprintf(&line, "%s\n", scripts[i]);

		/* A name in the result is printable and on one line. */
		snprintf(what, sizeof(what), "says: %s", scripts[i]);
		for (char *c = what; *c; c++)
			*c = *c < ' ' || *c > '~' ? '?' : *c;
		note(seen, "never", what,
		     size < 0 ? ENOMEM
			      : -helper_apply_script(fd, line, (size_t)size, NULL));
	}
}

static const struct {
	const char *what;
	struct helper_block block;
	uint32_t keys[4];
} blocks[] = {
	{ "adds elements to another table's set",
	  { HELPER_ADD, 4, 1, 0, "canary" },
	  { 1, 1 } },
	{ "adds elements by a name with a path",
	  { HELPER_ADD, 4, 1, 0, "../canary" },
	  { 1, 1 } },
	{ "adds elements of an odd size", { HELPER_ADD, 5, 1, 0, "s" }, { 1, 1 } },
	{ "adds more elements than there are",
	  { HELPER_ADD, 4, UINT32_MAX, 0, "s" },
	  { 1, 1 } },
	{ "adds a range from its end to its beginning",
	  { HELPER_ADD, 4, 1, 0, "s" },
	  { 2, 1 } },
	{ "adds a tag that is none",
	  { HELPER_TAG_ADD, 0, 0, 0, "../../../../etc/shadow..........." },
	  { 0 } },
	{ "asks for an unknown change", { 9, 4, 1, 0, "s" }, { 1, 1 } },
};

static void refuse_elements(int fd, FILE *seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		char payload[sizeof(blocks[i].block) + sizeof(blocks[i].keys)];
		size_t size =
			sizeof(blocks[i].block) + (blocks[i].block.key_bytes ? 8 : 0);

		memcpy(payload, &blocks[i].block, sizeof(blocks[i].block));
		memcpy(payload + sizeof(blocks[i].block), blocks[i].keys,
		       sizeof(blocks[i].keys));
		note(seen, "never", blocks[i].what,
		     -helper_apply_elements(fd, payload, size, true, NULL));
	}
}

/* One request with a payload of any kind; its answer's status, or what ended it. */
static int ask(int fd, const struct helper_request *request, size_t size,
	       const int *fds, size_t fd_count)
{
	struct helper_reply reply = { 0 };
	int received[HELPER_FDS_MAX], error;
	size_t received_count = 0;

	error = wire_send(fd, request, size, fds, fd_count);
	if (!error)
		error = wire_receive(fd, &reply, sizeof(reply), received,
				     &received_count);
	while (received_count > 0)
		close(received[--received_count]);
	return error ? -error : -reply.status;
}

static int make_memfd(const char *text, int seals)
{
	int fd = memfd_create("enemy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals) < 0))
		return -1;
	return fd;
}

static void refuse_payloads(int fd, FILE *seen)
{
	static const char script[] = "add table inet vigil\n";
	const size_t size = sizeof(script) - 1;
	const struct {
		const char *what;
		int fd;
		size_t size;
	} payloads[] = {
		{ "passes a memfd without a seal", make_memfd(script, 0), size },
		{ "passes a memfd that can be written",
		  make_memfd(script, SEALS & ~F_SEAL_WRITE), size },
		{ "passes a memfd that can shrink",
		  make_memfd(script, SEALS & ~F_SEAL_SHRINK), size },
		{ "passes a memfd of another size", make_memfd(script, SEALS),
		  size + 1 },
		{ "passes a file of its own", open("seen", O_RDWR | O_CLOEXEC), size },
		{ "passes the policy",
		  open("/etc/vigil/policy.yml", O_RDONLY | O_CLOEXEC), size },
		{ "passes a device", open("/dev/zero", O_RDWR | O_CLOEXEC), size },
		{ "passes a directory", open("/", O_RDONLY | O_CLOEXEC), size },
		{ "passes the connection itself", fd, size },
	};

	for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
		const struct helper_request request = { HELPER_APPLY, 0, HELPER_SCRIPT,
							0, payloads[i].size };

		if (payloads[i].fd < 0)
			note(seen, "holds", payloads[i].what, ENOENT);
		note(seen, "never", payloads[i].what,
		     ask(fd, &request, sizeof(request), &payloads[i].fd, 1));
		if (payloads[i].fd != fd)
			close(payloads[i].fd);
	}
}

/* As an honest agent would. */
void helper_ask(int fd, FILE *seen)
{
	int dump = helper_dump(fd, HELPER_DUMP_SETS, NULL);

	note(seen, "holds", "gets an answer from the helper", dump < 0 ? -dump : 0);
}

void helper_refused(int fd, FILE *seen)
{
	refuse_scripts(fd, seen);
	refuse_elements(fd, seen);
	refuse_payloads(fd, seen);
	helper_ask(fd, seen);
}

/* --- what ends the connection -------------------------------------------------------
 */

#define REQUEST(...)                                                                   \
	{                                                                              \
		{ __VA_ARGS__ }, sizeof(struct helper_request)                         \
	}
static const struct {
	const char *what;
	struct {
		struct helper_request request;
		size_t size;
	} packet;
	bool greets;
	size_t fd_count;
} endings[] = {
	{ "sends half a packet", { { HELPER_DUMP, 0, 1, 0, 0 }, 12 }, true, 0 },
	{ "asks before it greets", REQUEST(HELPER_DUMP, 0, 1, 0, 0), false, 0 },
	{ "greets twice", REQUEST(HELPER_HELLO, 1, 0, 0, 0), true, 0 },
	{ "asks for an unknown thing", REQUEST(99, 0, 0, 0, 0), true, 0 },
	{ "asks for an unknown dump", REQUEST(HELPER_DUMP, 0, 99, 0, 0), true, 0 },
	{ "passes a script beyond 16 MiB",
	  REQUEST(HELPER_APPLY, 0, HELPER_SCRIPT, 0, HELPER_SCRIPT_MAX + 1), true, 1 },
	{ "passes three descriptors", REQUEST(HELPER_DUMP, 0, 1, 0, 0), true, 3 },
	{ "applies without a script", REQUEST(HELPER_APPLY, 0, HELPER_SCRIPT, 0, 9),
	  true, 0 },
	{ "fills what is reserved", REQUEST(HELPER_DUMP, 0, 1, 1, 0), true, 0 },
};

static void end_connection(int fd, size_t trick, FILE *seen)
{
	const int fds[HELPER_FDS_MAX] = { STDOUT_FILENO, STDOUT_FILENO, STDOUT_FILENO };
	const struct helper_request dump = { HELPER_DUMP, 0, 1, 0, 0 };
	int error;

	if (endings[trick].greets && helper_hello(fd, NULL) < 0)
		note(seen, "holds", "is greeted by the helper", ENOTCONN);
	error = ask(fd, &endings[trick].packet.request, endings[trick].packet.size, fds,
		    endings[trick].fd_count);
	note(seen, "never", endings[trick].what, error);
	error = ask(fd, &dump, sizeof(dump), NULL, 0);
	note(seen, "never", "goes on with that connection", error);
}

void helper_endings(const int *fds, size_t count, FILE *seen)
{
	note(seen, "holds", "has a connection for each of these",
	     count < ARRAY_SIZE(endings) ? ENOTCONN : 0);
	for (size_t i = 0; i < count && i < ARRAY_SIZE(endings); i++)
		end_connection(fds[i], i, seen);
}

/* Requests without ever reading an answer, and answers cost the helper a socket each.
 */
void helper_flood(int fd, FILE *seen)
{
	const struct helper_request dump = { HELPER_DUMP, 0, HELPER_DUMP_CONNTRACK, 0,
					     0 };
	struct pollfd polled = { fd, POLLOUT, 0 };
	int error = 0, sent = 0;
	char what[80];

	while (sent < 100000 && poll(&polled, 1, 5000) == 1 && !error) {
		error = -wire_send(fd, &dump, sizeof(dump), NULL, 0);
		sent += !error;
		error = error == EAGAIN ? 0 : error;
	}
	snprintf(what, sizeof(what), "asks without reading answers: %d", sent);
	note(seen, "never", what, error);
}

/* --- what is passed -----------------------------------------------------------------
 */

/* Send one message on a netlink socket; what the kernel answers to it. */
static int send_message(int fd, const struct nlmsghdr *message, size_t size)
{
	char answer[8192];
	ssize_t got;

	if (send(fd, message, size, 0) < 0)
		return errno;
	for (int i = 0; i < 1000; i++) {
		const struct nlmsghdr *at = (void *)answer;
		struct pollfd polled = { fd, POLLIN, 0 };

		if (poll(&polled, 1, 1000) < 1)
			return ETIMEDOUT;
		got = recv(fd, answer, sizeof(answer), 0);
		for (int left = (int)got; mnl_nlmsg_ok(at, left);
		     at = mnl_nlmsg_next(at, &left))
			if (at->nlmsg_type == NLMSG_ERROR)
				return -((const struct nlmsgerr *)mnl_nlmsg_get_payload(
						 at))
						->error;
	}
	return ETIMEDOUT;
}

static struct nlmsghdr *put(char *buffer, int type, int family, int resource)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = (uint8_t)family;
	header->res_id = htons((uint16_t)resource);
	return message;
}

static int forget_connections(int fd)
{
	char buffer[256];
	struct nlmsghdr *message =
		put(buffer, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, 0);

	return send_message(fd, message, message->nlmsg_len);
}

static int delete_canary(int fd)
{
	char buffer[512];
	struct nlmsghdr *begin =
		put(buffer, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
	struct nlmsghdr *message, *end;

	message = put(mnl_nlmsg_get_payload_tail(begin),
		      NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NFPROTO_INET, 0);
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, "canary");
	end = put(mnl_nlmsg_get_payload_tail(message), NFNL_MSG_BATCH_END, 0,
		  NFNL_SUBSYS_NFTABLES);
	return send_message(fd, begin,
			    (size_t)((char *)mnl_nlmsg_get_payload_tail(end) - buffer));
}

static int dump_rules(int fd)
{
	char buffer[256];
	struct nlmsghdr *message =
		put(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, 0, 0);

	message->nlmsg_flags |= NLM_F_DUMP;
	return send_message(fd, message, message->nlmsg_len);
}

static int join_groups(int fd)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = UINT32_MAX };
	socklen_t size = sizeof(all);

	getsockname(fd, (struct sockaddr *)&all, &size);
	all.nl_groups = UINT32_MAX;
	return bind(fd, (struct sockaddr *)&all, sizeof(all)) < 0 ? errno : 0;
}

static int join_group_by_option(int fd)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			  sizeof(group)) < 0
		       ? errno
		       : 0;
}

static int insist_on_delivery(int fd)
{
	int on = 1, least = 1;

	/* Little room as well: a few events fill it. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	return setsockopt(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR, &on, sizeof(on)) < 0
		       ? errno
		       : 0;
}

static const struct {
	const char *what;
	int (*perform)(int fd);
} uses[] = {
	{ "deletes connections through the socket it got", forget_connections },
	{ "deletes another table through the socket it got", delete_canary },
	{ "lists all rules through the socket it got", dump_rules },
	{ "joins other groups by binding the socket it got", join_groups },
	{ "joins other groups by an option of the socket it got",
	  join_group_by_option },
};

static void use_sockets(int socket, FILE *seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		note(seen, "never", uses[i].what, uses[i].perform(socket));
}

/* Names of chains, also of other tables; whether the canary's is among them. */
static int see_foreign_chain(int fd)
{
	char answer[65536];
	ssize_t got;
	int error = ENOENT;

	for (int i = 0; i < 100; i++) {
		struct pollfd polled = { fd, POLLIN, 0 };

		if (poll(&polled, 1, 500) < 1)
			break;
		got = recv(fd, answer, sizeof(answer), 0);
		if (got > 0 && memmem(answer, (size_t)got, "canary", 6))
			error = 0;
	}
	return error;
}

void helper_sockets(int fd, FILE *seen)
{
	struct helper_sockets sockets = { -1, -1, -1 };
	int chains = helper_dump(fd, HELPER_DUMP_CHAINS, NULL);
	int error = helper_observe(fd, 1u << HELPER_FD_CONNTRACK, &sockets, NULL);

	note(seen, "design", "gets a socket for connection events", -error);
	if (!error)
		use_sockets(sockets.conntrack, seen);
	if (chains < 0)
		note(seen, "holds", "gets a list of chains", -chains);
	else
		note(seen, "design",
		     "sees names of chains in other tables of family inet",
		     see_foreign_chain(chains));
}

/* Holds the socket that it got until it is ended, and does not read. */
void helper_pin(int fd, FILE *seen)
{
	struct helper_sockets sockets = { -1, -1, -1 };
	int error = helper_observe(fd, 1u << HELPER_FD_CONNTRACK, &sockets, NULL);

	if (error)
		note(seen, "holds", "gets a socket for connection events", -error);
	else
		note(seen, "pins", "insists on the delivery of connection events",
		     insist_on_delivery(sockets.conntrack));
}

void helper_open_host(int fd, FILE *seen)
{
	static const char script[] = "delete table inet vigil\n";

	note(seen, "design", "opens the host",
	     -helper_apply_script(fd, script, sizeof(script) - 1, NULL));
}

/* --- what is left behind ------------------------------------------------------------
 */

static void leave(const char *name, int fd)
{
	char text[64];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

/* Descriptors for the next agent that are not what they are called: nobody answers on
 * the "helper", nobody comes to "control", and the events are zeros without an end. */
void helper_poison_store(int fd, FILE *seen)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		note(seen, "holds", "makes a pair of sockets", errno);
		return;
	}
	leave("helper", ends[0]);
	leave("helper", fd);
	leave("control", ends[1]);
	leave("conntrack", open("/dev/zero", O_RDONLY | O_CLOEXEC));
	leave("log", ends[1]);
	leave("tables", make_memfd("x", 0));
	note(seen, "design", "leaves descriptors for the next agent", 0);
}
