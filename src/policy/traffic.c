/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/traffic.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/protocol.h"
#include "policy/quote.h"
#include "policy/scalar.h"
#include "policy/services.h"
#include "policy/strangers.h"

/* Traffic under construction. */
struct gathering {
	struct reader *reader;
	unsigned int families;
	struct traffic_list list;
	bool whole[256];   /* all of the protocol, by number */
	bool everything;   /* `all` was there */
	bool other_family; /* a service had something, for other families alone */
	bool defining;     /* in `ports`, where no other service can be named */
};

static unsigned int families_of(uint8_t protocol)
{
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_IGMP)
		return FAMILIES_IPV4;
	return protocol == IPPROTO_ICMPV6 ? FAMILIES_IPV6 : FAMILIES_BOTH;
}

static struct traffic *find_or_add(struct gathering *gathering, uint8_t protocol)
{
	struct traffic_list *list = &gathering->list;
	struct traffic *place;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].protocol == protocol)
			return &list->items[i];
	place = reader_grow(gathering->reader, &list->items, list->count,
			    sizeof(*place));
	if (!place)
		return NULL;
	list->count++;
	place->protocol = protocol;
	return place;
}

static void add_range(struct gathering *gathering, uint8_t protocol,
		      struct port_range range)
{
	struct traffic *traffic = find_or_add(gathering, protocol);
	struct port_range *place;

	if (!traffic)
		return;
	place = reader_grow(gathering->reader, &traffic->ranges, traffic->range_count,
			    sizeof(*place));
	if (!place)
		return;
	*place = range;
	traffic->range_count++;
}

static void add_whole(struct gathering *gathering, uint8_t protocol)
{
	if (find_or_add(gathering, protocol))
		gathering->whole[protocol] = true;
}

static bool meets(struct gathering *gathering, uint8_t protocol)
{
	if (families_of(protocol) & gathering->families)
		return true;
	gathering->other_family = true;
	return false;
}

static void add_builtin(struct gathering *gathering,
			const struct builtin_service *service)
{
	for (size_t i = 0; i < SERVICE_PARTS_MAX && service->parts[i].protocol; i++) {
		uint8_t protocol = service->parts[i].protocol;

		if (!meets(gathering, protocol))
			continue;
		if (service->parts[i].range.last == 0)
			add_whole(gathering, protocol);
		else
			add_range(gathering, protocol, service->parts[i].range);
	}
}

static void add_list(struct gathering *gathering, const struct traffic_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		if (!meets(gathering, traffic->protocol))
			continue;
		if (traffic->range_count == 0)
			add_whole(gathering, traffic->protocol);
		for (size_t j = 0; j < traffic->range_count; j++)
			add_range(gathering, traffic->protocol, traffic->ranges[j]);
	}
}

static void read_service(struct gathering *gathering, const struct node *node)
{
	struct reader *reader = gathering->reader;
	const struct builtin_service *builtin;
	struct name *own;

	if (!reader_text(reader, node, "a service, \"all\" or { tcp: PORT }"))
		return;
	if (gathering->defining) {
		faults_add(reader->faults, node->position,
			   "a service is made of { tcp: PORT } and the like, not of "
			   "other services");
		return;
	}
	if (strcmp(node->text, "all") == 0) {
		gathering->everything = true;
		return;
	}
	builtin = builtin_service_find(node->text);
	own = names_find(&reader->services, node->text);
	if (own)
		own->used = true;
	if (builtin)
		add_builtin(gathering, builtin);
	else if (own)
		add_list(gathering, &reader->service_traffic[own->index]);
	else
		refuse_service(reader, node);
}

static bool read_icmp_type(struct reader *reader, const struct node *node,
			   enum icmp_version version, struct port_range *ret)
{
	const char *family = version == ICMP_V4 ? "ICMP" : "ICMPv6";
	uint32_t number;
	int type;

	if (!reader_text(reader, node, "an ICMP type"))
		return false;
	type = icmp_type_number(version, node->text);
	if (parse_decimal(node->text, &number) && number <= 255)
		type = (int)number;
	if (type < 0) {
		faults_add(reader->faults, node->position,
			   "%s is not an %s type: write a name such as echo-request or "
			   "a number from 0 to 255%s",
			   quote(node->text).text, family,
			   did_you_mean(node->text, icmp_type_names(version)).text);
		return false;
	}
	*ret = (struct port_range){ (uint16_t)type, (uint16_t)type };
	return true;
}

/* A port, or a service's name where somebody looked for one. */
static bool read_port(struct reader *reader, const struct node *node,
		      struct port_range *ret)
{
	if (node->kind == NODE_SCALAR && builtin_service_find(node->text)) {
		faults_add(reader->faults, node->position,
			   "%s is a service of its own: name it without a protocol, or "
			   "write the port's number",
			   quote(node->text).text);
		return false;
	}
	return scalar_ports(reader, node, ret);
}

static bool read_range(struct reader *reader, const struct node *node, uint8_t protocol,
		       struct port_range *ret)
{
	if (protocol == IPPROTO_ICMP)
		return read_icmp_type(reader, node, ICMP_V4, ret);
	if (protocol == IPPROTO_ICMPV6)
		return read_icmp_type(reader, node, ICMP_V6, ret);
	return read_port(reader, node, ret);
}

static bool is_all(const struct node *node)
{
	return node->kind == NODE_SCALAR && strcmp(node->text, "all") == 0;
}

/* The value of tcp, udp, sctp, icmp or icmpv6. */
static void read_ranges(struct gathering *gathering, const struct node *node,
			uint8_t protocol)
{
	struct reader *reader = gathering->reader;
	struct node *const *items;
	size_t count = reader_items(&node, &items);
	struct port_range range;

	if (count == 0)
		faults_add(reader->faults, node->position,
			   "this list is empty: write \"all\" to mean all");
	for (size_t i = 0; i < count && !reader_stopped(reader); i++) {
		if (is_all(items[i]) && count > 1)
			faults_add(reader->faults, items[i]->position,
				   "\"all\" leaves nothing for the rest of this list");
		else if (is_all(items[i]))
			add_whole(gathering, protocol);
		else if (read_range(reader, items[i], protocol, &range))
			add_range(gathering, protocol, range);
	}
}

/* Whether the rule's ends can meet what is written for one family. */
static bool check_family(struct gathering *gathering, const struct node *key,
			 uint8_t protocol)
{
	if (families_of(protocol) & gathering->families)
		return true;
	faults_add(gathering->reader->faults, key->position,
		   "%s is %s alone, and the ends of this rule are %s alone", key->text,
		   protocol == IPPROTO_ICMPV6 ? "IPv6" : "IPv4",
		   protocol == IPPROTO_ICMPV6 ? "IPv4" : "IPv6");
	return false;
}

static void read_protocol(struct gathering *gathering, const struct node *node)
{
	struct reader *reader = gathering->reader;
	uint32_t number;
	int protocol;

	if (!reader_text(reader, node, "a protocol"))
		return;
	protocol = protocol_number(node->text);
	if (parse_decimal(node->text, &number) && number >= 1 && number <= 255)
		protocol = (int)number;
	if (protocol >= 0 && check_family(gathering, node, (uint8_t)protocol))
		add_whole(gathering, (uint8_t)protocol);
	else if (protocol < 0)
		faults_add(reader->faults, node->position,
			   "%s is not a protocol: write a name such as esp or a number "
			   "from 1 to 255%s",
			   quote(node->text).text,
			   did_you_mean(node->text, protocol_names()).text);
}

static void read_protocols(struct gathering *gathering, const struct node *node)
{
	struct node *const *items;
	size_t count = reader_items(&node, &items);

	for (size_t i = 0; i < count && !reader_stopped(gathering->reader); i++)
		read_protocol(gathering, items[i]);
	if (count == 0)
		faults_add(gathering->reader->faults, node->position,
			   "this list is empty");
}

static void read_pairs(struct gathering *gathering, const struct node *map)
{
	static const char *const keys[] = { "tcp",    "udp",      "sctp", "icmp",
					    "icmpv6", "protocol", NULL };

	if (refuse_port_key(gathering->reader, map))
		return;
	reader_keys(gathering->reader, map, "traffic", keys);
	if (map->count == 0)
		faults_add(gathering->reader->faults, map->position,
			   "this map is empty: write { tcp: PORT } or the like");
	for (size_t i = 0; i < map->count; i++) {
		const struct node *key = map->items[2 * i];
		const struct node *value = map->items[2 * i + 1];
		size_t known = 0;

		while (keys[known] && strcmp(keys[known], key->text) != 0)
			known++;
		if (!keys[known])
			continue;
		if (strcmp(key->text, "protocol") == 0) {
			read_protocols(gathering, value);
			continue;
		}
		if (check_family(gathering, key, (uint8_t)protocol_number(key->text)))
			read_ranges(gathering, value,
				    (uint8_t)protocol_number(key->text));
	}
}

static int compare_items(const void *left, const void *right)
{
	const struct traffic *a = left;
	const struct traffic *b = right;

	return (int)a->protocol - (int)b->protocol;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct port_range *a = left;
	const struct port_range *b = right;

	return (int)a->first - (int)b->first;
}

static void merge_ranges(struct traffic *traffic)
{
	struct port_range *ranges = traffic->ranges;
	size_t kept = 0;

	if (traffic->range_count == 0)
		return;
	qsort(ranges, traffic->range_count, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < traffic->range_count; i++) {
		struct port_range *last = &ranges[kept];

		if (ranges[i].first > last->last + 1)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > last->last)
			last->last = ranges[i].last;
	}
	traffic->range_count = kept + 1;
}

/* Sorts, and turns what is whole into no ranges. Protocols that only had broken ranges
 * have none either; then there is a fault and the policy does not stand. */
static void finish(struct gathering *gathering, struct traffic_list *ret)
{
	struct traffic_list *list = &gathering->list;

	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), compare_items);
	for (size_t i = 0; i < list->count; i++) {
		if (gathering->whole[list->items[i].protocol])
			list->items[i].range_count = 0;
		else
			merge_ranges(&list->items[i]);
	}
	*ret = *list;
}

static void read_all(struct gathering *gathering, const struct node *node)
{
	struct reader *reader = gathering->reader;
	struct node *const *items;
	size_t count = reader_items(&node, &items);
	size_t before = reader->faults->errors;

	for (size_t i = 0; i < count && !reader_stopped(reader); i++) {
		if (items[i]->kind == NODE_MAP)
			read_pairs(gathering, items[i]);
		else
			read_service(gathering, items[i]);
	}
	if (count == 0)
		faults_add(reader->faults, node->position,
			   "this list is empty: write \"all\" to mean all");
	else if (gathering->everything && count > 1)
		faults_add(reader->faults, node->position,
			   "\"all\" leaves nothing for the rest of this list");
	else if (gathering->list.count == 0 && gathering->other_family &&
		 reader->faults->errors == before)
		faults_add(reader->faults, node->position,
			   "this service has nothing for the address family of the "
			   "rule's ends");
}

void read_traffic(struct reader *reader, const struct node *node, unsigned int families,
		  struct traffic_list *ret)
{
	struct gathering gathering = { .reader = reader, .families = families };

	read_all(&gathering, node);
	finish(&gathering, ret);
}

void read_service_traffic(struct reader *reader, const struct node *node,
			  struct traffic_list *ret)
{
	struct gathering gathering = { .reader = reader,
				       .families = FAMILIES_BOTH,
				       .defining = true };

	read_all(&gathering, node);
	finish(&gathering, ret);
}
