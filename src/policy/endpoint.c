/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/endpoint.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/addresses.h"
#include "policy/quote.h"
#include "policy/traffic.h"

static bool is_word(const struct node *node, const char *word)
{
	return node->kind == NODE_SCALAR && strcmp(node->text, word) == 0;
}

static struct quoted nearest_zone(const struct reader *reader, const char *text)
{
	static const char *const builtin[] = { "host", "any", NULL };
	struct quoted hint = did_you_mean(text, reader->zones.candidates);

	return hint.text[0] ? hint : did_you_mean(text, builtin);
}

/* What other firewalls call this machine. */
static bool means_host(const char *text)
{
	static const char *const words[] = { "self", "localhost", "me",      "local",
					     "this", "fw",        "firewall" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

/* "; the zones are lan, wan", when that is not long. */
static struct quoted known_zones(const struct reader *reader)
{
	struct quoted known = { "" };
	size_t used = 0;

	if (reader->zones.count == 0)
		return (struct quoted){ "; the policy has no zones" };
	for (size_t i = 0; i < reader->zones.count; i++) {
		int size = snprintf(known.text + used, sizeof(known.text) - used,
				    "%s%s", i ? ", " : "; the zones are ",
				    reader->zones.items[i].text);

		used += (size_t)size;
		if (used >= sizeof(known.text))
			return (struct quoted){ "" };
	}
	return known;
}

static void refuse_strange_zone(struct reader *reader, const struct node *node)
{
	struct quoted hint = nearest_zone(reader, node->text);

	if (means_host(node->text))
		faults_add(reader->faults, node->position,
			   "no zone is named %s; this machine is \"host\"",
			   quote(node->text).text);
	else
		faults_add(reader->faults, node->position, "no zone is named %s%s",
			   quote(node->text).text,
			   hint.text[0] ? hint.text : known_zones(reader).text);
}

static void refuse_zone(struct reader *reader, const struct node *node, bool alone)
{
	const char *text = node->text;
	struct address_range range;

	if (alone && (is_word(node, "host") || is_word(node, "any")))
		faults_add(reader->faults, node->position,
			   "%s is not a zone: name a zone or list several",
			   quote(text).text);
	else if (is_word(node, "host") || is_word(node, "any"))
		faults_add(reader->faults, node->position,
			   "%s cannot stand in a list of zones: write a rule of its "
			   "own for it",
			   quote(text).text);
	else if (names_find(&reader->lists, text))
		faults_add(
			reader->faults, node->position,
			"no zone is named %s, but a group or feed is: write { group: "
			"%.63s }",
			quote(text).text, text);
	else if (range_parse(text, &range) != RANGE_NOT_ADDRESS)
		faults_add(reader->faults, node->position,
			   "%s is not a zone: write { address: \"%.64s\" }",
			   quote(text).text, text);
	else if (!reader_negation(reader, node))
		refuse_strange_zone(reader, node);
}

static void note_zone(struct reader *reader, const struct node *node, bool alone,
		      bool *seen)
{
	const struct name *name;

	if (!reader_text(reader, node, "the name of a zone"))
		return;
	name = names_find(&reader->zones, node->text);
	if (!name)
		refuse_zone(reader, node, alone);
	else if (seen[name->index])
		faults_add(reader->faults, node->position,
			   "zone %s stands twice in this list", quote(node->text).text);
	else
		seen[name->index] = true;
}

void read_zone_list(struct reader *reader, const struct node *node, uint32_t **ret,
		    size_t *ret_count)
{
	bool seen[POLICY_ZONES_MAX] = { false };
	struct node *const *items;
	size_t count = reader_items(&node, &items);
	size_t zones = 0;

	if (count == 0)
		faults_add(reader->faults, node->position,
			   "this list of zones is empty");
	for (size_t i = 0; i < count && !reader_stopped(reader); i++)
		note_zone(reader, items[i], count == 1, seen);
	for (size_t i = 0; i < POLICY_ZONES_MAX; i++)
		zones += seen[i];
	*ret = zones ? reader_alloc(reader, zones * sizeof(**ret)) : NULL;
	for (size_t i = 0; *ret && i < POLICY_ZONES_MAX; i++)
		if (seen[i])
			(*ret)[(*ret_count)++] = (uint32_t)i;
}

static void read_zone(struct reader *reader, const struct node *node,
		      struct endpoint *ret)
{
	if (is_word(node, "host"))
		ret->host = true;
	else if (is_word(node, "any"))
		ret->any_zone = true;
	else
		read_zone_list(reader, node, &ret->zones, &ret->zone_count);
}

/* Keeps of @set what is in @other as well. */
static void intersect(struct reader *reader, struct address_set *set,
		      const struct address_set *other)
{
	auto_address_set struct address_set outside = ADDRESS_SET_NULL;

	if (address_set_add_all(&outside, set) < 0 ||
	    address_set_subtract(&outside, other) < 0 ||
	    address_set_subtract(set, &outside) < 0)
		reader->no_memory = true;
}

/* All keys of a map must hold, so an address must be in the groups and in the list. A
 * feed's addresses are not known here, so that cannot be worked out for one. */
static void combine(struct reader *reader, const struct node *group,
		    const struct selection *listed, struct endpoint *ret)
{
	bool both = !address_set_empty(&ret->addresses) &&
		    !address_set_empty(&listed->addresses);

	if (ret->feed_count > 0) {
		faults_add(reader->faults, group->position,
			   "a feed cannot be narrowed by \"address\": write one of the "
			   "two");
		return;
	}
	intersect(reader, &ret->addresses, &listed->addresses);
	if (both && address_set_empty(&ret->addresses))
		faults_add(reader->faults, group->position,
			   "\"group\" and \"address\" have no address in common, and "
			   "both must hold");
}

static void read_restriction(struct reader *reader, const struct node *map,
			     struct endpoint *ret)
{
	const struct node *group = node_find(map, "group");
	const struct node *address = node_find(map, "address");
	struct selection chosen = { .addresses = ADDRESS_SET_NULL };
	struct selection listed = { .addresses = ADDRESS_SET_NULL };

	ret->restricted = group || address;
	if (group)
		read_addresses(reader, group, ADMIT_GROUPS | ADMIT_FEEDS, "group",
			       &chosen);
	if (address)
		read_addresses(reader, address, ADMIT_ADDRESSES, "address", &listed);
	ret->addresses = group ? chosen.addresses : listed.addresses;
	ret->feeds = chosen.feeds;
	ret->feed_count = chosen.feed_count;
	if (group && address) {
		combine(reader, group, &listed, ret);
		address_set_done(&listed.addresses);
	}
}

static void read_map(struct reader *reader, const struct node *map, const char *what,
		     struct endpoint *ret)
{
	static const char *const keys[] = { "zone", "group", "address", NULL };
	const struct node *zone = node_find(map, "zone");

	reader_keys(reader, map, what, keys);
	if (map->count == 0)
		faults_add(reader->faults, map->position,
			   "this map is empty: write \"any\" to mean any address");
	if (zone)
		read_zone(reader, zone, ret);
	else
		ret->any_zone = true;
	read_restriction(reader, map, ret);
}

void read_endpoint(struct reader *reader, const struct node *node, const char *what,
		   struct endpoint *ret)
{
	size_t errors = reader->faults->errors;

	ret->position = node->position;
	if (node->kind == NODE_MAP)
		read_map(reader, node, what, ret);
	else
		read_zone(reader, node, ret);
	if (endpoint_families(ret) == FAMILIES_NONE && reader->faults->errors == errors)
		faults_add(reader->faults, ret->position,
			   "%s holds no address, so the rule can never match", what);
}

unsigned int endpoint_families(const struct endpoint *endpoint)
{
	if (!endpoint->restricted || endpoint->feed_count > 0)
		return FAMILIES_BOTH;
	return (endpoint->addresses.count4 > 0 ? FAMILIES_IPV4 : 0) |
	       (endpoint->addresses.count6 > 0 ? FAMILIES_IPV6 : 0);
}
