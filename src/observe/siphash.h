/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-2-4: a keyed hash, so that remote peers, who choose addresses and ports,
 * can't choose collisions. Source: https://www.aumasson.jp/siphash/siphash.pdf */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t a, b;
};

/** siphash() - Return: the 64-bit hash of @size_bytes at @data. */
uint64_t siphash(struct siphash_key key, const void *data, size_t size_bytes);
