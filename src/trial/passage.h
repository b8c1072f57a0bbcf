/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet's way through the rules, and who decided about it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/packet.h"
#include "trial/ruleset.h"
#include "trial/trace.h"

enum { PASSAGE_STEPS_MAX = 128, PASSAGE_ID_MAX = NAME_MAX_CHARS + 16 };

/* A rule that matched, or the end of a chain. */
struct step_taken {
	char base[NAME_MAX_CHARS + 1]; /* the chain at whose hook it happened */
	const char *chain;             /* borrowed from the ruleset */
	const char *text;              /* of the rule; the same */
	int verdict;                   /* enum trace_verdict */
};

/* The handles of our own rules that tell a state, in the order of enum packet_state
 * from STATE_NEW on. */
enum { TRACED_STATES = 4 };

struct state_rules {
	uint64_t handles[2 * TRACED_STATES];
	size_t count;
};

struct passage {
	struct step_taken steps[PASSAGE_STEPS_MAX];
	size_t step_count;
	bool cut; /* there were more steps than that */
	char base[NAME_MAX_CHARS + 1];
	bool inside;  /* of base chain @base, which has not decided yet */
	bool unknown; /* a rule of the policy's table that is not the image's */
	bool dropped; /* in the policy's table */
	bool arrived; /* at this machine, or behind everything on the way out */
	enum packet_state state; /* STATE_UNSAID: it never got to connection tracking */
	bool seen;               /* at all */
	struct wire_packet first, last; /* as it was before, and as it was seen last */
};

/** passage_add() - One event of the trace. Once it is whole, passage_decide(). */
void passage_add(struct passage *passage, const struct ruleset *ruleset,
		 const struct state_rules *states, const struct trace_event *event);

enum outcome {
	OUTCOME_ALLOW, /* as enum verdict */
	OUTCOME_DROP,
	OUTCOME_REJECT,
	OUTCOME_LOST, /* something else than the policy ended its way */
};

struct decision {
	enum outcome outcome;
	char id[PASSAGE_ID_MAX]; /* of what decided, "" for OUTCOME_LOST */
	bool over;               /* it was beyond the limit of a rule that allows */
	uint32_t line;           /* of the policy, 0 for what is built in */
};

/** passage_decide() - What became of the packet, and by whom. */
struct decision passage_decide(const struct passage *passage,
			       const struct image *image);

/** outcome_name() - "allow", "drop", "reject", "lost". */
const char *outcome_name(enum outcome outcome);
