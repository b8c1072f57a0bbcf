/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/aggregate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "observe/live.h"
#include "observe/rows.h"

enum {
	ROWS_MAX = 1000 * 1000,
	LIVE_MAX = 4 * 1000 * 1000,
	DENIED_MAX = 10 * 1000,
	NUMBERS = 65536,
};

static_assert(sizeof(struct row_key) == 48, "a row's key has no padding");

struct aggregate {
	struct rows rows;
	struct live live;
	uint32_t mark_mask;
	size_t denied_max;
	size_t denied_rows;
	uint64_t events, dropped, folded;
	bool dumping, recovering;
	uint16_t generation;       /* of the dump under way, or of the last one */
	uint16_t whole_generation; /* of the last whole one */
	uint32_t births;
	/* What the youngest connection with evidence said about accounting. */
	enum knowledge accounting;
	uint32_t evidence_birth;
	uint8_t ignored[NUMBERS / 8];
};

struct aggregate *aggregate_new(const struct aggregate_settings *settings)
{
	struct aggregate *aggregate = calloc(1, sizeof(*aggregate));
	struct siphash_key keys[2];

	if (!aggregate)
		return NULL;
	aggregate->mark_mask = settings->mark_mask;
	aggregate->denied_max = settings->denied_max ?: DENIED_MAX;
	if (getrandom(keys, sizeof(keys), 0) != sizeof(keys) ||
	    rows_init(&aggregate->rows, settings->rows_max ?: ROWS_MAX, keys[0]) < 0 ||
	    live_init(&aggregate->live, settings->live_max ?: LIVE_MAX, keys[1]) < 0) {
		aggregate_free(aggregate);
		return NULL;
	}
	return aggregate;
}

void aggregate_free(struct aggregate *aggregate)
{
	if (!aggregate)
		return;
	rows_done(&aggregate->rows);
	live_done(&aggregate->live);
	free(aggregate);
}

void aggregate_set_mask(struct aggregate *aggregate, uint32_t mark_mask)
{
	aggregate->mark_mask = mark_mask;
}

int aggregate_ignore(struct aggregate *aggregate, uint32_t number)
{
	if (number >= NUMBERS)
		return -ERANGE;
	aggregate->ignored[number / 8] |= (uint8_t)(1U << number % 8);
	return 0;
}

void aggregate_ignore_none(struct aggregate *aggregate)
{
	memset(aggregate->ignored, 0, sizeof(aggregate->ignored));
}

static bool is_ignored(const struct aggregate *aggregate, uint32_t number)
{
	return number < NUMBERS && aggregate->ignored[number / 8] & 1U << number % 8;
}

uint32_t aggregate_number(const struct aggregate *aggregate, const struct flow *flow)
{
	uint32_t mask = aggregate->mark_mask;

	if (flow->event == FLOW_PACKET)
		return flow->number;
	return mask ? (flow->mark & mask) >> __builtin_ctz(mask) : 0;
}

static void put_address(uint8_t out[static 16], struct address address)
{
	size_t size_bytes = address.family == FAMILY_IPV4 ? 4 : 16;

	for (size_t i = size_bytes; i-- > 0; address.value >>= 8)
		out[i] = (uint8_t)address.value;
}

static struct row_key key_of(const struct aggregate *aggregate, const struct flow *flow)
{
	struct row_key key = {
		.number = aggregate_number(aggregate, flow),
		.port = flow->port,
		.protocol = flow->protocol,
		.family = (uint8_t)flow->source.family,
		.denied = flow->event == FLOW_PACKET,
	};

	put_address(key.source, flow->source);
	put_address(key.destination, flow->destination);
	return key;
}

static int drop(struct aggregate *aggregate)
{
	aggregate->dropped++;
	return -ENOSPC;
}

static int count(struct aggregate *aggregate, const struct flow *flow, uint64_t flows,
		 const struct flow_totals *out, const struct flow_totals *in)
{
	struct row_key key = key_of(aggregate, flow);
	struct row *row = rows_get(&aggregate->rows, &key);

	if (!row)
		return drop(aggregate);
	row->flows += flows;
	row->packets_out += out->packets;
	row->packets_in += in->packets;
	row->bytes_out += out->bytes;
	row->bytes_in += in->bytes;
	if (!out->known || !in->known)
		row->bytes_known = false;
	return 0;
}

static const struct flow_totals nothing = { .known = true };
static const struct flow_totals unknown = { .known = false };

static bool has_totals(const struct flow *flow)
{
	return flow->original.known && flow->reply.known;
}

/*
 * A connection has counters if accounting was on when it began, so the youngest one
 * seen tells of now. Of those from before us, one with counters outweighs any without.
 */
static void learn_accounting(struct aggregate *aggregate, uint32_t birth, bool on)
{
	int32_t age = (int32_t)(birth - aggregate->evidence_birth);

	if (birth == 0 &&
	    (aggregate->evidence_birth || (!on && aggregate->accounting == KNOWN_ON)))
		return;
	if (age < 0)
		return;
	aggregate->evidence_birth = birth;
	aggregate->accounting = on ? KNOWN_ON : KNOWN_OFF;
}

/* Counters only grow, unless somebody resets them or the kernel used the same id twice:
 * then all of them is new. */
static uint64_t advance(uint64_t *counted, uint64_t total)
{
	uint64_t more = total >= *counted ? total - *counted : total;

	*counted = total;
	return more;
}

/* Take @flow's totals into @entry. Return: whether they had grown. */
static bool advance_entry(struct live_entry *entry, const struct flow *flow,
			  struct flow_totals *out, struct flow_totals *in)
{
	*out = nothing;
	*in = nothing;
	out->packets = advance(&entry->packets_out, flow->original.packets);
	out->bytes = advance(&entry->bytes_out, flow->original.bytes);
	in->packets = advance(&entry->packets_in, flow->reply.packets);
	in->bytes = advance(&entry->bytes_in, flow->reply.bytes);
	return out->packets || out->bytes || in->packets || in->bytes;
}

static void begin_life(struct aggregate *aggregate, struct live_entry *entry)
{
	if (++aggregate->births == 0)
		aggregate->births = 1;
	entry->birth = aggregate->births;
	entry->generation = aggregate->generation;
	entry->flags = LIVE_COUNTED;
}

/* A dump had told of it before its event was read: what was taken as old is new. */
static int count_followed(struct aggregate *aggregate, const struct flow *flow,
			  struct live_entry *entry)
{
	struct flow_totals out = { true, entry->packets_out, entry->bytes_out };
	struct flow_totals in = { true, entry->packets_in, entry->bytes_in };
	bool counted = entry->flags & LIVE_COUNTED;

	begin_life(aggregate, entry);
	if (counted)
		return 0;
	if (aggregate->accounting != KNOWN_OFF)
		entry->flags |= LIVE_CLAIMED;
	else if (!out.packets)
		out = unknown;
	return count(aggregate, flow, 1, &out, &in);
}

static int add_new(struct aggregate *aggregate, const struct flow *flow, uint64_t key)
{
	const struct flow_totals *totals =
		aggregate->accounting == KNOWN_OFF ? &unknown : &nothing;
	struct live_entry *entry;
	bool created;
	int result;

	entry = live_get(&aggregate->live, key, &created);
	if (entry && entry->flags & LIVE_UNHEARD)
		return count_followed(aggregate, flow, entry);
	/* The kernel may give a new connection the id of one that is gone. */
	if (entry && !created)
		*entry = (struct live_entry){ .key = key };
	result = count(aggregate, flow, 1, totals, totals);
	if (!entry)
		return result ?: drop(aggregate);
	begin_life(aggregate, entry);
	if (totals == &nothing)
		entry->flags |= LIVE_CLAIMED;
	return result;
}

/* A connection that only a dump tells of. */
static int add_unheard(struct aggregate *aggregate, const struct flow *flow,
		       struct live_entry *entry)
{
	struct flow_totals out, in;

	entry->generation = aggregate->generation;
	entry->flags = LIVE_UNHEARD;
	advance_entry(entry, flow, &out, &in);
	if (!aggregate->recovering) {
		learn_accounting(aggregate, 0, has_totals(flow));
		return 0;
	}
	begin_life(aggregate, entry);
	entry->flags |= LIVE_UNHEARD;
	out.known = in.known = has_totals(flow);
	return count(aggregate, flow, 1, &out, &in);
}

/* Its END was read before its place in the dump: the totals are counted, and if nothing
 * was known of it then, the flow is not. */
static int add_ended(struct aggregate *aggregate, const struct flow *flow,
		     struct live_entry *entry)
{
	bool missing = aggregate->recovering && entry->flags & LIVE_UNHEARD;

	entry->flags = LIVE_ENDED;
	return missing ? count(aggregate, flow, 1, &nothing, &nothing) : 0;
}

static int add_running(struct aggregate *aggregate, const struct flow *flow,
		       uint64_t key)
{
	struct flow_totals out, in;
	struct live_entry *entry;
	bool created;

	entry = live_get(&aggregate->live, key, &created);
	if (!entry)
		return drop(aggregate);
	if (created)
		return add_unheard(aggregate, flow, entry);
	if (entry->flags & LIVE_ENDED)
		return add_ended(aggregate, flow, entry);
	entry->generation = aggregate->generation;
	learn_accounting(aggregate, entry->birth, has_totals(flow));
	if (!has_totals(flow) || !advance_entry(entry, flow, &out, &in))
		return 0;
	return count(aggregate, flow, 0, &out, &in);
}

static int add_unknown_end(struct aggregate *aggregate, const struct flow *flow,
			   uint64_t key)
{
	struct live_entry *entry;
	bool created;

	if (aggregate->dumping) {
		entry = live_get(&aggregate->live, key, &created);
		if (entry)
			entry->flags = LIVE_ENDED | LIVE_UNHEARD;
	}
	if (!has_totals(flow))
		return 0;
	return count(aggregate, flow, 0, &flow->original, &flow->reply);
}

static int add_end(struct aggregate *aggregate, const struct flow *flow, uint64_t key)
{
	struct live_entry *entry = live_find(&aggregate->live, key);
	struct flow_totals out = unknown, in = unknown;
	bool worth;

	if (!entry)
		return add_unknown_end(aggregate, flow, key);
	if (entry->flags & LIVE_ENDED)
		return 0;
	learn_accounting(aggregate, entry->birth, has_totals(flow));
	if (has_totals(flow))
		worth = advance_entry(entry, flow, &out, &in);
	else
		worth = entry->flags & LIVE_CLAIMED;
	if (aggregate->dumping)
		entry->flags = LIVE_ENDED;
	else
		live_remove(&aggregate->live, entry);
	return worth ? count(aggregate, flow, 0, &out, &in) : 0;
}

static int add_packet(struct aggregate *aggregate, const struct flow *flow)
{
	struct row_key key = key_of(aggregate, flow);
	struct row *row;

	if (!flow->denied)
		return 0;
	row = rows_find(&aggregate->rows, &key);
	if (!row && aggregate->denied_rows >= aggregate->denied_max) {
		memset(key.source, 0, sizeof(key.source));
		aggregate->folded++;
	} else if (!row) {
		aggregate->denied_rows++;
	}
	row = rows_get(&aggregate->rows, &key);
	if (!row)
		return drop(aggregate);
	row->packets_out += flow->original.packets;
	row->bytes_out += flow->original.bytes;
	return 0;
}

int aggregate_add(struct aggregate *aggregate, const struct flow *flow)
{
	/* 0 marks an empty slot. */
	uint64_t key = flow->key ?: 1;

	aggregate->events++;
	if (is_ignored(aggregate, aggregate_number(aggregate, flow)))
		return 0;
	switch (flow->event) {
	case FLOW_NEW:
		return add_new(aggregate, flow, key);
	case FLOW_RUNNING:
		return add_running(aggregate, flow, key);
	case FLOW_END:
		return add_end(aggregate, flow, key);
	case FLOW_PACKET:
		return add_packet(aggregate, flow);
	}
	return 0;
}

void aggregate_dump_begin(struct aggregate *aggregate, bool recovering)
{
	aggregate->dumping = true;
	aggregate->recovering = recovering;
	aggregate->generation = (uint16_t)(aggregate->whole_generation + 1);
}

static bool is_stale(const struct live_entry *entry, void *context)
{
	const struct aggregate *aggregate = context;

	return entry->flags & LIVE_ENDED ||
	       (int16_t)(aggregate->whole_generation - entry->generation) >= 2;
}

void aggregate_dump_end(struct aggregate *aggregate, bool complete)
{
	aggregate->dumping = false;
	aggregate->recovering = false;
	if (complete)
		aggregate->whole_generation = aggregate->generation;
	live_sweep(&aggregate->live, is_stale, aggregate);
}

int aggregate_each(const struct aggregate *aggregate,
		   int (*on_row)(const struct row *row, void *context), void *context)
{
	for (size_t i = 0; i < aggregate->rows.capacity; i++) {
		const struct row *row = &aggregate->rows.slots[i];
		int result = row->key.family ? on_row(row, context) : 0;

		if (result < 0)
			return result;
	}
	return 0;
}

void aggregate_clear(struct aggregate *aggregate)
{
	rows_clear(&aggregate->rows);
	aggregate->denied_rows = 0;
}

struct aggregate_counts aggregate_counts(const struct aggregate *aggregate)
{
	return (struct aggregate_counts){
		.events = aggregate->events,
		.dropped = aggregate->dropped,
		.folded = aggregate->folded,
		.rows = aggregate->rows.count,
		.live = aggregate->live.count,
		.accounting = aggregate->accounting,
	};
}
