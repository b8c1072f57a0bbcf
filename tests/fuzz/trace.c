/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a trace: never a read beyond them, and a way through the rules that
 * makes sense whatever it says. */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "trial/passage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

struct tracing {
	struct passage passage;
	struct ruleset ruleset;
	struct state_rules states;
};

static char rules[] = "add rule inet vigil input counter name \"n.ssh\" goto allowed\n"
		      "add rule inet vigil r.1 counter name \"n.ssh.over\" drop\n"
		      "add rule inet vigil rejected.answer reject with icmpx 3\n";

static void on_event(const struct trace_event *event, void *context)
{
	struct tracing *tracing = context;

	assert(event->table && event->chain);
	assert(strlen(trace_verdict_name(event->verdict)) > 0);
	if (event->has_packet)
		assert(event->packet.source.family == event->packet.destination.family);
	passage_add(&tracing->passage, &tracing->ruleset, &tracing->states, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct image image = { .rules = rules, .rules_bytes = sizeof(rules) - 1 };
	struct tracing tracing = { .states = { .handles = { 4, 5, 6, 7 },
					       .count = 4 } };
	struct decision decision;

	assert(ruleset_begin(&image, &tracing.ruleset) == 0);
	assert(ruleset_name(&tracing.ruleset, "input", 1) == 0);
	assert(ruleset_name(&tracing.ruleset, "r.1", 2) == 0);
	assert(ruleset_name(&tracing.ruleset, "rejected.answer", 3) == 0);
	assert(ruleset_end(&tracing.ruleset) == 0);
	trace_decode(data, size_bytes, on_event, &tracing);
	decision = passage_decide(&tracing.passage, &image);
	assert(decision.outcome == OUTCOME_LOST || decision.id[0]);
	ruleset_done(&tracing.ruleset);
	return 0;
}
