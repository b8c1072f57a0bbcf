/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings the aggregate's rows into the database: every few seconds, at the end of each
 * minute, and when the agent ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "agent/naming.h"
#include "agent/observer.h"
#include "observe/aggregate.h"
#include "store/store.h"

struct recorder;

/**
 * recorder_new() - Open the database and begin
 * @path: of the database; the strings and objects are borrowed
 *
 * A database that can't be used is no failure: its rows wait, within bounds.
 *
 * Return: 0 or -errno.
 */
int recorder_new(sd_event *event, const char *path, struct aggregate *aggregate,
		 struct naming *names, struct recorder **ret);
void recorder_free(struct recorder *recorder);

/**
 * recorder_set_drain() - Have what waits in the sockets taken in at the end of a minute
 * @drain: called before the minute is written as over
 */
void recorder_set_drain(struct recorder *recorder, void (*drain)(void *context),
			void *context);

/** recorder_start() - All that happens is observed from now on; before, no minute
 * counts as complete. */
void recorder_start(struct recorder *recorder);

/** recorder_stop() - It is no longer, until recorder_start(). */
void recorder_stop(struct recorder *recorder);

/** recorder_gap() - Something was missed: this minute is not complete. */
void recorder_gap(struct recorder *recorder);

/** recorder_lost() - Likewise, and the kernel said so: it is counted. */
void recorder_lost(struct recorder *recorder);

/** recorder_set_bounds() - How much is kept. */
void recorder_set_bounds(struct recorder *recorder, uint32_t keep_s,
			 uint64_t max_bytes);

/** recorder_checkpoint() - Write what there is, now. Return: 0 or -EAGAIN. */
int recorder_checkpoint(struct recorder *recorder);

struct store *recorder_store(struct recorder *recorder);
