/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a port forward leads: "10.0.1.5:443", "[2001:db8::1]:443", or an address alone.
 */
#pragma once

#include "policy/reader.h"

/** read_target() - Read the value of `to`; @nat has its port, which the target's port
 * must be as wide as. */
void read_target(struct reader *reader, const struct node *node, struct nat *nat);
