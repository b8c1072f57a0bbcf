/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "tests/unit/observe/message.h"

struct seen {
	struct trace_event events[32];
	char chains[32][64];
	size_t count;
};

static void on_event(const struct trace_event *event, void *context)
{
	struct seen *seen = context;

	if (seen->count == 32)
		return;
	strncpy(seen->chains[seen->count], event->chain, 63);
	seen->events[seen->count++] = *event;
}

static struct nlmsghdr *begin(struct datagram *datagram, uint32_t kind)
{
	struct nlmsghdr *message = message_begin(
		datagram, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE, 0, NFPROTO_INET);

	mnl_attr_put_u32(message, NFTA_TRACE_ID, htonl(77));
	mnl_attr_put_u32(message, NFTA_TRACE_TYPE, htonl(kind));
	mnl_attr_put_strz(message, NFTA_TRACE_TABLE, "vigil");
	mnl_attr_put_strz(message, NFTA_TRACE_CHAIN, "input");
	return message;
}

static void put_verdict(struct nlmsghdr *message, int code, const char *chain)
{
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_TRACE_VERDICT);

	mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl((uint32_t)code));
	if (chain)
		mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(message, nest);
}

static void reads_a_rule_with_its_target(void **state)
{
	struct datagram datagram = { 0 };
	struct seen seen = { 0 };
	struct nlmsghdr *message = begin(&datagram, NFT_TRACETYPE_RULE);

	(void)state;
	mnl_attr_put_u64(message, NFTA_TRACE_RULE_HANDLE, htobe64(5));
	put_verdict(message, NFT_GOTO, "in.wan");
	message_end(&datagram);
	assert_int_equal(
		trace_decode(datagram.data, datagram.size_bytes, on_event, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.events[0].id, 77);
	assert_int_equal(seen.events[0].kind, TRACE_RULE);
	assert_int_equal(seen.events[0].handle, 5);
	assert_int_equal(seen.events[0].verdict, TRACE_GOTO);
	assert_string_equal(seen.events[0].target, "in.wan");
	assert_false(seen.events[0].has_packet);
}

static void the_end_of_a_chain_has_no_rule(void **state)
{
	struct datagram datagram = { 0 };
	struct seen seen = { 0 };
	struct nlmsghdr *message = begin(&datagram, NFT_TRACETYPE_RULE);

	(void)state;
	put_verdict(message, NFT_CONTINUE, NULL);
	message_end(&datagram);
	message = begin(&datagram, NFT_TRACETYPE_POLICY);
	mnl_attr_put_u32(message, NFTA_TRACE_POLICY, htonl(NF_DROP));
	message_end(&datagram);
	assert_int_equal(
		trace_decode(datagram.data, datagram.size_bytes, on_event, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.events[0].kind, TRACE_RETURN);
	assert_int_equal(seen.events[1].kind, TRACE_POLICY);
	assert_int_equal(seen.events[1].verdict, TRACE_DROP);
}

static void what_makes_no_sense_is_counted(void **state)
{
	struct datagram datagram = { 0 };
	struct seen seen = { 0 };

	(void)state;
	begin(&datagram, NFT_TRACETYPE_RULE); /* without a verdict */
	message_end(&datagram);
	begin(&datagram, NFT_TRACETYPE_POLICY); /* without a policy */
	message_end(&datagram);
	begin(&datagram, 99);
	message_end(&datagram);
	assert_int_equal(
		trace_decode(datagram.data, datagram.size_bytes, on_event, &seen), 2);
	assert_int_equal(seen.count, 0);
}

/* What kernel 6.18 told of a packet of IPv6 that was rejected. */
static void reads_what_a_kernel_wrote(void **state)
{
	auto_free char *data = NULL;
	struct seen seen = { 0 };
	size_t size_bytes;

	(void)state;
	assert_int_equal(
		file_read("tests/fuzz/corpus/trace/all6", 1 << 16, &data, &size_bytes),
		0);
	assert_int_equal(trace_decode(data, size_bytes, on_event, &seen), 0);
	assert_true(seen.count > 10);
	assert_string_equal(seen.chains[0], "start.in");
	assert_true(seen.events[0].has_packet);
	assert_int_equal(seen.events[0].packet.protocol, IPPROTO_UDP);
	assert_int_equal(seen.events[0].packet.destination_port, 53);
	assert_true(same_address(seen.events[0].packet.source, "2001:db8::7"));
	assert_string_equal(seen.chains[seen.count - 1], "rejected.answer");
	assert_int_equal(seen.events[seen.count - 1].verdict, TRACE_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_rule_with_its_target),
		cmocka_unit_test(the_end_of_a_chain_has_no_rule),
		cmocka_unit_test(what_makes_no_sense_is_counted),
		cmocka_unit_test(reads_what_a_kernel_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
