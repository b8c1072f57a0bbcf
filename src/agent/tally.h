/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was counted of each rule: by the kernel, and in the database. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_counter {
	char *name; /* of the kernel's counter */
	bool known;
	uint64_t packets, bytes;
};

struct tally_flow {
	char *id;
	uint64_t flows;
	int64_t last_minute; /* 0: never */
};

/* Both lists are sorted by name. */
struct tally {
	struct tally_counter *counters;
	size_t counter_count;
	struct tally_flow *flows;
	size_t flow_count;
	bool flows_known; /* the database could be asked */
};

/** tally_counters() - Read all counters over the wall. Return: 0 or -errno. */
int tally_counters(struct tally *tally, int helper);

/** tally_flows() - Read the database. Return: 0 or -errno. */
int tally_flows(struct tally *tally, const char *database);

/** tally_counter() - The counter of a rule. @suffix: "" or ".over". */
struct tally_counter tally_counter(const struct tally *tally, const char *id,
				   const char *suffix);

struct tally_flow tally_flow(const struct tally *tally, const char *id);

void tally_done(struct tally *tally);
