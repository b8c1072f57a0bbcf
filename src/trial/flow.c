/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that have to be there before a packet can be what it is to be. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"
#include "trial/acting.h"

/* The same at the other end, of a packet as it was seen last: it may have been
 * translated. */
static struct way answer_to(const struct acting *acting, const struct way *way)
{
	struct way answer = *way;
	const struct wire_packet *seen = &acting->stage->passage.last;
	bool through = acting->packet->direction == DIRECTION_FORWARD;

	answer.packet.source = seen->source;
	answer.packet.destination = seen->destination;
	answer.packet.source_port = seen->source_port;
	answer.packet.destination_port = seen->destination_port;
	if (seen->icmp_id)
		answer.packet.icmp_id = seen->icmp_id;
	answer.packet = wire_reverse(&answer.packet);
	if (through)
		answer.link = way->link == acting->in ? acting->out : acting->in;
	else
		answer.out = !way->out;
	return answer;
}

static uint8_t echo_reply(uint8_t protocol)
{
	return protocol == IPPROTO_ICMPV6 ? 129 : 0;
}

static uint8_t echo_request(uint8_t protocol)
{
	return protocol == IPPROTO_ICMPV6 ? 128 : 8;
}

static bool is_icmp(const struct wire_packet *packet)
{
	return packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
}

static void make_opener(struct wire_packet *packet)
{
	packet->flags = TH_SYN;
	packet->sequence = OUR_SEQUENCE;
	packet->chunk = CHUNK_INIT;
	if (is_icmp(packet))
		packet->icmp_type = echo_request(packet->protocol);
}

static void make_answer(struct wire_packet *packet)
{
	packet->flags = TH_SYN | TH_ACK;
	packet->sequence = THEIR_SEQUENCE;
	packet->acknowledgment = OUR_SEQUENCE + 1;
	packet->chunk = CHUNK_INIT_ACK;
	packet->tag = OUR_TAG;
	packet->own_tag = THEIR_TAG;
	if (is_icmp(packet))
		packet->icmp_type = echo_reply(packet->protocol);
}

/* Open a connection by @opener and have it answered. Return: 1, 0 when the policy does
 * not let it begin, or -errno. */
static int open_flow(struct acting *acting, const struct way *opener,
		     struct way *ret_answer)
{
	int went = acting_send_before(acting, opener);

	if (went <= 0)
		return went;
	*ret_answer = answer_to(acting, opener);
	make_answer(&ret_answer->packet);
	return acting_send_before(acting, ret_answer);
}

/* The packet's own way back, before anything was translated. */
static struct way turn(const struct acting *acting)
{
	struct way way = acting->way;

	way.packet = wire_reverse(&way.packet);
	if (acting->packet->direction == DIRECTION_FORWARD)
		way.link = acting->out;
	else
		way.out = !way.out;
	return way;
}

static void tell_refused(struct acting *acting, const char *what)
{
	struct play *play = acting->play;
	const struct played *first = &play->before[0];

	play_lost(play, "%s: %s would %s its first packet", what,
		  first->decision.id[0] ? first->decision.id : "the kernel",
		  first->decision.outcome == OUTCOME_REJECT ? "reject" : "drop");
}

static void take_ends(struct wire_packet *packet, const struct wire_packet *from)
{
	packet->source = from->source;
	packet->destination = from->destination;
	packet->source_port = from->source_port;
	packet->destination_port = from->destination_port;
	packet->icmp_id = from->icmp_id;
}

/* First as the one who opened it, else as the one who answers. */
static int establish(struct acting *acting)
{
	struct wire_packet *packet = &acting->way.packet;
	bool reply =
		is_icmp(packet) && packet->icmp_type == echo_reply(packet->protocol);
	struct way opener = acting->way, answer;
	int went = 0;

	make_opener(&opener.packet);
	if (!reply)
		went = open_flow(acting, &opener, &answer);
	packet->sequence = OUR_SEQUENCE + 1;
	packet->acknowledgment = THEIR_SEQUENCE + 1;
	packet->tag = THEIR_TAG;
	if (went == 0) {
		opener = turn(acting);
		make_opener(&opener.packet);
		went = open_flow(acting, &opener, &answer);
		/* It comes to where the other side thinks the connection is from. */
		if (went > 0)
			take_ends(packet, &answer.packet);
		packet->sequence = THEIR_SEQUENCE + 1;
		packet->acknowledgment = OUR_SEQUENCE + 1;
		packet->tag = OUR_TAG;
	}
	packet->chunk = CHUNK_DATA;
	if (!acting->packet->tcp_flags)
		packet->flags = TH_ACK;
	if (went == 0)
		tell_refused(acting, "the policy lets no such connection begin");
	return went;
}

/* An error about something that its receiver sent. What that may be depends on the
 * policy, so some usual ones are tried. */
static int relate(struct acting *acting, struct wire_packet *quoted)
{
	static const struct {
		uint8_t protocol;
		uint16_t port;
	} tries[] = { { IPPROTO_UDP, 443 }, { IPPROTO_TCP, 443 }, { IPPROTO_UDP, 53 },
		      { IPPROTO_TCP, 80 },  { IPPROTO_TCP, 22 },  { IPPROTO_ICMP, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct way opener = turn(acting), answer;
		int went;

		opener.packet.protocol = tries[i].protocol;
		if (tries[i].protocol == IPPROTO_ICMP)
			opener.packet.protocol = acting->packet->protocol;
		opener.packet.source_port = acting->way.packet.icmp_id;
		opener.packet.destination_port = tries[i].port;
		make_opener(&opener.packet);
		went = acting_send_before(acting, &opener);
		if (went < 0)
			return went;
		if (went == 0)
			continue;
		answer = answer_to(acting, &opener);
		*quoted = wire_reverse(&answer.packet);
		acting->way.packet.quoted = quoted;
		/* It is sent to whom the other side knows. */
		acting->way.packet.destination = quoted->source;
		return 1;
	}
	tell_refused(acting, "the policy lets no connection begin that such an error "
			     "could be about");
	return 0;
}

static int spoil(struct acting *acting)
{
	struct wire_packet *packet = &acting->way.packet;

	switch (packet->protocol) {
	case IPPROTO_TCP:
		if (!acting->packet->tcp_flags)
			packet->flags = TH_SYN | TH_FIN;
		return 1;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		packet->corrupt = true;
		return 1;
	case IPPROTO_SCTP:
		packet->chunk = CHUNK_DATA;
		return 1;
	default:
		return play_lost(
			acting->play,
			"no packet of this protocol is invalid for the kernel");
	}
}

int acting_prepare(struct acting *acting, struct wire_packet *quoted)
{
	switch (acting->packet->state) {
	case STATE_ESTABLISHED:
		return establish(acting);
	case STATE_RELATED:
		return relate(acting, quoted);
	case STATE_INVALID:
		return spoil(acting);
	default:
		return 1;
	}
}
