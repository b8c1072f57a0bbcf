/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes from netlink: never a read beyond them, and only flows that make sense. The
 * first byte chooses the decoder. */
#include <assert.h>
#include <string.h>

#include "observe/aggregate.h"
#include "observe/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static uint32_t seen;

static void check_address(struct address address, enum family family)
{
	assert(address.family == family);
	assert(family == FAMILY_IPV6 || address.value <= UINT32_MAX);
}

static void on_flow(const struct flow *flow, void *context)
{
	assert(flow->source.family == FAMILY_IPV4 ||
	       flow->source.family == FAMILY_IPV6);
	check_address(flow->source, flow->source.family);
	check_address(flow->destination, flow->source.family);
	check_address(flow->translated, flow->source.family);
	assert(flow->event != FLOW_PACKET || flow->original.packets == 1);
	assert(flow->event == FLOW_PACKET || (!flow->number && !flow->denied));
	seen++;
	aggregate_add(context, flow);
}

static void on_counter(const struct counter *counter, void *context)
{
	(void)context;
	assert(memchr(counter->name, '\0', UINT16_MAX));
	seen++;
}

static int check_row(const struct row *row, void *context)
{
	(void)context;
	assert(!row->key.denied || row->flows == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct aggregate_settings settings = { .mark_mask = 0xffff0000 };
	struct decode_summary summary;
	struct aggregate *aggregate;

	if (size_bytes < 1)
		return 0;
	aggregate = aggregate_new(&settings);
	assert(aggregate);
	seen = 0;
	if (data[0] % 2)
		aggregate_dump_begin(aggregate, data[0] % 4 == 1);
	if (data[0] % 3 == 0)
		summary =
			decode_conntrack(data + 1, size_bytes - 1, on_flow, aggregate);
	else if (data[0] % 3 == 1)
		summary = decode_log(data + 1, size_bytes - 1, on_flow, aggregate);
	else
		summary = decode_counters(data + 1, size_bytes - 1, on_counter, NULL);
	assert(summary.flows == seen);
	assert(summary.error <= 0);
	aggregate_dump_end(aggregate, summary.done);
	aggregate_each(aggregate, check_row, NULL);
	aggregate_clear(aggregate);
	aggregate_free(aggregate);
	return 0;
}
