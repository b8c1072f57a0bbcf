/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's table holds, by name. */
#pragma once

#include "agent/helper.h"
#include "compile/transition.h"

/**
 * kernel_inventory() - List the table over the wall
 * @ret: set on success only; release with inventory_done()
 *
 * Takes no longer for sets with millions of elements: none is read.
 *
 * Return: 0, -ENOMEM, or -errno as helper_dump() and dump_read().
 */
int kernel_inventory(int helper, struct inventory *ret, struct helper_refusal *refusal);
