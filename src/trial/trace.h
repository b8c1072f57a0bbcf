/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own account of a packet's way through nf_tables. Pure: never trusts a
 * length, keeps nothing. Source: linux/netfilter/nf_tables.h,
 * net/netfilter/nf_tables_trace.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial/wire.h"

enum trace_kind {
	TRACE_RULE = 3,   /* a rule matched to its end */
	TRACE_RETURN = 2, /* a chain ended, back to its caller */
	TRACE_POLICY = 1, /* a base chain ended */
};

/* What became of the packet there; as the kernel numbers them. */
enum trace_verdict {
	TRACE_DROP = 0,
	TRACE_ACCEPT = 1,
	TRACE_STOLEN = 2,
	TRACE_QUEUE = 3,
	TRACE_CONTINUE = -1,
	TRACE_BREAK = -2,
	TRACE_JUMP = -3,
	TRACE_GOTO = -4,
	TRACE_RETURNED = -5,
};

/* One step. Texts are borrowed from the datagram. */
struct trace_event {
	uint32_t id;
	enum trace_kind kind;
	const char *table;
	const char *chain;
	uint64_t handle;    /* of the rule */
	int verdict;        /* enum trace_verdict */
	const char *target; /* of a jump or goto, or NULL */
	uint32_t in, out;   /* interfaces, 0 for none */
	bool has_packet;    /* once in each base chain */
	struct wire_packet packet;
};

typedef void (*trace_on_event)(const struct trace_event *event, void *context);

/**
 * trace_decode() - All trace messages of one datagram
 *
 * Return: how many messages did not make sense.
 */
uint32_t trace_decode(const void *data, size_t size_bytes, trace_on_event on_event,
		      void *context);

/** trace_verdict_name() - "accept", "drop", "goto", ... */
const char *trace_verdict_name(int verdict);
