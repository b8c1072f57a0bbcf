/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of our own beside the policy's, in the trial's namespace alone: it switches
 * the trace on before anything else looks at a packet, tells what connection tracking
 * made of it, and sees it arrive behind everything else. It drops what this machine
 * would say by itself, so that the packets that are tried are the only ones.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TRACER_TABLE "vigil-trial"

/* Its chains that tell something. */
#define TRACER_STATE_IN "state.in" /* one rule for each state, see tracer_states */
#define TRACER_STATE_OUT "state.out"
#define TRACER_END_IN "end.in" /* delivered to this machine */
#define TRACER_END_OUT "end.out"

/* What packets of this machine's own bear to be let out. */
#define TRACER_MARK 0x76696769u

struct mnl_socket;

struct tracer {
	struct mnl_socket *requests;
	struct mnl_socket *traces; /* non-blocking */
	uint32_t sequence;
};

#define TRACER_NULL                                                                    \
	{                                                                              \
		0                                                                      \
	}

/** tracer_open() - Sockets of the network namespace that the caller is in. Return: 0 or
 *  -errno; close it either way. */
int tracer_open(struct tracer *ret);

/** tracer_install() - Make the table. Return: 0 or -errno. */
int tracer_install(struct tracer *tracer);

typedef int (*tracer_on_rule)(const char *chain, uint64_t handle, void *context);

/** tracer_rules() - Every rule of a table of family inet, by chain in order. Return: 0,
 *  -errno, or what @on_rule returned when that is not 0. */
int tracer_rules(struct tracer *tracer, const char *table, tracer_on_rule on_rule,
		 void *context);

/** tracer_forget() - Forget all connections. Return: 0 or -errno. */
int tracer_forget(struct tracer *tracer);

/** tracer_empty_set() - Take all elements out of a set of table vigil. Return: 0 or
 *  -errno. */
int tracer_empty_set(struct tracer *tracer, const char *set);

void tracer_close(struct tracer *tracer);
