/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of named sets and tags: packed blocks to nf_tables messages, in batches. */
#pragma once

#include "helper/worker.h"

/**
 * elements_apply() - In a worker: carry out the blocks of @work->payload
 *
 * HELPER_ELEMENTS_ATOMIC: as one batch, so the memory it takes is about six times that
 * of the payload. HELPER_ELEMENTS_SPLIT: as many batches as the send buffer asks for.
 * Replies -EPROTO for a malformed payload, -EMSGSIZE for an atomic one larger than the
 * send buffer may get (in a user namespace it can't be raised), or the kernel's error.
 */
void elements_apply(const struct work *work, struct helper_reply *reply);
