/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nat: - masquerade: { ... } or - forward: { ... } */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/endpoint.h"
#include "policy/ids.h"
#include "policy/quote.h"
#include "policy/reader.h"
#include "policy/scalar.h"
#include "policy/target.h"

struct numbers {
	unsigned int masquerades;
	unsigned int forwards;
};

static void read_nat_id(struct reader *reader, const struct node *map, const char *kind,
			unsigned int number, struct nat *nat)
{
	const struct node *node = node_find(map, "id");
	char made_up[32];

	if (node) {
		nat->position = node->position;
		nat->id = read_id(reader, node);
		return;
	}
	snprintf(made_up, sizeof(made_up), "%s.%u", kind, number);
	nat->id = reader_copy(reader, made_up);
	if (nat->id)
		note_id(reader, nat->id, nat->position);
}

static void need_zones(struct reader *reader, const struct node *map, const char *key,
		       uint32_t **ret, size_t *ret_count)
{
	const struct node *node = node_find(map, key);

	if (!node)
		faults_add(reader->faults, map->position,
			   "\"%s\" is missing: name a zone", key);
	else if (node->kind == NODE_MAP)
		faults_add(reader->faults, node->position,
			   "\"%s\" names a zone or a list of zones here", key);
	else if (node->kind == NODE_SCALAR &&
		 (strcmp(node->text, "any") == 0 || strcmp(node->text, "host") == 0))
		faults_add(reader->faults, node->position,
			   "%s cannot stand in nat: name the zones",
			   quote(node->text).text);
	else
		read_zone_list(reader, node, ret, ret_count);
}

static void read_masquerade(struct reader *reader, const struct node *map,
			    unsigned int number, struct nat *nat)
{
	static const char *const keys[] = { "id", "from", "to", "family", NULL };
	static const char *const families[] = { "ipv4", "ipv6", "any", NULL };
	const struct node *family = node_find(map, "family");
	int choice = 0;

	reader_keys(reader, map, "masquerade", keys);
	read_nat_id(reader, map, "masquerade", number, nat);
	need_zones(reader, map, "from", &nat->from_zones, &nat->from_zone_count);
	need_zones(reader, map, "to", &nat->to_zones, &nat->to_zone_count);
	if (family)
		choice = reader_choice(reader, family, "family", families);
	nat->ipv4 = choice != 1;
	nat->ipv6 = choice >= 1;
}

/* Exactly one of tcp, udp and sctp. */
static void read_port(struct reader *reader, const struct node *map, struct nat *nat)
{
	static const struct {
		const char *key;
		uint8_t protocol;
	} protocols[] = {
		{ "tcp", IPPROTO_TCP },
		{ "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP },
	};
	unsigned int found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		const struct node *node = node_find(map, protocols[i].key);

		if (!node)
			continue;
		found++;
		nat->protocol = protocols[i].protocol;
		if (node->kind == NODE_LIST)
			faults_add(reader->faults, node->position,
				   "a forward takes one port or range: write one for "
				   "each of these");
		else
			scalar_ports(reader, node, &nat->port);
	}
	if (found != 1)
		faults_add(reader->faults, map->position,
			   "forward takes one of tcp: PORT, udp: PORT and sctp: PORT");
}

/* Whether there is a key "port", which does not say of which protocol. */
static bool refuse_port_key(struct reader *reader, const struct node *map)
{
	const struct node *port = node_find(map, "port");

	if (!port)
		return false;
	faults_add(reader->faults, port->position,
		   "forward has no key \"port\": write %s for the port here, and to: "
		   "ADDRESS:PORT for the one there",
		   filled_in("tcp: ", port->text, "PORT", "").text);
	return true;
}

static void read_forward(struct reader *reader, const struct node *map,
			 unsigned int number, struct nat *nat)
{
	static const char *const keys[] = { "id",   "from", "tcp", "udp",
					    "sctp", "to",   NULL };
	const struct node *to = node_find(map, "to");

	if (refuse_port_key(reader, map))
		return;
	reader_keys(reader, map, "forward", keys);
	read_nat_id(reader, map, "forward", number, nat);
	need_zones(reader, map, "from", &nat->from_zones, &nat->from_zone_count);
	read_port(reader, map, nat);
	if (to)
		read_target(reader, to, nat);
	else
		faults_add(reader->faults, map->position,
			   "forward needs \"to\": an address, or ADDRESS:PORT");
}

static void read_entry(struct reader *reader, const struct node *map,
		       struct numbers *numbers, struct nat *nat)
{
	static const char *const keys[] = { "masquerade", "forward", NULL };
	const struct node *masquerade, *forward;

	nat->position = map->position;
	if (!reader_map(reader, map, "an entry of nat"))
		return;
	if (!reader_keys(reader, map, "nat", keys))
		return;
	masquerade = node_find(map, "masquerade");
	forward = node_find(map, "forward");
	if (!masquerade == !forward) {
		faults_add(reader->faults, map->position,
			   "an entry of nat is either masquerade: { ... } or forward: "
			   "{ ... }");
		return;
	}
	nat->kind = masquerade ? NAT_MASQUERADE : NAT_FORWARD;
	if (masquerade && reader_map_like(reader, masquerade, "masquerade",
					  filled_in("{ from: ZONE, to: ",
						    masquerade->text, "ZONE", " }")))
		read_masquerade(reader, masquerade, ++numbers->masquerades, nat);
	if (forward &&
	    reader_map_like(
		    reader, forward, "forward",
		    (struct quoted){ "{ from: ZONE, tcp: PORT, to: ADDRESS }" }))
		read_forward(reader, forward, ++numbers->forwards, nat);
}

void read_nat(struct reader *reader, const struct node *node)
{
	struct policy *policy = reader->policy;
	struct numbers numbers = { 0 };

	if (!reader_list(reader, node, "nat"))
		return;
	policy->nats = reader_alloc(reader, node->count * sizeof(*policy->nats));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		read_entry(reader, node->items[i], &numbers,
			   &policy->nats[policy->nat_count++]);
}
