/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/action.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/build.h"

static const enum family families[] = { FAMILY_IPV4, FAMILY_IPV6 };

enum { CHAIN_BYTES = 32, LOG_BYTES = 192, NAME_BYTES = 128 };

static void log_part(char out[static LOG_BYTES], uint32_t number, const char *id,
		     enum verdict verdict)
{
	snprintf(out, LOG_BYTES, "log prefix \"%u %s %s\" group %d snaplen %d ", number,
		 id, verdict_name(verdict), LOG_GROUP, LOG_SNAP_BYTES);
}

/*
 * The mark has a rule of its own: a packet that is not tracked (neighbour discovery)
 * has no mark to read, which ends that rule.
 */
static void emit_mark(struct build *build, const char *chain, uint32_t number)
{
	uint32_t mask = build->policy->flows.mark_mask;
	uint32_t mark = number << build->mark_shift;

	if (mask == UINT32_MAX)
		build_rule(build, chain, "ct mark set 0x%08x", mark);
	else
		build_rule(build, chain, "ct mark set ct mark and 0x%08x or 0x%08x",
			   ~mask, mark);
}

static void emit_verdict(struct build *build, const char *chain, const char *id,
			 enum verdict verdict, bool log, uint32_t number)
{
	static const char *const ends[] = {
		[VERDICT_ALLOW] = "goto " CHAIN_ALLOWED,
		[VERDICT_DROP] = "drop",
		[VERDICT_REJECT] = "goto " CHAIN_REJECTED,
	};
	char log_text[LOG_BYTES] = "";

	if (verdict == VERDICT_ALLOW)
		emit_mark(build, chain, number);
	if (log)
		log_part(log_text, number, id, verdict);
	build_rule(build, chain, "counter name \"" COUNTER_PREFIX "%s\" %s%s", id,
		   log_text, ends[verdict]);
}

void action_ends(struct build *build)
{
	build_chain(build, CHAIN_ALLOWED);
	build_rule(build, CHAIN_ALLOWED,
		   "meta nfproto vmap { 2 : accept, 10 : accept }");
	build_rule(build, CHAIN_ALLOWED, "drop");
	build_chain(build, CHAIN_REJECTED);
	build_chain(build, CHAIN_REJECTED ".answer");
	build_rule(build, CHAIN_REJECTED,
		   "meta nfproto vmap { 2 : goto " CHAIN_REJECTED
		   ".answer, 10 : goto " CHAIN_REJECTED ".answer }");
	build_rule(build, CHAIN_REJECTED, "drop");
	build_rule(build, CHAIN_REJECTED ".answer",
		   "meta l4proto 6 reject with tcp reset");
	build_rule(build, CHAIN_REJECTED ".answer", "reject with icmpx 3");
}

/* Whether the chain must be made now. */
static bool begin(struct build *build, uint32_t number, char chain[static CHAIN_BYTES])
{
	snprintf(chain, CHAIN_BYTES, "r.%u", number);
	if (build->has_chain[number])
		return false;
	build->has_chain[number] = true;
	build_chain(build, chain);
	return true;
}

void action_plain(struct build *build, const char *id, enum verdict verdict, bool log,
		  uint32_t number)
{
	char chain[CHAIN_BYTES];

	if (begin(build, number, chain))
		emit_verdict(build, chain, id, verdict, log, number);
}

/* Parameters are part of the name: a changed limit begins anew, any other is kept when
 * rules are swapped. */
static void limit_set(char out[static NAME_BYTES], const struct rule *rule, int family)
{
	snprintf(out, NAME_BYTES, "l.%s.%u-%u-%u.%d", rule->id, rule->limit.count,
		 rule->limit.period_s, rule->limit.burst, family);
}

static void connection_set(char out[static NAME_BYTES], const struct rule *rule,
			   int family)
{
	snprintf(out, NAME_BYTES, "c.%s.%u.%d", rule->id, rule->connections.max,
		 family);
}

/* How long a source is remembered: until its allowance would be full again anyway. */
static uint32_t memory_s(const struct limit *limit)
{
	uint64_t refill_s = (uint64_t)limit->burst * limit->period_s / limit->count + 1;

	if (refill_s < limit->period_s)
		refill_s = limit->period_s;
	return refill_s > UINT32_MAX / 1000 ? UINT32_MAX / 1000 : (uint32_t)refill_s;
}

void action_limits(struct build *build, const struct rule *rule)
{
	char name[NAME_BYTES], flags[64];

	if (rule->limit.scope == LIMIT_NONE && rule->connections.scope == LIMIT_NONE)
		return;
	build_counter(build, build_text(build, "%s.over", rule->id));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (rule->limit.scope == LIMIT_PER_SOURCE) {
			limit_set(name, rule, (int)families[i]);
			snprintf(flags, sizeof(flags), "dynamic,timeout; timeout %us",
				 memory_s(&rule->limit));
			build_dynamic_set(build, name, families[i], flags);
		}
		if (rule->connections.scope == LIMIT_PER_SOURCE) {
			connection_set(name, rule, (int)families[i]);
			build_dynamic_set(build, name, families[i], "dynamic");
		}
	}
}

static const char *period_word(uint32_t period_s)
{
	return period_s == 1      ? "second"
	       : period_s == 60   ? "minute"
	       : period_s == 3600 ? "hour"
				  : "day";
}

/* Who one source is: an address, or a whole IPv6 network, of which anyone has 2^64
 * addresses. */
static const char *source_key(enum family family)
{
	return family == FAMILY_IPV4 ? "ip saddr" : "ip6 saddr & ffff:ffff:ffff:ffff::";
}

/* What is beyond the limit never falls to later rules. */
static void emit_over(struct build *build, const char *chain, const struct rule *rule,
		      uint32_t number)
{
	char log_text[LOG_BYTES] = "";

	if (rule->log || build->policy->flows.denied)
		log_part(log_text, number, rule->id, VERDICT_DROP);
	build_rule(build, chain, "counter name \"" COUNTER_PREFIX "%s.over\" %sdrop",
		   rule->id, log_text);
}

/*
 * A source that is not in the table after its update found no room there: strangers who
 * make up addresses can fill it. All those share one more allowance, so that a full
 * table neither opens the limit nor shuts everybody out.
 */
static void emit_source_limit(struct build *build, const char *chain, const char *next,
			      const struct rule *rule, const char *rate)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		limit_set(name, rule, (int)families[i]);
		build_rule(build, chain, "update @%s { %s %s } goto %s", name,
			   source_key(families[i]), rate, next);
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		limit_set(name, rule, (int)families[i]);
		build_rule(build, chain, "%s != @%s %s goto %s",
			   source_key(families[i]), name, rate, next);
	}
}

static void emit_limit(struct build *build, const char *chain, const char *next,
		       const struct rule *rule, uint32_t number)
{
	char rate[64];

	snprintf(rate, sizeof(rate), "limit rate %u/%s burst %u packets",
		 rule->limit.count, period_word(rule->limit.period_s),
		 rule->limit.burst);
	if (rule->limit.scope == LIMIT_PER_RULE)
		build_rule(build, chain, "%s goto %s", rate, next);
	else
		emit_source_limit(build, chain, next, rule, rate);
	emit_over(build, chain, rule, number);
}

static void emit_connections(struct build *build, const char *chain, const char *next,
			     const struct rule *rule)
{
	char name[NAME_BYTES];

	if (rule->connections.scope == LIMIT_PER_RULE) {
		build_rule(build, chain, "ct count %u goto %s", rule->connections.max,
			   next);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		connection_set(name, rule, (int)families[i]);
		build_rule(build, chain, "add @%s { %s ct count %u } goto %s", name,
			   source_key(families[i]), rule->connections.max, next);
	}
}

void action_of_rule(struct build *build, const struct rule *rule, uint32_t number)
{
	bool log = rule->log ||
		   (rule->verdict != VERDICT_ALLOW && build->policy->flows.denied);
	char chain[CHAIN_BYTES], next[CHAIN_BYTES];

	if (!begin(build, number, chain))
		return;
	if (rule->limit.scope != LIMIT_NONE) {
		snprintf(next, sizeof(next), "r.%u.connections", number);
		if (rule->connections.scope == LIMIT_NONE)
			snprintf(next, sizeof(next), "r.%u.accept", number);
		emit_limit(build, chain, next, rule, number);
		build_chain(build, next);
		memcpy(chain, next, sizeof(chain));
	}
	if (rule->connections.scope != LIMIT_NONE) {
		snprintf(next, sizeof(next), "r.%u.accept", number);
		emit_connections(build, chain, next, rule);
		emit_over(build, chain, rule, number);
		build_chain(build, next);
		memcpy(chain, next, sizeof(chain));
	}
	emit_verdict(build, chain, rule->id, rule->verdict, log, number);
}
