/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trial with a policy loaded and everything there that packets need. The calling
 * process moves into the trial's namespaces for good, which takes a process of one
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/candidate.h"
#include "compile/transition.h"
#include "trial/links.h"
#include "trial/namespace.h"
#include "trial/passage.h"
#include "trial/ruleset.h"
#include "trial/tracer.h"

struct stage {
	const struct trial *trial;
	struct candidate *candidate; /* borrowed; compiled again where that is needed */
	struct numbering *numbering;
	struct tracer tracer;
	struct links links;
	struct inventory held; /* by the kernel, there */
	struct ruleset ruleset;
	struct state_rules states;
	int raw4, raw6;       /* send as this machine */
	int groups4, groups6; /* join multicast groups */
	bool dirty_connections, dirty_sets, dirty_rules;
	struct passage passage; /* of the packet that was sent last */
	uint32_t serial;
	struct moment moment; /* that it is taken to be; not set: as the clock says */
	int64_t moment_s;     /* since when, see clock_s() */
	int turned;           /* by how many days the policy's schedules are */
	/* By family, IPv4 first; family 0 until one is found. */
	struct address sources[2], destinations[2];
	struct address *hosts; /* by link: IPv4 and IPv6 */
};

#define STAGE_NULL                                                                     \
	{                                                                              \
		.links = LINKS_NULL, .raw4 = -1, .raw6 = -1, .groups4 = -1,            \
		.groups6 = -1                                                          \
	}

/**
 * stage_open() - Enter the trial's namespaces and load the policy there
 * @trial:   running, helper_hello() not said yet
 * @ret:     initialise with STAGE_NULL; stage_close() also on failure
 * @problem: a sentence without a full stop, on failure
 *
 * Return: 0 or -errno.
 */
int stage_open(const struct trial *trial, struct candidate *candidate,
	       struct numbering *numbering, struct stage *ret,
	       char problem[static TRIAL_TEXT_MAX]);

/** stage_load() - Load the candidate once more, with limits that have seen nothing.
 *  Return: as stage_open(). */
int stage_load(struct stage *stage, char problem[static TRIAL_TEXT_MAX]);

/**
 * stage_at() - Have it be another moment of the week, as far as schedules go
 * @moment: not set: as the clock says
 *
 * The kernel's clock can't be another one in a namespace, so the schedules are moved
 * instead: compiled as if the time zone were the one in which it is that moment now.
 *
 * Return: as stage_open().
 */
int stage_at(struct stage *stage, struct moment moment,
	     char problem[static TRIAL_TEXT_MAX]);

/** stage_host() - This machine's address on a link, made on first use. Return: 0 or
 *  -errno. */
int stage_host(struct stage *stage, const struct link *link, enum family family,
	       struct address *ret);

/** stage_is_host() - Whether an address is one that stage_host() gave out. */
bool stage_is_host(const struct stage *stage, struct address address);

/** stage_stranger() - An address the policy knows nothing of. */
struct address stage_stranger(struct stage *stage, enum family family,
			      bool destination);

/**
 * stage_send() - Have one packet come in by @link, or go out by it
 *
 * stage->passage tells what became of it.
 *
 * Return: 0 or -errno.
 */
int stage_send(struct stage *stage, const struct wire_packet *packet, bool out,
	       const struct link *link);

/** stage_join() - Receive what is sent to a multicast group on a link. Return: 0 or
 *  -errno. */
int stage_join(struct stage *stage, const struct link *link, struct address group);

/** stage_reset() - Forget connections, and what limits remember. Return: as
 *  stage_open(). */
int stage_reset(struct stage *stage, char problem[static TRIAL_TEXT_MAX]);

void stage_close(struct stage *stage);

#define auto_stage __attribute__((cleanup(stage_close)))
