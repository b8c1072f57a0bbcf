/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet's description leaves open: its direction, family and interfaces. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "policy/packet.h"
#include "policy/quote.h"

enum { NAMES_BYTES = 120, SAMPLES_MAX = 1000 };

struct settling {
	const struct policy *policy;
	const struct packet_way *way;
	struct packet *packet;
	struct faults *faults;
};

/* --- interfaces ------------------------------------------------------------------- */

/* How well an interface of a zone fits a name: its length, an exact one best. */
static size_t fit(const char *interface, const char *name)
{
	size_t size = strlen(interface);

	if (strcmp(interface, name) == 0)
		return INTERFACE_MAX_CHARS + 1;
	if (interface[size - 1] == '*' && strncmp(interface, name, size - 1) == 0)
		return size;
	return 0;
}

static const struct zone *zone_of(const struct policy *policy, const char *name)
{
	const struct zone *found = NULL;
	size_t best = 0;

	for (size_t i = 0; i < policy->zone_count; i++) {
		for (size_t j = 0; j < policy->zones[i].interface_count; j++) {
			size_t fits = fit(policy->zones[i].interfaces[j], name);

			if (fits > best) {
				best = fits;
				found = &policy->zones[i];
			}
		}
	}
	return found;
}

/* A name that is of @zone and of no other: that of its first interface, with something
 * in the place of a star. */
static bool sample(const struct policy *policy, const struct zone *zone,
		   const char *pattern, struct packet_side *ret)
{
	size_t size = strlen(pattern);
	bool star = size > 0 && pattern[size - 1] == '*';

	ret->zone = zone ? zone->name : NULL;
	for (unsigned int i = 0; i < SAMPLES_MAX; i++) {
		char number[12] = "";

		if (star)
			snprintf(number, sizeof(number), "%u", i);
		if (size - star + strlen(number) > INTERFACE_MAX_CHARS)
			return false;
		snprintf(ret->interface, sizeof(ret->interface), "%.*s%s",
			 (int)(size - star), pattern, number);
		if (zone_of(policy, ret->interface) == zone)
			return true;
		if (!star)
			return false;
	}
	return false;
}

static bool sample_zone(const struct policy *policy, const struct zone *zone,
			struct packet_side *ret)
{
	for (size_t i = 0; i < zone->interface_count; i++)
		if (strcmp(zone->interfaces[i], "lo") != 0 &&
		    sample(policy, zone, zone->interfaces[i], ret))
			return true;
	return false;
}

/* "lan, wan or none" */
static void list_choices(const struct policy *policy, char out[static NAMES_BYTES])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < policy->zone_count && used < NAMES_BYTES; i++)
		used += (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s",
					 i ? ", " : "", policy->zones[i].name);
	if (used + sizeof(" or none") > NAMES_BYTES)
		snprintf(out, NAMES_BYTES, "a zone, an interface or none");
	else
		strcpy(out + used, used ? " or none" : "none");
}

static const struct zone *find_zone(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->zone_count; i++)
		if (strcmp(policy->zones[i].name, name) == 0)
			return &policy->zones[i];
	return NULL;
}

static int refuse_side(const struct settling *settling, const char *key,
		       const char *name, struct position position)
{
	const char *names[POLICY_ZONES_MAX + 1];
	char choices[NAMES_BYTES];
	struct quoted hint;
	size_t count = 0;

	for (; count < settling->policy->zone_count; count++)
		names[count] = settling->policy->zones[count].name;
	names[count] = NULL;
	hint = did_you_mean(name, names);
	list_choices(settling->policy, choices);
	return faults_add(settling->faults, position,
			  "%s: no zone and no zone's interface is named %s%s%s", key,
			  quote(name).text, hint.text[0] ? "" : "; it could be ",
			  hint.text[0] ? hint.text : choices);
}

static int named_side(const struct settling *settling, const char *key,
		      const char *name, struct position position,
		      struct packet_side *ret)
{
	const struct policy *policy = settling->policy;
	const struct zone *zone = find_zone(policy, name);
	bool found;

	if (zone)
		found = sample_zone(policy, zone, ret);
	else if (strcmp(name, "none") == 0)
		found = sample(policy, NULL, "other*", ret);
	else if (strlen(name) > INTERFACE_MAX_CHARS || strchr(name, '*'))
		return refuse_side(settling, key, name, position);
	else {
		zone = zone_of(policy, name);
		found = zone && sample(policy, zone, name, ret);
	}
	if (zone && !found)
		return faults_add(settling->faults, position,
				  "%s: zone %s has no interface that a trial could "
				  "make",
				  key, zone->name);
	return found ? 0 : refuse_side(settling, key, name, position);
}

/* Where it was not said: the one zone there is, the other one of two. */
static int derived_side(const struct settling *settling, const char *key,
			const char *what, const struct packet_side *other,
			struct packet_side *ret)
{
	const struct policy *policy = settling->policy;
	char choices[NAMES_BYTES];

	if (policy->zone_count == 0 && sample(policy, NULL, "other*", ret))
		return 0;
	if (policy->zone_count == 1 && sample_zone(policy, &policy->zones[0], ret))
		return 0;
	if (policy->zone_count == 2 && other && other->zone) {
		size_t i = other->zone == policy->zones[0].name;

		if (sample_zone(policy, &policy->zones[i], ret))
			return 0;
	}
	list_choices(policy, choices);
	return faults_add(settling->faults, settling->packet->position,
			  "%s is missing: where does the packet %s? It could be %s",
			  key, what, choices);
}

static int settle_in(const struct settling *settling)
{
	const struct packet_way *way = settling->way;

	if (way->in)
		return named_side(settling, way->in_key, way->in, way->in_position,
				  &settling->packet->in);
	return derived_side(settling, way->in_key, "come in", NULL,
			    &settling->packet->in);
}

static int settle_out(const struct settling *settling)
{
	const struct packet_way *way = settling->way;
	struct packet *packet = settling->packet;

	if (way->out)
		return named_side(settling, way->out_key, way->out, way->out_position,
				  &packet->out);
	return derived_side(settling, way->out_key, "go out",
			    packet->direction == DIRECTION_FORWARD ? &packet->in : NULL,
			    &packet->out);
}

/* --- direction -------------------------------------------------------------------- */

static bool nat_is_from(const struct settling *settling, const struct nat *nat)
{
	const char *zone = settling->packet->in.zone;

	for (size_t i = 0; zone && i < nat->from_zone_count; i++)
		if (settling->policy->zones[nat->from_zones[i]].name == zone)
			return true;
	return false;
}

/* What sends a packet to this machine on to another one. */
static const struct nat *find_forward(const struct settling *settling)
{
	const struct packet *packet = settling->packet;
	uint16_t port = packet->destination.port;

	for (size_t i = 0; i < settling->policy->nat_count; i++) {
		const struct nat *nat = &settling->policy->nats[i];

		if (nat->kind == NAT_FORWARD && nat->protocol == packet->protocol &&
		    nat->target.family == packet->family && nat->port.first <= port &&
		    port <= nat->port.last && nat_is_from(settling, nat))
			return nat;
	}
	return NULL;
}

static int settle_input(const struct settling *settling)
{
	struct packet *packet = settling->packet;

	packet->direction = DIRECTION_INPUT;
	if (settle_in(settling) < 0)
		return -EINVAL;
	/* An answer is not translated: its connection was there before. */
	if (packet->destination.place == PLACE_HOST)
		packet->forward = find_forward(settling);
	if (packet->forward) {
		packet->direction = DIRECTION_FORWARD;
		return settle_out(settling);
	}
	if (settling->way->out)
		return faults_add(settling->faults, settling->way->out_position,
				  "%s: a packet to this machine goes nowhere else",
				  settling->way->out_key);
	return 0;
}

static int settle_output(const struct settling *settling)
{
	settling->packet->direction = DIRECTION_OUTPUT;
	if (settling->way->in)
		return faults_add(settling->faults, settling->way->in_position,
				  "%s: a packet from this machine comes in nowhere",
				  settling->way->in_key);
	return settle_out(settling);
}

static int settle_direction(const struct settling *settling)
{
	struct packet *packet = settling->packet;
	bool multicast = packet->destination.has_address &&
			 address_is_multicast(packet->destination.address);

	if (packet->source.place == PLACE_HOST &&
	    packet->destination.place == PLACE_HOST)
		return faults_add(settling->faults, packet->destination.position,
				  "from host to host is loopback, which always passes");
	if (packet->source.has_address && address_is_multicast(packet->source.address))
		return faults_add(settling->faults, packet->source.position,
				  "no packet comes from such an address");
	if (packet->source.place == PLACE_HOST)
		return settle_output(settling);
	if (packet->destination.place == PLACE_HOST || multicast)
		return settle_input(settling);
	packet->direction = DIRECTION_FORWARD;
	return settle_in(settling) < 0 ? -EINVAL : settle_out(settling);
}

/* --- the rest --------------------------------------------------------------------- */

static int settle_family(const struct settling *settling)
{
	struct packet *packet = settling->packet;
	const struct packet_end *ends[] = { &packet->source, &packet->destination };

	packet->family = packet->protocol == IPPROTO_ICMPV6 ? FAMILY_IPV6
			 : packet->protocol == IPPROTO_ICMP ? FAMILY_IPV4
							    : (enum family)0;
	for (size_t i = 0; i < 2; i++) {
		enum family family = ends[i]->address.family;

		if (!ends[i]->has_address)
			continue;
		if (packet->family && packet->family != family)
			return faults_add(settling->faults, ends[i]->position,
					  "this is an IPv%d address in an IPv%d packet",
					  (int)family, (int)packet->family);
		packet->family = family;
	}
	if (!packet->family)
		packet->family = FAMILY_IPV4;
	return 0;
}

static int settle_ports(const struct settling *settling)
{
	const struct packet *packet = settling->packet;
	const struct packet_end *end = &packet->destination;

	if (packet_has_ports(packet->protocol)) {
		if (end->has_port)
			return 0;
		return faults_add(settling->faults, end->position,
				  "the port is missing: which one is it sent to?");
	}
	if (packet->source.has_port)
		end = &packet->source;
	if (end->has_port)
		return faults_add(settling->faults, end->position,
				  "only tcp, udp and sctp have ports");
	return 0;
}

static int settle_state(const struct settling *settling)
{
	const struct packet *packet = settling->packet;

	if (packet->state == STATE_RELATED &&
	    !packet_is_error(packet->protocol, packet->icmp_type))
		return faults_add(settling->faults, packet->position,
				  "related is an ICMP error about a connection: write "
				  "icmp or icmpv6, and destination-unreachable or "
				  "another type of error");
	if (packet->state == STATE_ESTABLISHED &&
	    packet_is_error(packet->protocol, packet->icmp_type))
		return faults_add(settling->faults, packet->position,
				  "an ICMP error is never established: its state is "
				  "related");
	return 0;
}

int packet_settle(const struct policy *policy, const struct packet_way *way,
		  struct packet *packet, struct faults *faults)
{
	const struct settling settling = { policy, way, packet, faults };

	if (settle_family(&settling) < 0 || settle_ports(&settling) < 0 ||
	    settle_state(&settling) < 0)
		return -EINVAL;
	return settle_direction(&settling);
}
