/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet that is being tried: what play.c and flow.c share. */
#pragma once

#include "trial/play.h"

enum {
	OUR_SEQUENCE = 1000,
	THEIR_SEQUENCE = 5000,
	OUR_TAG = 0x1111,
	THEIR_TAG = 0x2222,
};

/* One way of a flow: who sends, and at which link. */
struct way {
	struct wire_packet packet;
	bool out;                /* this machine sends */
	const struct link *link; /* where it comes in, or goes out when @out */
};

struct acting {
	struct stage *stage;
	const struct packet *packet;
	struct play *play;
	const struct link *in, *out; /* NULL for none */
	struct way way;
};

/** play_lost() - There is no verdict, and why. Return: 0. */
int play_lost(struct play *play, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** acting_send_before() - A packet before the one that counts. Return: 1 when it came
 *  through, 0 or -errno. */
int acting_send_before(struct acting *acting, const struct way *way);

/**
 * acting_prepare() - Do what the packet's state asks for
 * @quoted: room for what an ICMP error quotes, for as long as it is sent
 *
 * Return: 1 when the packet may be sent, 0 with a problem, or -errno.
 */
int acting_prepare(struct acting *acting, struct wire_packet *quoted);
