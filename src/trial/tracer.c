/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/tracer.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/compile.h"
#include "observe/netlink.h"

enum {
	BATCH_BYTES = 16384,
	ANSWER_BYTES = 65536,
	PRIORITY_FIRST = -1000,      /* before defragmentation, at -400 */
	PRIORITY_TRACKED = -199,     /* right behind connection tracking, at -200 */
	PRIORITY_LAST = INT_MAX - 1, /* conntrack confirms connections at INT_MAX */
	RECEIVE_BYTES = 4 * 1024 * 1024,
};

struct batch {
	struct tracer *tracer;
	char bytes[BATCH_BYTES];
	size_t used;
	size_t messages; /* that are answered */
};

static struct nlmsghdr *begin(struct batch *batch, uint16_t type, uint16_t flags,
			      uint8_t family, uint16_t resource)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(batch->bytes + batch->used);
	struct nfgenmsg *generic;

	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header->nlmsg_seq = ++batch->tracer->sequence;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	*generic = (struct nfgenmsg){ .nfgen_family = family,
				      .version = NFNETLINK_V0,
				      .res_id = htons(resource) };
	batch->messages += (flags & NLM_F_ACK) != 0;
	return header;
}

static void end(struct batch *batch, const struct nlmsghdr *header)
{
	batch->used += (header->nlmsg_len + 3) & ~3u;
}

static void control(struct batch *batch, uint16_t type)
{
	end(batch, begin(batch, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static struct nlmsghdr *begin_nft(struct batch *batch, int type, int flags)
{
	return begin(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		     (uint16_t)(flags | NLM_F_ACK), NFPROTO_INET, 0);
}

/* --- answers ---------------------------------------------------------------------- */

struct answer {
	size_t acknowledged;
	int error;
};

static int on_error(const struct nlmsghdr *header, void *context)
{
	const struct nlmsgerr *status = mnl_nlmsg_get_payload(header);
	struct answer *answer = context;

	if (header->nlmsg_len < mnl_nlmsg_size(sizeof(*status)))
		return MNL_CB_ERROR;
	answer->acknowledged++;
	if (status->error && !answer->error)
		answer->error = status->error;
	return MNL_CB_OK;
}

static int on_other(const struct nlmsghdr *header, void *context)
{
	(void)header;
	(void)context;
	return MNL_CB_OK;
}

static int await_answers(struct batch *batch)
{
	static mnl_cb_t callbacks[] = { [NLMSG_ERROR] = on_error };
	char bytes[ANSWER_BYTES];
	struct answer answer = { 0 };

	/* A batch that is refused as a whole is answered once. */
	while (answer.acknowledged < batch->messages && !answer.error) {
		ssize_t got = mnl_socket_recvfrom(batch->tracer->requests, bytes,
						  sizeof(bytes));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (mnl_cb_run2(bytes, (size_t)got, 0, 0, on_other, &answer, callbacks,
				ARRAY_SIZE(callbacks)) < 0)
			return -EPROTO;
	}
	return answer.error;
}

static int send_batch(struct batch *batch)
{
	if (mnl_socket_sendto(batch->tracer->requests, batch->bytes, batch->used) < 0)
		return -errno;
	return await_answers(batch);
}

/* What an earlier request that failed half way left unread. */
static void drop_answers(struct tracer *tracer)
{
	char bytes[ANSWER_BYTES];

	while (recv(mnl_socket_get_fd(tracer->requests), bytes, sizeof(bytes),
		    MSG_DONTWAIT) > 0)
		;
}

/* --- the table -------------------------------------------------------------------- */

static void add_table(struct batch *batch)
{
	struct nlmsghdr *header = begin_nft(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(header, NFTA_TABLE_NAME, TRACER_TABLE);
	end(batch, header);
}

static void add_chain(struct batch *batch, const char *name, uint32_t hook,
		      int priority, uint32_t policy)
{
	struct nlmsghdr *header = begin_nft(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, TRACER_TABLE);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, name);
	nest = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
	mnl_attr_nest_end(header, nest);
	mnl_attr_put_strz(header, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(header, NFTA_CHAIN_POLICY, htonl(policy));
	end(batch, header);
}

/* A rule under construction: its list of expressions. */
struct rule_draft {
	struct batch *batch;
	struct nlmsghdr *header;
	struct nlattr *list;
	struct nlattr *element, *data;
};

static struct rule_draft begin_rule(struct batch *batch, const char *chain)
{
	struct nlmsghdr *header =
		begin_nft(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	mnl_attr_put_strz(header, NFTA_RULE_TABLE, TRACER_TABLE);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain);
	return (struct rule_draft){
		.batch = batch,
		.header = header,
		.list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS),
	};
}

static void end_rule(struct rule_draft *draft)
{
	mnl_attr_nest_end(draft->header, draft->list);
	end(draft->batch, draft->header);
}

static void begin_expression(struct rule_draft *draft, const char *name)
{
	draft->element = mnl_attr_nest_start(draft->header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(draft->header, NFTA_EXPR_NAME, name);
	draft->data = mnl_attr_nest_start(draft->header, NFTA_EXPR_DATA);
}

static void end_expression(struct rule_draft *draft)
{
	mnl_attr_nest_end(draft->header, draft->data);
	mnl_attr_nest_end(draft->header, draft->element);
}

static void put_number(struct rule_draft *draft, int attribute, uint32_t value)
{
	mnl_attr_put_u32(draft->header, (uint16_t)attribute, htonl(value));
}

/* A register holds numbers of the kernel's own in its own byte order. */
static void put_value(struct rule_draft *draft, int attribute, uint32_t value)
{
	struct nlattr *nest = mnl_attr_nest_start(draft->header, (uint16_t)attribute);

	mnl_attr_put(draft->header, NFTA_DATA_VALUE, sizeof(value), &value);
	mnl_attr_nest_end(draft->header, nest);
}

static void put_compare(struct rule_draft *draft, uint32_t operation, uint32_t value)
{
	begin_expression(draft, "cmp");
	put_number(draft, NFTA_CMP_SREG, NFT_REG_1);
	put_number(draft, NFTA_CMP_OP, operation);
	put_value(draft, NFTA_CMP_DATA, value);
	end_expression(draft);
}

static void put_trace(struct rule_draft *draft)
{
	const uint8_t on = 1;
	struct nlattr *nest;

	begin_expression(draft, "immediate");
	put_number(draft, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nest = mnl_attr_nest_start(draft->header, NFTA_IMMEDIATE_DATA);
	mnl_attr_put(draft->header, NFTA_DATA_VALUE, sizeof(on), &on);
	mnl_attr_nest_end(draft->header, nest);
	end_expression(draft);
	begin_expression(draft, "meta");
	put_number(draft, NFTA_META_KEY, NFT_META_NFTRACE);
	put_number(draft, NFTA_META_SREG, NFT_REG_1);
	end_expression(draft);
}

static void put_accept(struct rule_draft *draft)
{
	struct nlattr *data, *verdict;

	begin_expression(draft, "immediate");
	put_number(draft, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = mnl_attr_nest_start(draft->header, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(draft->header, NFTA_DATA_VERDICT);
	put_number(draft, NFTA_VERDICT_CODE, NF_ACCEPT);
	mnl_attr_nest_end(draft->header, verdict);
	mnl_attr_nest_end(draft->header, data);
	end_expression(draft);
}

static void add_starts(struct batch *batch)
{
	struct rule_draft draft;

	add_chain(batch, "start.in", NF_INET_PRE_ROUTING, PRIORITY_FIRST, NF_ACCEPT);
	draft = begin_rule(batch, "start.in");
	put_trace(&draft);
	end_rule(&draft);
	add_chain(batch, "start.out", NF_INET_LOCAL_OUT, PRIORITY_FIRST, NF_DROP);
	draft = begin_rule(batch, "start.out");
	begin_expression(&draft, "meta");
	put_number(&draft, NFTA_META_KEY, NFT_META_MARK);
	put_number(&draft, NFTA_META_DREG, NFT_REG_1);
	end_expression(&draft);
	put_compare(&draft, NFT_CMP_EQ, TRACER_MARK);
	put_trace(&draft);
	put_accept(&draft);
	end_rule(&draft);
}

/* Rules without a verdict: that they matched is what the trace tells. Their order is
 * that of enum packet_state from STATE_NEW on. */
static void add_states(struct batch *batch, const char *chain, uint32_t hook)
{
	static const uint32_t bits[] = { NF_CT_STATE_BIT(IP_CT_NEW),
					 NF_CT_STATE_BIT(IP_CT_ESTABLISHED),
					 NF_CT_STATE_BIT(IP_CT_RELATED),
					 NF_CT_STATE_INVALID_BIT };

	add_chain(batch, chain, hook, PRIORITY_TRACKED, NF_ACCEPT);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		struct rule_draft draft = begin_rule(batch, chain);

		begin_expression(&draft, "ct");
		put_number(&draft, NFTA_CT_KEY, NFT_CT_STATE);
		put_number(&draft, NFTA_CT_DREG, NFT_REG_1);
		end_expression(&draft);
		begin_expression(&draft, "bitwise");
		put_number(&draft, NFTA_BITWISE_SREG, NFT_REG_1);
		put_number(&draft, NFTA_BITWISE_DREG, NFT_REG_1);
		put_number(&draft, NFTA_BITWISE_LEN, sizeof(uint32_t));
		put_value(&draft, NFTA_BITWISE_MASK, bits[i]);
		put_value(&draft, NFTA_BITWISE_XOR, 0);
		end_expression(&draft);
		put_compare(&draft, NFT_CMP_NEQ, 0);
		end_rule(&draft);
	}
}

int tracer_install(struct tracer *tracer)
{
	struct batch batch = { .tracer = tracer };

	control(&batch, NFNL_MSG_BATCH_BEGIN);
	add_table(&batch);
	add_starts(&batch);
	add_states(&batch, TRACER_STATE_IN, NF_INET_PRE_ROUTING);
	add_states(&batch, TRACER_STATE_OUT, NF_INET_LOCAL_OUT);
	add_chain(&batch, TRACER_END_IN, NF_INET_LOCAL_IN, PRIORITY_LAST, NF_ACCEPT);
	add_chain(&batch, TRACER_END_OUT, NF_INET_POST_ROUTING, PRIORITY_LAST,
		  NF_ACCEPT);
	control(&batch, NFNL_MSG_BATCH_END);
	return send_batch(&batch);
}

/* --- requests --------------------------------------------------------------------- */

int tracer_open(struct tracer *ret)
{
	unsigned int group = NFNLGRP_NFTRACE;
	int bytes = RECEIVE_BYTES;

	ret->requests = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!ret->requests || mnl_socket_bind(ret->requests, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	ret->traces = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!ret->traces || mnl_socket_bind(ret->traces, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(ret->traces, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return -errno;
	/* As much as the system gives; what one packet says fits the default too. */
	setsockopt(mnl_socket_get_fd(ret->traces), SOL_SOCKET, SO_RCVBUF, &bytes,
		   sizeof(bytes));
	return 0;
}

void tracer_close(struct tracer *tracer)
{
	if (tracer->requests)
		mnl_socket_close(tracer->requests);
	if (tracer->traces)
		mnl_socket_close(tracer->traces);
	*tracer = (struct tracer)TRACER_NULL;
}

struct listing {
	tracer_on_rule on_rule;
	void *context;
	int error;
};

static enum message_result read_rule(const struct message *message, void *context)
{
	struct bytes table[NFTA_RULE_MAX + 1];
	struct listing *listing = context;
	const char *chain;
	uint64_t handle;

	if (message->type != NFT_MSG_NEWRULE)
		return MESSAGE_SKIPPED;
	if (!netlink_split(message->attributes, table, NFTA_RULE_MAX + 1) ||
	    !bytes_be64(table[NFTA_RULE_HANDLE], &handle))
		return MESSAGE_MALFORMED;
	chain = bytes_text(table[NFTA_RULE_CHAIN]);
	if (!chain)
		return MESSAGE_MALFORMED;
	if (!listing->error)
		listing->error = listing->on_rule(chain, handle, listing->context);
	return MESSAGE_TAKEN;
}

int tracer_rules(struct tracer *tracer, const char *table, tracer_on_rule on_rule,
		 void *context)
{
	struct batch batch = { .tracer = tracer };
	struct listing listing = { on_rule, context, 0 };
	struct decode_summary summary = { 0 };
	char bytes[ANSWER_BYTES];
	struct nlmsghdr *header;

	drop_answers(tracer);
	header = begin(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP,
		       NFPROTO_INET, 0);
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, table);
	end(&batch, header);
	if (mnl_socket_sendto(tracer->requests, batch.bytes, batch.used) < 0)
		return -errno;
	while (!summary.done && !summary.error) {
		ssize_t got =
			mnl_socket_recvfrom(tracer->requests, bytes, sizeof(bytes));

		if (got < 0)
			return -errno;
		summary = netlink_each(bytes, (size_t)got, NFNL_SUBSYS_NFTABLES,
				       read_rule, &listing);
		if (summary.malformed)
			return -EPROTO;
	}
	return summary.error ? summary.error : listing.error;
}

int tracer_forget(struct tracer *tracer)
{
	struct batch batch = { .tracer = tracer };

	drop_answers(tracer);
	end(&batch, begin(&batch, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
			  NLM_F_ACK, AF_UNSPEC, 0));
	return send_batch(&batch);
}

int tracer_empty_set(struct tracer *tracer, const char *set)
{
	struct batch batch = { .tracer = tracer };
	struct nlmsghdr *header;

	drop_answers(tracer);
	control(&batch, NFNL_MSG_BATCH_BEGIN);
	header = begin_nft(&batch, NFT_MSG_DELSETELEM, 0);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set);
	end(&batch, header);
	control(&batch, NFNL_MSG_BATCH_END);
	return send_batch(&batch);
}
