/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading an image where no packet is under way: in as many transactions as it takes.
 */
#pragma once

#include <stddef.h>

#include "compile/compile.h"
#include "compile/transition.h"

enum { LOAD_TEXT_MAX = 512 };

/**
 * load_image() - Make the table what @image says
 * @helper: connection after helper_hello(), in a namespace of its own
 * @held:   what the kernel holds there; all zero before the first time. Sets are
 *          believed. On success it is what @image makes
 * @problem: a sentence, on failure
 *
 * In a user namespace a batch has to fit the plain limit of a socket, which a large
 * policy does not. On the host it has room, so it is no fault of the policy: here the
 * script goes in pieces. All rules are new afterwards, and what their limits counted
 * is forgotten; named sets stay.
 *
 * Return: 0 or -errno; after a failure the kernel may hold a part.
 */
int load_image(int helper, const struct image *image, struct inventory *held,
	       char problem[static LOAD_TEXT_MAX]);
