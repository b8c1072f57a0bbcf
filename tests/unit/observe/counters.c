/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "message.h"

enum { NEW_OBJECT = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ };

static void put_counter(struct datagram *datagram, const char *name, size_t name_bytes,
			uint32_t type, uint64_t packets, uint64_t bytes)
{
	struct nlmsghdr *message =
		message_begin(datagram, NEW_OBJECT, NLM_F_MULTI, NFPROTO_INET);
	struct nlattr *nest;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, "vigil");
	mnl_attr_put(message, NFTA_OBJ_NAME, name_bytes, name);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(type));
	nest = mnl_attr_nest_start(message, NFTA_OBJ_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, htobe64(bytes));
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, htobe64(packets));
	mnl_attr_nest_end(message, nest);
	message_end(datagram);
}

struct seen {
	char name[64];
	uint64_t packets, bytes;
	int count;
};

static void on_counter(const struct counter *counter, void *context)
{
	struct seen *seen = context;

	strncpy(seen->name, counter->name, sizeof(seen->name) - 1);
	seen->packets = counter->packets;
	seen->bytes = counter->bytes;
	seen->count++;
}

static void reads_a_counter(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct seen seen = { .count = 0 };
	struct decode_summary summary;

	(void)state;
	put_counter(&datagram, "ssh.over", 9, NFT_OBJECT_COUNTER, 7, 420);
	summary =
		decode_counters(datagram.data, datagram.size_bytes, on_counter, &seen);
	assert_int_equal(summary.flows, 1);
	assert_string_equal(seen.name, "ssh.over");
	assert_int_equal(seen.packets, 7);
	assert_int_equal(seen.bytes, 420);
}

static void skips_other_objects(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct seen seen = { .count = 0 };

	(void)state;
	put_counter(&datagram, "q", 2, NFT_OBJECT_QUOTA, 7, 420);
	assert_int_equal(
		decode_counters(datagram.data, datagram.size_bytes, on_counter, &seen)
			.skipped,
		1);
	assert_int_equal(seen.count, 0);
}

static void refuses_a_name_without_an_end(void **state)
{
	struct datagram datagram = { .size_bytes = 0 };
	struct seen seen = { .count = 0 };

	(void)state;
	put_counter(&datagram, "name", 4, NFT_OBJECT_COUNTER, 7, 420);
	assert_int_equal(
		decode_counters(datagram.data, datagram.size_bytes, on_counter, &seen)
			.malformed,
		1);
	assert_int_equal(seen.count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_counter),
		cmocka_unit_test(skips_other_objects),
		cmocka_unit_test(refuses_a_name_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
