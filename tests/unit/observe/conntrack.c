/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "message.h"

enum {
	CT_NEW = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
	CT_DELETE = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
};

static const struct test_tuple web = { "10.0.0.5", "198.51.100.7", IPPROTO_TCP, 40000,
				       443 };
static const struct test_tuple web_reply = { "198.51.100.7", "203.0.113.1", IPPROTO_TCP,
					     443, 40000 };

static void put_connection(struct datagram *datagram, uint16_t type, uint16_t flags,
			   const struct test_tuple *original,
			   const struct test_tuple *reply)
{
	uint8_t family = strchr(original->source, ':') ? AF_INET6 : AF_INET;
	struct nlmsghdr *message = message_begin(datagram, type, flags, family);

	put_tuple(message, CTA_TUPLE_ORIG, original);
	put_tuple(message, CTA_TUPLE_REPLY, reply);
	mnl_attr_put_u32(message, CTA_ID, htonl(77));
}

static struct decode_summary decode(const struct datagram *datagram,
				    struct caught *caught)
{
	*caught = (struct caught){ .count = 0 };
	return decode_conntrack(datagram->data, datagram->size_bytes, catch_flow,
				caught);
}

static void reads_a_new_connection(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;
	struct decode_summary summary;

	(void)state;
	put_connection(&datagram, CT_NEW, NLM_F_CREATE | NLM_F_EXCL, &web, &web_reply);
	mnl_attr_put_u32(datagram.last, CTA_MARK, htonl(0x00110042));
	message_end(&datagram);
	summary = decode(&datagram, &caught);
	assert_int_equal(summary.flows, 1);
	assert_int_equal(summary.malformed, 0);
	assert_int_equal(caught.flows[0].event, FLOW_NEW);
	assert_int_equal(caught.flows[0].mark, 0x00110042);
	assert_int_equal(caught.flows[0].protocol, IPPROTO_TCP);
	assert_true(same_address(caught.flows[0].source, "10.0.0.5"));
	assert_true(same_address(caught.flows[0].destination, "198.51.100.7"));
	assert_int_equal(caught.flows[0].source_port, 40000);
	assert_int_equal(caught.flows[0].port, 443);
	assert_false(caught.flows[0].original.known);
	assert_false(caught.flows[0].reply.known);
}

static void reads_the_totals_of_one_that_ended(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;

	(void)state;
	put_connection(&datagram, CT_DELETE, 0, &web, &web_reply);
	put_counters(datagram.last, CTA_COUNTERS_ORIG, 6, 370);
	put_counters(datagram.last, CTA_COUNTERS_REPLY, 4, (uint64_t)5 << 40);
	message_end(&datagram);
	decode(&datagram, &caught);
	assert_int_equal(caught.count, 1);
	assert_int_equal(caught.flows[0].event, FLOW_END);
	assert_true(caught.flows[0].original.known);
	assert_int_equal(caught.flows[0].original.packets, 6);
	assert_int_equal(caught.flows[0].original.bytes, 370);
	assert_true(caught.flows[0].reply.known);
	assert_int_equal(caught.flows[0].reply.packets, 4);
	assert_int_equal(caught.flows[0].reply.bytes, (uint64_t)5 << 40);
}

static void tells_new_from_running_from_update(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;
	struct decode_summary summary;

	(void)state;
	put_connection(&datagram, CT_NEW, 0, &web, &web_reply);
	message_end(&datagram);
	put_connection(&datagram, CT_NEW, NLM_F_MULTI, &web, &web_reply);
	message_end(&datagram);
	summary = decode(&datagram, &caught);
	assert_int_equal(summary.skipped, 1);
	assert_int_equal(summary.flows, 1);
	assert_int_equal(caught.flows[0].event, FLOW_RUNNING);
}

static void gives_a_connection_one_name_for_life(void **state)
{
	struct test_tuple other = web;
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;

	(void)state;
	other.source_port++;
	put_connection(&datagram, CT_NEW, NLM_F_CREATE, &web, &web_reply);
	message_end(&datagram);
	put_connection(&datagram, CT_DELETE, 0, &web, &web_reply);
	message_end(&datagram);
	put_connection(&datagram, CT_NEW, NLM_F_CREATE, &other, &web_reply);
	message_end(&datagram);
	decode(&datagram, &caught);
	assert_int_equal(caught.count, 3);
	assert_int_equal(caught.flows[0].key, caught.flows[1].key);
	assert_int_not_equal(caught.flows[0].key, caught.flows[2].key);
}

static void names_where_a_translated_connection_goes(void **state)
{
	static const struct test_tuple original = { "203.0.113.9", "203.0.113.1",
						    IPPROTO_TCP, 5555, 8443 };
	static const struct test_tuple reply = { "10.0.1.5", "203.0.113.9", IPPROTO_TCP,
						 443, 5555 };
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;

	(void)state;
	put_connection(&datagram, CT_NEW, NLM_F_CREATE, &original, &reply);
	message_end(&datagram);
	decode(&datagram, &caught);
	assert_true(same_address(caught.flows[0].destination, "203.0.113.1"));
	assert_int_equal(caught.flows[0].port, 8443);
	assert_true(same_address(caught.flows[0].translated, "10.0.1.5"));
	assert_int_equal(caught.flows[0].translated_port, 443);
}

static void reads_ipv6_and_icmp(void **state)
{
	static const struct test_tuple ping = { "2001:db8::1", "2001:db8::2",
						IPPROTO_ICMPV6, 99, 128 };
	static const struct test_tuple pong = { "2001:db8::2", "2001:db8::1",
						IPPROTO_ICMPV6, 99, 129 };
	static const struct test_tuple gre = { "10.0.0.1", "10.0.0.2", IPPROTO_GRE, 1,
					       2 };
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;

	(void)state;
	put_connection(&datagram, CT_NEW, NLM_F_CREATE, &ping, &pong);
	message_end(&datagram);
	put_connection(&datagram, CT_NEW, NLM_F_CREATE, &gre, &gre);
	message_end(&datagram);
	decode(&datagram, &caught);
	assert_int_equal(caught.count, 2);
	assert_true(same_address(caught.flows[0].source, "2001:db8::1"));
	assert_int_equal(caught.flows[0].port, 128);
	assert_int_equal(caught.flows[0].translated_port, 128);
	assert_int_equal(caught.flows[0].source_port, 0);
	assert_int_equal(caught.flows[1].protocol, IPPROTO_GRE);
	assert_int_equal(caught.flows[1].port, 0);
}

static void refuses_addresses_of_the_wrong_size(void **state)
{
	static const struct test_tuple v6 = { "2001:db8::1", "2001:db8::2", IPPROTO_TCP,
					      1, 2 };
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught;
	struct decode_summary summary;

	(void)state;
	message_begin(&datagram, CT_NEW, NLM_F_CREATE, AF_INET);
	put_tuple(datagram.last, CTA_TUPLE_ORIG, &v6);
	message_end(&datagram);
	summary = decode(&datagram, &caught);
	assert_int_equal(caught.count, 0);
	assert_int_equal(summary.malformed, 1);
}

static void reads_control_messages(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct nlmsgerr *error;
	struct caught caught;
	struct decode_summary summary;

	(void)state;
	message_begin(&datagram, NLMSG_ERROR, 0, 0);
	error = mnl_nlmsg_put_extra_header(datagram.last, sizeof(*error));
	error->error = -EPERM;
	message_end(&datagram);
	summary = decode(&datagram, &caught);
	assert_int_equal(summary.error, -EPERM);
	assert_false(summary.done);

	datagram.size_bytes = 0;
	message_begin(&datagram, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
	*(int *)mnl_nlmsg_put_extra_header(datagram.last, sizeof(int)) = 0;
	message_end(&datagram);
	summary = decode(&datagram, &caught);
	assert_true(summary.done);
	assert_true(summary.interrupted);
	assert_int_equal(summary.error, 0);

	datagram.size_bytes = 0;
	message_begin(&datagram, NLMSG_OVERRUN, 0, 0);
	message_end(&datagram);
	assert_int_equal(decode(&datagram, &caught).error, -ENOBUFS);
}

/* Cut at every length, and with every byte set to extremes: no read beyond the end
 * (which ASan sees, as the copy has exactly that size). */
static void survives_damage(void **state)
{
	static const uint8_t extremes[] = { 0x00, 0x01, 0x04, 0x7f, 0xff };
	struct datagram datagram = { .size_bytes = 0 };
	struct caught caught = { .count = 0 };

	(void)state;
	put_connection(&datagram, CT_DELETE, 0, &web, &web_reply);
	put_counters(datagram.last, CTA_COUNTERS_ORIG, 6, 370);
	message_end(&datagram);
	for (size_t i = 0; i <= datagram.size_bytes; i++) {
		char *copy = malloc(datagram.size_bytes);

		assert_non_null(copy);
		copy = realloc(copy, i ?: 1);
		memcpy(copy, datagram.data, i);
		decode_conntrack(copy, i, catch_flow, &caught);
		free(copy);
	}
	assert_int_equal(caught.count, 1);
	for (size_t i = 0; i < datagram.size_bytes; i++) {
		for (size_t j = 0; j < sizeof(extremes); j++) {
			char *copy = malloc(datagram.size_bytes);

			assert_non_null(copy);
			memcpy(copy, datagram.data, datagram.size_bytes);
			copy[i] = (char)extremes[j];
			decode_conntrack(copy, datagram.size_bytes, catch_flow,
					 &caught);
			free(copy);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_new_connection),
		cmocka_unit_test(reads_the_totals_of_one_that_ended),
		cmocka_unit_test(tells_new_from_running_from_update),
		cmocka_unit_test(gives_a_connection_one_name_for_life),
		cmocka_unit_test(names_where_a_translated_connection_goes),
		cmocka_unit_test(reads_ipv6_and_icmp),
		cmocka_unit_test(refuses_addresses_of_the_wrong_size),
		cmocka_unit_test(reads_control_messages),
		cmocka_unit_test(survives_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
