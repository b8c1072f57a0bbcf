/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that happens in a forked process and is gone afterwards: what it leaks, or when
 * it ends without an answer, does not matter to the helper.
 */
#pragma once

#include <stddef.h>

#include "helper/protocol.h"

enum {
	WORKER_TIME_MAX_S = 120,
	WORKER_DATA_MAX = 1024 * 1024 * 1024, /* bytes */
	WORKER_FDS_MAX = 64,                  /* more than the helper ever holds */
};

struct work {
	void (*perform)(const struct work *work, struct helper_reply *reply);
	int fd; /* of the payload */
	size_t payload_bytes;
	const void *payload; /* mapped in the worker */
};

/**
 * worker_run() - Perform work in a worker, with bounds on memory and time, and wait
 * @work: its payload is mapped, readable only, where @perform runs
 * @reply: as @perform left it, or a refusal when the worker ended before
 */
void worker_run(struct work *work, struct helper_reply *reply);
