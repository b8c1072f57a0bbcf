/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole dump over the wall, read at once. For jobs of the worker: it waits. */
#pragma once

#include <stddef.h>

#include "agent/helper.h"
#include "observe/decode.h"

/**
 * dump_read() - Ask for a dump and hand its datagrams over
 * @decode:  called for each
 * @refusal: may be NULL
 *
 * Return: 0; -EAGAIN when something changed meanwhile, so that it may have gaps;
 * -ENOENT; -ETIME when the kernel keeps silent; or -errno, of helper_dump() and
 * receive() too.
 */
int dump_read(int helper, enum helper_dump kind,
	      struct decode_summary (*decode)(const void *data, size_t size_bytes,
					      void *context),
	      void *context, struct helper_refusal *refusal);
