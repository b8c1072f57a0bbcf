/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows to rows of a minute. Two tables: the rows to be written, and the connections
 * that live, so that their bytes are counted once and a gap can be closed from a dump.
 * Nothing is allocated per event; both tables grow by doubling, have an upper bound,
 * and become small again when there is little to do. Hashing is keyed at random.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/flow.h"

/*
 * What a row is about. There is no padding, so keys compare and hash as bytes. A source
 * of all zeros in a denied row stands for many: see @denied_max.
 */
struct row_key {
	uint8_t source[16]; /* network byte order; IPv4 in the first 4 */
	uint8_t destination[16];
	uint32_t number; /* decider */
	uint16_t port;
	uint8_t protocol;
	uint8_t family; /* enum family */
	uint8_t denied; /* 1: packets that were refused, 0: connections */
	uint8_t zero[7];
};

struct row {
	struct row_key key;
	uint64_t flows;       /* connections that began */
	uint64_t packets_out; /* original direction */
	uint64_t packets_in;  /* reply direction */
	uint64_t bytes_out;
	uint64_t bytes_in;
	bool bytes_known; /* false once a flow without accounting went in; packets are
			     then unknown too */
};

struct aggregate;

struct aggregate_settings {
	uint32_t mark_mask; /* where the decider's number stands in the connection mark
			     */
	size_t rows_max;    /* 0: 1,000,000 */
	size_t live_max;    /* 0: 4,000,000 */
	size_t denied_max; /* 0: 10,000; denied rows between two clears. Beyond them the
			      source is left out, so nobody who makes up source
			      addresses can push all else out of the database */
};

enum knowledge { KNOWN_NOT_YET, KNOWN_ON, KNOWN_OFF };

struct aggregate_counts {
	uint64_t events;  /* flows taken in */
	uint64_t dropped; /* of them, those that did not fit any more */
	uint64_t folded;  /* denied packets that were counted without their source */
	size_t rows;
	size_t live;
	enum knowledge accounting; /* whether the last connections had counters */
};

/** aggregate_new() - Return: it, or NULL without memory. */
struct aggregate *aggregate_new(const struct aggregate_settings *settings);
void aggregate_free(struct aggregate *aggregate);

/** aggregate_set_mask() - A policy with another mark mask is in force. */
void aggregate_set_mask(struct aggregate *aggregate, uint32_t mark_mask);

/**
 * aggregate_add() - Take one event in
 *
 * NEW makes a live connection and counts a flow. END adds what its totals exceed those
 * already counted and forgets it; an END of a connection that is not known counts its
 * totals and no flow. PACKET counts a packet if it was denied: of one that was allowed
 * and logged, conntrack tells.
 *
 * Return: 0, or -ENOSPC when a table is full (counted).
 */
int aggregate_add(struct aggregate *aggregate, const struct flow *flow);

/** aggregate_number() - The number of the decider that let it in or refused it; 0: none
 * is known. */
uint32_t aggregate_number(const struct aggregate *aggregate, const struct flow *flow);

/** aggregate_ignore() - Flows of this decider are not remembered (loopback). Return: 0,
 * or -ERANGE for a number above 65535. */
int aggregate_ignore(struct aggregate *aggregate, uint32_t number);

/** aggregate_ignore_none() - Take all aggregate_ignore() back. */
void aggregate_ignore_none(struct aggregate *aggregate);

/**
 * aggregate_dump_begin(), aggregate_dump_end() - Around the RUNNING flows of one dump
 * @recovering: connections that are not known count as new flows: their events were
 * lost or are still to be read. False for the first dump only, when they were there
 * before the agent and but begin to be followed
 * @complete:   the dump was whole; then live connections that two whole dumps in a row
 *              did not hold are forgotten
 *
 * Begin before the dump is asked for. Between the two aggregate_add() takes RUNNING
 * flows, and others as they come: a connection that begins or ends meanwhile is counted
 * once, in whatever order its event and its entry in the dump are read.
 */
void aggregate_dump_begin(struct aggregate *aggregate, bool recovering);
void aggregate_dump_end(struct aggregate *aggregate, bool complete);

/**
 * aggregate_each() - Look at all rows since the last call of aggregate_clear()
 * @on_row: gets each row once, in no order; a negative return stops
 *
 * Return: 0 or what @on_row returned.
 */
int aggregate_each(const struct aggregate *aggregate,
		   int (*on_row)(const struct row *row, void *context), void *context);

/** aggregate_clear() - Remove all rows; live connections stay. */
void aggregate_clear(struct aggregate *aggregate);

struct aggregate_counts aggregate_counts(const struct aggregate *aggregate);
