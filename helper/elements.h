/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of named sets and tags: packed blocks to nf_tables messages, in batches. */
#pragma once

#include "helper/worker.h"

/**
 * elements_apply() - In a worker: carry out the blocks of @work->payload, as one batch
 *
 * Its memory is at most about six times the payload's. Replies -EINVAL for a malformed
 * payload, -EMSGSIZE when a batch can't be that large (in a user namespace, where the
 * send buffer can't be raised), or the kernel's error.
 */
void elements_apply(const struct work *work, struct helper_reply *reply);
