/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet as somebody described it, tried. */
#pragma once

#include "policy/packet.h"
#include "trial/stage.h"

enum { PLAY_BEFORE_MAX = 8, PLAY_TEXT_MAX = 256 };

/* A packet that had to be sent first. */
struct played {
	struct wire_packet packet;
	struct decision decision;
};

struct play {
	/* Of the last packet; OUTCOME_LOST with @problem when there is no verdict. */
	struct decision decision;
	enum packet_state
		state; /* as the kernel saw it; STATE_UNSAID: it did not look */
	uint32_t counts[OUTCOME_LOST + 1]; /* of all of them, by outcome */
	struct wire_packet sent;
	struct wire_packet last; /* as it was seen last */
	bool translated;
	struct played before[PLAY_BEFORE_MAX];
	size_t before_count;
	char problem[PLAY_TEXT_MAX];
};

/**
 * play_packet() - Try a packet, and everything it needs before it
 * @packet: settled
 *
 * stage->passage is that of the last packet afterwards. Connections and limits remember
 * it until stage_reset().
 *
 * Return: 0, or -errno with play->problem when the trial itself failed.
 */
int play_packet(struct stage *stage, const struct packet *packet, struct play *play);
