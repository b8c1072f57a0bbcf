/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/netlink.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

/* Messages and attributes both begin at multiples of 4. */
static size_t align(size_t size_bytes)
{
	return (size_bytes + 3) & ~(size_t)3;
}

static void skip(struct bytes *bytes, size_t size_bytes)
{
	if (size_bytes > bytes->left)
		size_bytes = bytes->left;
	bytes->at += size_bytes;
	bytes->left -= size_bytes;
}

/* NLMSG_DONE and NLMSG_ERROR begin with an int: 0 or -errno. */
static void read_status(struct bytes payload, struct decode_summary *summary)
{
	int status;

	if (payload.left < sizeof(status)) {
		summary->malformed++;
		return;
	}
	memcpy(&status, payload.at, sizeof(status));
	if (status < 0)
		summary->error = status;
	else if (status > 0)
		summary->malformed++;
}

static void read_control(const struct nlmsghdr *header, struct bytes payload,
			 struct decode_summary *summary)
{
	uint16_t type = header->nlmsg_type;

	if (type == NLMSG_DONE) {
		summary->done = true;
		/* nflog ends its batches, which are no dumps, with one that has four
		 * bytes of anything: __nfulnl_send() in nfnetlink_log.c. */
		if (header->nlmsg_flags & NLM_F_MULTI && payload.left)
			read_status(payload, summary);
	} else if (type == NLMSG_ERROR) {
		read_status(payload, summary);
	} else if (type == NLMSG_OVERRUN) {
		summary->error = -ENOBUFS;
	} else {
		summary->skipped++;
	}
}

/* Cut the next message off @rest. Return: whether there was one whose length fits. */
static bool next_message(struct bytes *rest, struct nlmsghdr *header,
			 struct bytes *payload)
{
	if (rest->left < sizeof(*header))
		return false;
	memcpy(header, rest->at, sizeof(*header));
	if (header->nlmsg_len < sizeof(*header) || header->nlmsg_len > rest->left)
		return false;
	*payload = (struct bytes){ rest->at, header->nlmsg_len };
	skip(payload, sizeof(*header));
	skip(rest, align(header->nlmsg_len));
	return true;
}

static bool read_generic(const struct nlmsghdr *header, struct bytes payload,
			 struct message *ret)
{
	struct nfgenmsg generic;

	if (payload.left < sizeof(generic))
		return false;
	memcpy(&generic, payload.at, sizeof(generic));
	skip(&payload, sizeof(generic));
	*ret = (struct message){
		.type = (uint8_t)header->nlmsg_type,
		.flags = header->nlmsg_flags,
		.family = generic.nfgen_family,
		.attributes = payload,
	};
	return true;
}

struct decode_summary netlink_each(
	const void *data, size_t size_bytes, uint8_t subsystem,
	enum message_result (*on_message)(const struct message *message, void *context),
	void *context)
{
	struct decode_summary summary = { 0 };
	uint32_t results[] = { 0, 0, 0 };
	struct bytes rest = { data, size_bytes }, payload;
	struct nlmsghdr header;
	struct message message;

	while (next_message(&rest, &header, &payload)) {
		if (header.nlmsg_flags & NLM_F_DUMP_INTR)
			summary.interrupted = true;
		if (header.nlmsg_type < NLMSG_MIN_TYPE)
			read_control(&header, payload, &summary);
		else if (header.nlmsg_type >> 8 != subsystem)
			summary.skipped++;
		else if (read_generic(&header, payload, &message))
			results[on_message(&message, context)]++;
		else
			summary.malformed++;
	}
	summary.flows = results[MESSAGE_TAKEN];
	summary.skipped += results[MESSAGE_SKIPPED];
	summary.malformed += results[MESSAGE_MALFORMED] + (rest.left > 0);
	return summary;
}

bool netlink_split(struct bytes attributes, struct bytes *table, size_t count)
{
	memset(table, 0, count * sizeof(*table));
	while (attributes.left) {
		struct nlattr header;
		struct bytes payload = attributes;
		uint16_t type;

		if (attributes.left < sizeof(header))
			return false;
		memcpy(&header, attributes.at, sizeof(header));
		if (header.nla_len < sizeof(header) || header.nla_len > attributes.left)
			return false;
		payload.left = header.nla_len;
		skip(&payload, sizeof(header));
		skip(&attributes, align(header.nla_len));
		type = header.nla_type & (uint16_t)NLA_TYPE_MASK;
		if (type < count)
			table[type] = payload;
	}
	return true;
}

bool bytes_be16(struct bytes bytes, uint16_t *ret)
{
	uint16_t value;

	if (!bytes.at || bytes.left != sizeof(value))
		return false;
	memcpy(&value, bytes.at, sizeof(value));
	*ret = be16toh(value);
	return true;
}

bool bytes_be32(struct bytes bytes, uint32_t *ret)
{
	uint32_t value;

	if (!bytes.at || bytes.left != sizeof(value))
		return false;
	memcpy(&value, bytes.at, sizeof(value));
	*ret = be32toh(value);
	return true;
}

bool bytes_be64(struct bytes bytes, uint64_t *ret)
{
	uint64_t value;

	if (!bytes.at || bytes.left != sizeof(value))
		return false;
	memcpy(&value, bytes.at, sizeof(value));
	*ret = be64toh(value);
	return true;
}

const char *bytes_text(struct bytes bytes)
{
	if (!bytes.at || !memchr(bytes.at, '\0', bytes.left))
		return NULL;
	return (const char *)bytes.at;
}

struct address address_from_wire(enum family family, const uint8_t *at)
{
	struct address address = { .family = family };
	size_t size_bytes = family == FAMILY_IPV4 ? 4 : 16;

	for (size_t i = 0; i < size_bytes; i++)
		address.value = address.value << 8 | at[i];
	return address;
}
