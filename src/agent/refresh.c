/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may change without a word from anybody: a feed's file, and the offset to UTC
 * that schedules are compiled with. Either way the text in force is compiled once more,
 * and the difference is sent.
 */
#include "agent/agent.h"

#include <systemd/sd-daemon.h>

#include "base/clock.h"

enum { TICK_US = 5000000, EXTEND_US = 60000000 };

static bool feeds_due(const struct agent *agent)
{
	const struct policy *policy = agent->force.committed->policy;
	int64_t since = clock_s() - agent->refresh.feeds_at;

	for (size_t i = 0; i < policy->feed_count; i++)
		if (policy->feeds[i].refresh_s > 0 &&
		    since >= (int64_t)policy->feeds[i].refresh_s)
			return true;
	return false;
}

static bool clock_changed(const struct candidate *committed)
{
	const struct policy *policy = committed->policy;

	if (candidate_utc_offset() == committed->utc_offset_s)
		return false;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].schedule.set)
			return true;
	return false;
}

static int on_tick(sd_event_source *source, uint64_t when_us, void *context)
{
	const struct force_request again = { .kind = FORCE_AGAIN };
	struct agent *agent = context;
	struct force *force = &agent->force;

	(void)when_us;
	/* A start with a large policy may take longer than the manager expects. */
	if (force->running)
		sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", EXTEND_US);
	else if (force->committed && agent->connection.up &&
		 (feeds_due(agent) || clock_changed(force->committed)))
		force_ask(agent, &again);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void refresh_adopt(struct agent *agent)
{
	agent->refresh.feeds_at = clock_s();
}

int refresh_start(struct agent *agent)
{
	return sd_event_add_time_relative(agent->event, &agent->refresh.tick,
					  CLOCK_MONOTONIC, TICK_US, 0, on_tick, agent);
}

void refresh_done(struct agent *agent)
{
	sd_event_source_disable_unref(agent->refresh.tick);
}
