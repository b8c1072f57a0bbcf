/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/passage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/action.h"
#include "trial/tracer.h"

static const char over[] = ".over";

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = { "allow", "drop", "reject", "lost" };

	return names[outcome];
}

/* --- gathering -------------------------------------------------------------------- */

static void add_own(struct passage *passage, const struct state_rules *states,
		    const struct trace_event *event)
{
	if (strcmp(event->chain, TRACER_END_IN) == 0 ||
	    strcmp(event->chain, TRACER_END_OUT) == 0)
		passage->arrived |= event->kind == TRACE_POLICY;
	for (size_t i = 0; event->kind == TRACE_RULE && i < states->count; i++)
		if (states->handles[i] == event->handle &&
		    strncmp(event->chain, "state.", 6) == 0)
			passage->state =
				(enum packet_state)(STATE_NEW + i % TRACED_STATES);
}

static void add_step(struct passage *passage, const struct ruleset *ruleset,
		     const struct trace_event *event)
{
	const struct known_rule *rule = NULL;
	struct step_taken *step;

	if (event->kind == TRACE_RULE) {
		rule = ruleset_find(ruleset, event->handle);
		if (!rule || strcmp(rule->chain, event->chain) != 0) {
			passage->unknown = true;
			return;
		}
	}
	if (passage->step_count == PASSAGE_STEPS_MAX) {
		passage->cut = true;
		return;
	}
	step = &passage->steps[passage->step_count++];
	*step = (struct step_taken){
		.chain = rule ? rule->chain : "",
		.text = rule ? rule->text : "",
		.verdict = event->verdict,
	};
	memcpy(step->base, passage->base, sizeof(step->base));
}

static void add_theirs(struct passage *passage, const struct ruleset *ruleset,
		       const struct trace_event *event)
{
	bool ends = event->verdict == TRACE_ACCEPT || event->verdict == TRACE_DROP;

	if (!passage->inside)
		snprintf(passage->base, sizeof(passage->base), "%s", event->chain);
	passage->inside = !ends;
	passage->dropped |= event->verdict == TRACE_DROP;
	if (event->kind != TRACE_RETURN)
		add_step(passage, ruleset, event);
}

void passage_add(struct passage *passage, const struct ruleset *ruleset,
		 const struct state_rules *states, const struct trace_event *event)
{
	if (event->has_packet) {
		if (!passage->seen)
			passage->first = event->packet;
		passage->last = event->packet;
		passage->seen = true;
	}
	if (strcmp(event->table, TRACER_TABLE) == 0)
		add_own(passage, states, event);
	else if (strcmp(event->table, TABLE_NAME) == 0)
		add_theirs(passage, ruleset, event);
}

/* --- deciding --------------------------------------------------------------------- */

/* Translation decides about addresses, not about packets. */
static bool filters(const char *base)
{
	static const char *const chains[] = { "ban.in", "ban.out", "input", "forward",
					      "output" };

	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		if (strcmp(chains[i], base) == 0)
			return true;
	return false;
}

/* "r.12" and "r.12.accept" belong to number 12. */
static uint32_t chain_number(const char *chain)
{
	return strncmp(chain, "r.", 2) == 0 ? (uint32_t)strtoul(chain + 2, NULL, 10)
					    : NUMBER_NONE;
}

/* Every decider counts what it decides, by its id. */
static bool read_id(const char *text, char out[static PASSAGE_ID_MAX])
{
	static const char lead[] = "counter name \"" COUNTER_PREFIX;
	const char *at = strstr(text, lead), *quote;

	if (!at)
		return false;
	at += strlen(lead);
	quote = strchr(at, '"');
	if (!quote || quote - at >= PASSAGE_ID_MAX)
		return false;
	*stpncpy(out, at, (size_t)(quote - at)) = '\0';
	return true;
}

static void find_line(const struct image *image, uint32_t number,
		      struct decision *decision)
{
	for (size_t i = 0; i < image->decider_count; i++)
		if (image->deciders[i].number == number)
			decision->line = image->deciders[i].line;
}

static bool decides(const struct passage *passage, const struct step_taken *step)
{
	const struct step_taken *last = &passage->steps[passage->step_count - 1];

	if (!filters(step->base))
		return false;
	return !passage->dropped || strcmp(step->base, last->base) == 0;
}

/* The last one who counted at a hook that filters: of an accepted packet that is the
 * last of these hooks, of a dropped one the hook where it ended. */
static void find_decider(const struct passage *passage, const struct image *image,
			 struct decision *decision)
{
	size_t size;

	for (size_t i = passage->step_count; i-- > 0;) {
		const struct step_taken *step = &passage->steps[i];

		if (!decides(passage, step) || !read_id(step->text, decision->id))
			continue;
		size = strlen(decision->id);
		if (size > strlen(over) &&
		    strcmp(decision->id + size - strlen(over), over) == 0) {
			decision->over = true;
			decision->id[size - strlen(over)] = '\0';
		}
		find_line(image, chain_number(step->chain), decision);
		return;
	}
}

struct decision passage_decide(const struct passage *passage, const struct image *image)
{
	struct decision decision = { .outcome = OUTCOME_LOST };
	const struct step_taken *last;

	if (passage->unknown || passage->cut || passage->step_count == 0 ||
	    (!passage->dropped && !passage->arrived))
		return decision;
	find_decider(passage, image, &decision);
	if (!decision.id[0])
		return decision;
	last = &passage->steps[passage->step_count - 1];
	if (!passage->dropped)
		decision.outcome = OUTCOME_ALLOW;
	else if (strncmp(last->chain, CHAIN_REJECTED, strlen(CHAIN_REJECTED)) == 0)
		decision.outcome = OUTCOME_REJECT;
	else
		decision.outcome = OUTCOME_DROP;
	return decision;
}
