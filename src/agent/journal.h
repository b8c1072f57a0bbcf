/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines about packets of rules that log, no more than a journal bears. */
#pragma once

#include <stdint.h>

#include "agent/naming.h"
#include "observe/flow.h"

enum { JOURNAL_LINES_PER_S = 20 };

struct journal {
	int64_t second; /* monotonic */
	uint32_t lines_of_second;
	uint64_t lines, left_out; /* since the agent began */
	uint64_t told;            /* of @left_out, in the journal */
};

/** journal_packet() - One line, unless there were too many in this second. */
void journal_packet(struct journal *journal, const struct flow *flow,
		    const struct name *name);

/** journal_verdict() - What was done with the packet or connection. */
const char *journal_verdict(const struct flow *flow, const struct name *name);
