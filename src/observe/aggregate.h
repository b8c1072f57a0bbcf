/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows to rows of a minute. Two tables: the rows to be written, and the connections
 * that live, so that their bytes are counted once and a gap can be closed from a dump.
 * Nothing is allocated per event; both tables grow by doubling and have an upper bound.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/flow.h"

/* What a row is about. Padding is zero, so keys compare and hash as bytes. */
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
	bool bytes_known; /* false once a flow without accounting went in */
};

struct aggregate;

struct aggregate_settings {
	uint32_t mark_mask; /* where the decider's number stands in the connection mark
			     */
	size_t rows_max;    /* 0: 1,000,000 */
	size_t live_max;    /* 0: 4,000,000 */
};

struct aggregate_counts {
	uint64_t events;  /* flows taken in */
	uint64_t dropped; /* rows that did not fit any more */
	size_t rows;
	size_t live;
};

/** aggregate_new() - Return: it, or NULL without memory. */
struct aggregate *aggregate_new(const struct aggregate_settings *settings);
void aggregate_free(struct aggregate *aggregate);

/** aggregate_set_mask() - A policy with another mark mask is in force. */
void aggregate_set_mask(struct aggregate *aggregate, uint32_t mark_mask);

/**
 * aggregate_add() - Take one event in
 * @ignore: NULL, or says which deciders' flows are not remembered (loopback)
 *
 * NEW makes a live connection and counts a flow. END adds what its totals exceed those
 * already counted and forgets it; an END of a connection that is not known counts its
 * totals and no flow. PACKET counts a denied packet.
 *
 * Return: 0, or -ENOSPC when a table is full (counted).
 */
int aggregate_add(struct aggregate *aggregate, const struct flow *flow);

/** aggregate_ignore() - Flows of this decider are not remembered (loopback). */
int aggregate_ignore(struct aggregate *aggregate, uint32_t number);

/**
 * aggregate_dump_begin(), aggregate_dump_end() - Around the RUNNING flows of one dump
 * @recovering: connections that are not known count as new flows (events were lost),
 * else they were there before the agent and only begin to be followed
 * @complete:   the dump was whole; then live connections that two whole dumps in a row
 *              did not hold are forgotten
 *
 * Between them aggregate_add() takes RUNNING flows, and others as they come.
 */
void aggregate_dump_begin(struct aggregate *aggregate, bool recovering);
void aggregate_dump_end(struct aggregate *aggregate, bool complete);

/**
 * aggregate_take() - All rows since the last call, then none
 * @on_row: gets each row once, in no order; a negative return stops and keeps all rows
 *
 * Return: 0 or what @on_row returned.
 */
int aggregate_take(struct aggregate *aggregate,
		   int (*on_row)(const struct row *row, void *context), void *context);

struct aggregate_counts aggregate_counts(const struct aggregate *aggregate);
