/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may change without a word from anybody: a feed's file, and the offset to UTC
 * that schedules are compiled with. Either way the text in force is compiled once more,
 * and the difference is sent.
 */
#include "agent/agent.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	TICK_US = 5000000,
	EXTEND_US = 60000000,
	BACKOFF_MIN_S = 10,
	BACKOFF_MAX_S = 3600
};

/* Return: whether one is due. */
static bool find_due(const struct agent *agent, bool *due)
{
	const struct refresh *refresh = &agent->refresh;
	bool any = false;

	for (size_t i = 0; i < refresh->feed_count; i++) {
		due[i] = refresh->feeds_at[i] && clock_s() >= refresh->feeds_at[i];
		any |= due[i];
	}
	return any;
}

static bool has_schedule(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].schedule.set)
			return true;
	return false;
}

static bool clock_changed(const struct candidate *committed)
{
	return candidate_utc_offset() != committed->utc_offset_s &&
	       has_schedule(committed->policy);
}

static void ask(struct agent *agent, const bool *due)
{
	const struct force_request again = { .kind = FORCE_AGAIN, .feeds_due = due };
	const struct policy *policy = agent->force.committed->policy;
	struct refresh *refresh = &agent->refresh;

	refresh->utc_offset_s = candidate_utc_offset();
	for (size_t i = 0; i < refresh->feed_count; i++)
		if (due[i])
			refresh->feeds_at[i] = clock_s() + policy->feeds[i].refresh_s;
	force_ask(agent, &again);
}

static void look(struct agent *agent)
{
	struct refresh *refresh = &agent->refresh;
	auto_free bool *due = calloc(refresh->feed_count + 1, sizeof(*due));
	bool feeds, clock;

	if (!due)
		return;
	feeds = find_due(agent, due);
	clock = clock_changed(agent->force.committed);
	/* Another change of the clock is a new reason. */
	if (clock && candidate_utc_offset() != refresh->utc_offset_s)
		refresh->retry_at = 0;
	if ((feeds || clock) && clock_s() >= refresh->retry_at)
		ask(agent, due);
}

static int on_tick(sd_event_source *source, uint64_t when_us, void *context)
{
	struct agent *agent = context;
	struct force *force = &agent->force;

	(void)when_us;
	/* A start with a large policy may take longer than the manager expects. */
	if (force->running)
		sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", EXTEND_US);
	else if (force->committed && agent->connection.up)
		look(agent);
	settle_check(agent);
	force_keep_numbers(agent);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void refresh_adopt(struct agent *agent, bool all)
{
	const struct candidate *now = agent->force.committed;
	const struct policy *policy = now->policy;
	struct refresh *refresh = &agent->refresh;

	refresh->retry_at = 0;
	refresh->backoff_s = 0;
	refresh->utc_offset_s = now->utc_offset_s;
	if (!all && refresh->feed_count == policy->feed_count)
		return;
	free(refresh->feeds_at);
	refresh->feeds_at = calloc(policy->feed_count + 1, sizeof(*refresh->feeds_at));
	refresh->feed_count = refresh->feeds_at ? policy->feed_count : 0;
	for (size_t i = 0; i < refresh->feed_count; i++)
		if (policy->feeds[i].refresh_s > 0)
			refresh->feeds_at[i] =
				clock_s() + (all ? policy->feeds[i].refresh_s : 0);
}

void refresh_failed(struct agent *agent, const bool *due)
{
	struct refresh *refresh = &agent->refresh;

	refresh->backoff_s =
		refresh->backoff_s ? refresh->backoff_s * 2 : BACKOFF_MIN_S;
	if (refresh->backoff_s > BACKOFF_MAX_S)
		refresh->backoff_s = BACKOFF_MAX_S;
	refresh->retry_at = clock_s() + refresh->backoff_s;
	for (size_t i = 0; due && i < refresh->feed_count; i++)
		if (due[i])
			refresh->feeds_at[i] = refresh->retry_at;
}

int refresh_start(struct agent *agent)
{
	return sd_event_add_time_relative(agent->event, &agent->refresh.tick,
					  CLOCK_MONOTONIC, TICK_US, 0, on_tick, agent);
}

void refresh_done(struct agent *agent)
{
	sd_event_source_disable_unref(agent->refresh.tick);
	free(agent->refresh.feeds_at);
}
