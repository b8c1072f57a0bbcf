/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last steps of an image. */
#pragma once

#include "compile/compile.h"

struct buffer;

/**
 * image_finish() - Take the rules over, put all names in order, hash what there is
 *
 * Return: 0 or -ENOMEM.
 */
int image_finish(struct image *image, struct buffer *rules);
