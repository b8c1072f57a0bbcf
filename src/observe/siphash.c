/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d,
		       unsigned int s, unsigned int t)
{
	*a += *b;
	*c += *d;
	*b = rotate(*b, s) ^ *a;
	*d = rotate(*d, t) ^ *c;
	*a = rotate(*a, 32);
}

static void mix(struct state *s, int rounds)
{
	while (rounds--) {
		half_round(&s->v0, &s->v1, &s->v2, &s->v3, 13, 16);
		half_round(&s->v2, &s->v1, &s->v0, &s->v3, 17, 21);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

uint64_t siphash(struct siphash_key key, const void *data, size_t size_bytes)
{
	struct state s = {
		key.a ^ 0x736f6d6570736575,
		key.b ^ 0x646f72616e646f6d,
		key.a ^ 0x6c7967656e657261,
		key.b ^ 0x7465646279746573,
	};
	const unsigned char *at = data;
	size_t left = size_bytes;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		absorb(&s, le64toh(word));
	}
	word = 0;
	if (left)
		memcpy(&word, at, left);
	absorb(&s, le64toh(word) | (uint64_t)size_bytes << 56);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
