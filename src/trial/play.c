/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/play.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "trial/acting.h"

enum { FIRST_PORT = 40000, PORTS = 20000 };

int play_lost(struct play *play, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(play->problem, sizeof(play->problem), format, args);
	va_end(args);
	play->decision = (struct decision){ .outcome = OUTCOME_LOST };
	return 0;
}

/* --- getting ready ---------------------------------------------------------------- */

/* What keeps a packet from being tried, though nothing failed. Return: whether there is
 * something. */
static bool hindered(struct acting *acting)
{
	const struct packet *packet = acting->packet;
	const struct links *links = &acting->stage->links;
	const struct packet_end *ends[] = { &packet->source, &packet->destination };
	bool forwards =
		packet->family == FAMILY_IPV4 ? links->forwards4 : links->forwards6;
	char text[ADDRESS_TEXT_MAX];

	if (packet->direction == DIRECTION_FORWARD && !forwards) {
		play_lost(acting->play,
			  "forwarding can't be switched on in a namespace here (is "
			  "/proc/sys writable?), so no such packet can be tried");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (ends[i]->place != PLACE_ADDRESS ||
		    !stage_is_host(acting->stage, ends[i]->address))
			continue;
		play_lost(acting->play,
			  "%s is what the trial calls host here: write "
			  "host, or another address",
			  address_format(ends[i]->address, text));
		return true;
	}
	return false;
}

static int ready_link(struct acting *acting, const struct packet_side *side,
		      const struct link **ret)
{
	struct address host;
	int error;

	if (!side->interface[0])
		return 0;
	error = links_get(&acting->stage->links, side->interface, ret);
	if (error)
		play_lost(acting->play, "interface %s can't be made here: %s",
			  side->interface, strerror(-error));
	/* Masquerading and replies need an address of this machine there; a kernel
	 * without IPv6 gives none, which only matters for its packets. */
	if (!error)
		error = stage_host(acting->stage, *ret, FAMILY_IPV4, &host);
	if (!error && stage_host(acting->stage, *ret, FAMILY_IPV6, &host) < 0 &&
	    acting->packet->family == FAMILY_IPV6)
		error = -EAFNOSUPPORT;
	return error;
}

static int ready_end(struct acting *acting, const struct packet_end *end,
		     bool destination, struct address *ret)
{
	const struct link *link = acting->in ? acting->in : acting->out;

	if (end->place == PLACE_ANY) {
		*ret = stage_stranger(acting->stage, acting->packet->family,
				      destination);
		return 0;
	}
	if (end->has_address) {
		*ret = end->address;
		return end->place == PLACE_HOST
			       ? links_address(&acting->stage->links, link, *ret)
			       : 0;
	}
	return stage_host(acting->stage, link, acting->packet->family, ret);
}

static int ready_route(struct acting *acting, const struct link *link,
		       struct address address)
{
	if (!link || address_is_multicast(address))
		return 0;
	return links_route(&acting->stage->links, link, address);
}

static int ready_routes(struct acting *acting)
{
	const struct packet *packet = acting->packet;
	const struct wire_packet *wire = &acting->way.packet;
	int error = 0;

	if (packet->source.place != PLACE_HOST)
		error = ready_route(acting, acting->in, wire->source);
	if (!error && packet->destination.place != PLACE_HOST)
		error = ready_route(acting, acting->out, wire->destination);
	if (!error && packet->forward)
		error = ready_route(acting, acting->out, packet->forward->target);
	if (!error && packet->direction == DIRECTION_INPUT &&
	    address_is_multicast(wire->destination) &&
	    wire->destination.value != UINT32_MAX)
		error = stage_join(acting->stage, acting->in, wire->destination);
	return error;
}

static void fill(struct acting *acting)
{
	const struct packet *packet = acting->packet;
	uint16_t port = (uint16_t)(FIRST_PORT + acting->stage->serial++ % PORTS);
	struct wire_packet *wire = &acting->way.packet;

	wire->protocol = packet->protocol;
	wire->source_port = packet->source.has_port ? packet->source.port : port;
	wire->destination_port = packet->destination.port;
	wire->flags = packet->tcp_flags ? packet->tcp_flags : TH_SYN;
	wire->sequence = OUR_SEQUENCE;
	wire->acknowledgment = THEIR_SEQUENCE;
	wire->chunk = CHUNK_INIT;
	wire->tag = THEIR_TAG;
	wire->own_tag = OUR_TAG;
	wire->icmp_type = packet->icmp_type;
	wire->icmp_id = port;
}

static int make_ready(struct acting *acting)
{
	const struct packet *packet = acting->packet;
	int error = ready_link(acting, &packet->in, &acting->in);

	if (!error)
		error = ready_link(acting, &packet->out, &acting->out);
	if (!error)
		error = ready_end(acting, &packet->source, false,
				  &acting->way.packet.source);
	if (!error)
		error = ready_end(acting, &packet->destination, true,
				  &acting->way.packet.destination);
	if (!error)
		error = ready_routes(acting);
	acting->way.out = packet->direction == DIRECTION_OUTPUT;
	acting->way.link = acting->way.out ? acting->out : acting->in;
	fill(acting);
	return error;
}

/* An address that one packet asked for must not be ours for the next. */
static void clear_up(struct acting *acting)
{
	const struct packet *packet = acting->packet;
	const struct packet_end *ends[] = { &packet->source, &packet->destination };
	const struct link *link = acting->in ? acting->in : acting->out;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (link && ends[i]->place == PLACE_HOST && ends[i]->has_address)
			links_no_address(&acting->stage->links, link, ends[i]->address);
}

/* --- one packet ------------------------------------------------------------------- */

static int send_one(struct acting *acting, const struct way *way, struct decision *ret)
{
	int error = stage_send(acting->stage, &way->packet, way->out, way->link);

	if (error)
		return error;
	*ret = passage_decide(&acting->stage->passage, acting->stage->candidate->image);
	return 0;
}

int acting_send_before(struct acting *acting, const struct way *way)
{
	struct play *play = acting->play;
	struct decision decision;
	int error = send_one(acting, way, &decision);

	if (error)
		return error;
	if (play->before_count < PLAY_BEFORE_MAX)
		play->before[play->before_count++] =
			(struct played){ way->packet, decision };
	return decision.outcome == OUTCOME_ALLOW;
}

/* --- the packet itself ------------------------------------------------------------ */

/* Before the kernel decides whether it is for this machine or another one. */
static bool before_routing(const struct passage *passage)
{
	return !passage->step_count || strcmp(passage->base, "ban.in") == 0 ||
	       strcmp(passage->base, "nat.pre") == 0;
}

static void tell_lost(struct acting *acting)
{
	const struct passage *passage = &acting->stage->passage;

	if (passage->unknown || passage->cut)
		play_lost(acting->play,
			  "the kernel's account of its way can't be followed");
	else if (!passage->seen)
		play_lost(
			acting->play,
			"the kernel itself dropped the packet before any rule saw it");
	else if (before_routing(passage))
		play_lost(acting->play,
			  "no rule, but the kernel itself dropped the packet "
			  "when it looked for its way: it has none for such "
			  "addresses");
	else
		play_lost(acting->play,
			  "no rule, but the kernel itself dropped the packet "
			  "behind the rules it met");
}

static void check_state(struct acting *acting)
{
	enum packet_state asked = acting->packet->state;
	enum packet_state seen = acting->stage->passage.state;

	acting->play->state = seen;
	/* What was dropped before connection tracking was in no state. */
	if (asked != STATE_UNSAID && seen != STATE_UNSAID && asked != seen)
		play_lost(acting->play, "the packet is not %s for the kernel: it is %s",
			  packet_state_name(asked), packet_state_name(seen));
}

static bool same_ends(const struct wire_packet *a, const struct wire_packet *b)
{
	return a->source.value == b->source.value &&
	       a->destination.value == b->destination.value &&
	       a->source_port == b->source_port &&
	       a->destination_port == b->destination_port;
}

static void note_translation(struct acting *acting)
{
	const struct passage *passage = &acting->stage->passage;
	struct play *play = acting->play;

	play->sent = acting->way.packet;
	play->sent.quoted = NULL;
	play->last = passage->last;
	play->translated = passage->seen && !same_ends(&passage->first, &passage->last);
}

/* Each opens a connection of its own, unless its source port was said. */
static void next_flow(struct acting *acting)
{
	struct wire_packet *packet = &acting->way.packet;
	uint16_t port = (uint16_t)(FIRST_PORT + acting->stage->serial++ % PORTS);

	if (acting->packet->state != STATE_UNSAID && acting->packet->state != STATE_NEW)
		return;
	if (!acting->packet->source.has_port)
		packet->source_port = port;
	packet->icmp_id = port;
}

static int send_all(struct acting *acting)
{
	struct play *play = acting->play;
	int error = 0;

	for (uint32_t i = 0; i < acting->packet->count && !error; i++) {
		if (i > 0)
			next_flow(acting);
		error = send_one(acting, &acting->way, &play->decision);
		if (!error)
			play->counts[play->decision.outcome]++;
	}
	if (error)
		return error;
	note_translation(acting);
	if (play->decision.outcome == OUTCOME_LOST)
		tell_lost(acting);
	check_state(acting);
	return 0;
}

int play_packet(struct stage *stage, const struct packet *packet, struct play *play)
{
	struct acting acting = { .stage = stage, .packet = packet, .play = play };
	struct wire_packet quoted;
	int error;

	*play = (struct play){ .decision.outcome = OUTCOME_LOST };
	error = make_ready(&acting);
	if (!error && !hindered(&acting)) {
		int ready = acting_prepare(&acting, &quoted);

		error = ready > 0 ? send_all(&acting) : ready;
	}
	clear_up(&acting);
	if (error && !play->problem[0])
		play_lost(play, "the packet can't be tried: %s", strerror(-error));
	return error;
}
