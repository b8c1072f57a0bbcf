/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	CHECKPOINT_S = 5,
	RETAIN_S = 300,
	RETAIN_AGAIN_S = 2, /* while there is more to remove */
};

struct recorder {
	struct store *store;
	struct aggregate *aggregate;
	struct naming *names;
	enum store_state told; /* the state that was logged last */
	bool told_aside;       /* that a corrupt file was set aside */
	void (*drain)(void *context);
	void *drain_context;
	sd_event_source *tick;
	int64_t minute;
	bool observing;
	bool whole;        /* all of @minute was observed so far */
	bool owed;         /* rows of an earlier minute are among those that wait */
	uint64_t lost;     /* since the last checkpoint */
	uint64_t dropped;  /* of the aggregate, when last looked at */
	int64_t retain_at; /* monotonic seconds */
	uint32_t keep_s;
	uint64_t max_bytes;
};

static int64_t wall_s(void)
{
	return clock_wall_us() / 1000000;
}

static int64_t this_minute(void)
{
	int64_t now = wall_s();

	return now - now % MINUTE_S;
}

/* What stood in a file that was set aside is not in the new one. */
static void tell_aside(struct recorder *recorder)
{
	if (recorder->told_aside || !store_was_set_aside(recorder->store))
		return;
	recorder->told_aside = true;
	recorder->whole = false;
	log_warning("The flow database was corrupt: it was set aside and a new one "
		    "begun");
}

static void tell_state(struct recorder *recorder)
{
	enum store_state state = store_state(recorder->store);

	tell_aside(recorder);
	if (state == recorder->told)
		return;
	recorder->told = state;
	if (state == STORE_READY)
		log_notice("The flow database is in use again");
	else
		log_warning("The flow database: %s. The firewall goes on; flows wait "
			    "in memory",
			    store_why(recorder->store));
}

static int write_minute(struct recorder *recorder, bool over)
{
	struct aggregate_counts counts = aggregate_counts(recorder->aggregate);
	struct store_batch batch = {
		.minute = recorder->minute,
		.rows = recorder->aggregate,
		.decider = naming_decider,
		.context = recorder->names,
	};
	int error;

	if (counts.dropped != recorder->dropped || recorder->owed)
		recorder->whole = false;
	recorder->dropped = counts.dropped;
	batch.lost = recorder->lost;
	batch.complete = over && recorder->whole;
	if (!over && counts.rows == 0 && recorder->lost == 0)
		return 0;
	error = store_write(recorder->store, &batch);
	tell_state(recorder);
	/* It would wait for minutes, and rows with it. */
	if (store_state(recorder->store) == STORE_FULL)
		recorder->retain_at = 0;
	if (error)
		return error;
	recorder->lost = 0;
	recorder->owed = false;
	return 0;
}

/* Rows that could not be written go with the next minute, which then says that it is
 * not complete. */
static void turn_minute(struct recorder *recorder)
{
	int64_t now = this_minute();

	if (now == recorder->minute)
		return;
	if (recorder->drain)
		recorder->drain(recorder->drain_context);
	/* A clock that was set does not make a minute whole. */
	if (now != recorder->minute + MINUTE_S)
		recorder->whole = false;
	if (write_minute(recorder, true) < 0 &&
	    aggregate_counts(recorder->aggregate).rows > 0)
		recorder->owed = true;
	recorder->whole = recorder->observing && now == recorder->minute + MINUTE_S;
	recorder->minute = now;
}

static void retain(struct recorder *recorder)
{
	int removed;

	if (clock_s() < recorder->retain_at || recorder->keep_s == 0)
		return;
	removed = store_retain(recorder->store, wall_s(), recorder->keep_s,
			       recorder->max_bytes);
	tell_state(recorder);
	recorder->retain_at = clock_s() + (removed > 0 ? RETAIN_AGAIN_S : RETAIN_S);
}

/* From now to the next checkpoint or the end of the minute, whichever is first. The
 * timer does not follow the wall clock, which may be set back by hours. */
static uint64_t next_tick_us(int64_t minute)
{
	int64_t rest_us = (minute + MINUTE_S) * 1000000 - clock_wall_us();

	if (rest_us > 0 && rest_us < CHECKPOINT_S * 1000000)
		return (uint64_t)rest_us;
	return CHECKPOINT_S * 1000000;
}

static int on_tick(sd_event_source *source, uint64_t when_us, void *context)
{
	struct recorder *recorder = context;
	int error;

	(void)when_us;
	turn_minute(recorder);
	write_minute(recorder, false);
	retain(recorder);
	error = sd_event_source_set_time_relative(source,
						  next_tick_us(recorder->minute));
	if (error < 0)
		return error;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int recorder_new(sd_event *event, const char *path, struct aggregate *aggregate,
		 struct naming *names, struct recorder **ret)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	bool set_aside = false;
	char why[256] = "";
	int error;

	if (!recorder)
		return -ENOMEM;
	recorder->aggregate = aggregate;
	recorder->names = names;
	recorder->minute = this_minute();
	error = store_open(path, &recorder->store, &set_aside, why);
	if (error >= 0)
		error = sd_event_add_time_relative(
			event, &recorder->tick, CLOCK_MONOTONIC,
			next_tick_us(recorder->minute), 50000, on_tick, recorder);
	if (error < 0) {
		recorder_free(recorder);
		return error;
	}
	tell_state(recorder);
	*ret = recorder;
	return 0;
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	sd_event_source_disable_unref(recorder->tick);
	store_close(recorder->store);
	free(recorder);
}

void recorder_set_drain(struct recorder *recorder, void (*drain)(void *context),
			void *context)
{
	recorder->drain = drain;
	recorder->drain_context = context;
}

void recorder_start(struct recorder *recorder)
{
	recorder->observing = true;
	/* The minute under way began unseen. */
	recorder->whole = false;
}

void recorder_stop(struct recorder *recorder)
{
	recorder->observing = false;
	recorder->whole = false;
}

void recorder_gap(struct recorder *recorder)
{
	recorder->whole = false;
}

void recorder_lost(struct recorder *recorder)
{
	recorder->lost++;
	recorder_gap(recorder);
}

void recorder_set_bounds(struct recorder *recorder, uint32_t keep_s, uint64_t max_bytes)
{
	recorder->keep_s = keep_s;
	recorder->max_bytes = max_bytes;
	recorder->retain_at = 0;
}

int recorder_checkpoint(struct recorder *recorder)
{
	int64_t now = this_minute();

	if (now != recorder->minute)
		turn_minute(recorder);
	return write_minute(recorder, false);
}

struct store *recorder_store(struct recorder *recorder)
{
	return recorder->store;
}
