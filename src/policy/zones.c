/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zones: NAME: [INTERFACE, ...] */
#include <string.h>

#include "policy/quote.h"
#include "policy/reader.h"

struct interfaces {
	struct reader *reader;
	struct names names; /* index: of the zone */
};

static bool wildcard(const char *name)
{
	size_t size = strlen(name);

	return size > 0 && name[size - 1] == '*';
}

/* Only characters that need no quoting wherever the name is written. */
static bool check_interface(struct reader *reader, const struct node *node)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@:+-";
	const char *name = node->text;
	size_t size = strspn(name, alphabet);
	bool last_star = name[size] == '*' && !name[size + 1];

	if (strcmp(name, "*") == 0)
		faults_add(
			reader->faults, node->position,
			"\"*\" cannot stand alone: write \"any\" in the rule instead "
			"of a zone");
	else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		faults_add(reader->faults, node->position,
			   "%s cannot be the name of an interface", quote(name).text);
	else if (name[size] == '*' && !last_star)
		faults_add(reader->faults, node->position,
			   "interface %s: a \"*\" may only stand at the end",
			   quote(name).text);
	else if (name[size] && !last_star)
		faults_add(reader->faults, node->position,
			   "interface %s: a name is made of letters, digits and "
			   "\"._@:+-\", and may end in \"*\"",
			   quote(name).text);
	else if (strlen(name) > INTERFACE_MAX_CHARS)
		faults_add(reader->faults, node->position,
			   "interface %s has more than %d characters", quote(name).text,
			   INTERFACE_MAX_CHARS);
	else
		return true;
	return false;
}

static void add_interface(struct interfaces *interfaces, const struct node *node,
			  struct zone *zone)
{
	struct reader *reader = interfaces->reader;
	uint32_t index = (uint32_t)(zone - reader->policy->zones);
	const char **place;

	if (!reader_text(reader, node, "the name of an interface") ||
	    !check_interface(reader, node))
		return;
	place = reader_grow(reader, &zone->interfaces, zone->interface_count,
			    sizeof(*place));
	if (!place)
		return;
	*place = reader_copy(reader, node->text);
	if (!*place)
		return;
	zone->interface_count++;
	reader_name(reader, &interfaces->names,
		    &(struct name){ .text = *place,
				    .position = node->position,
				    .index = index });
}

static void read_zone(struct interfaces *interfaces, const struct node *key,
		      const struct node *value)
{
	struct reader *reader = interfaces->reader;
	struct policy *policy = reader->policy;
	struct zone *zone = &policy->zones[policy->zone_count];
	struct node *const *items;
	size_t count = reader_items(&value, &items);

	if (strcmp(key->text, "host") == 0 || strcmp(key->text, "any") == 0) {
		faults_add(reader->faults, key->position,
			   "%s is built in: a zone needs another name",
			   quote(key->text).text);
		return;
	}
	if (!reader_new_name(reader, key, "zone"))
		return;
	zone->name = reader_copy(reader, key->text);
	zone->position = key->position;
	if (!zone->name)
		return;
	policy->zone_count++;
	reader_name(reader, &reader->zones,
		    &(struct name){ .text = zone->name,
				    .position = key->position,
				    .index = (uint32_t)(zone - policy->zones) });
	for (size_t i = 0; i < count && !reader_stopped(reader); i++)
		add_interface(interfaces, items[i], zone);
	if (count == 0)
		faults_add(reader->faults, value->position,
			   "zone %s needs at least one interface",
			   quote(key->text).text);
}

static const char *zone_of(const struct interfaces *interfaces, const struct name *name)
{
	return interfaces->reader->policy->zones[name->index].name;
}

static void check_twice(struct interfaces *interfaces)
{
	const struct name *items = interfaces->names.items;

	for (size_t i = 1; i < interfaces->names.count; i++)
		if (strcmp(items[i].text, items[i - 1].text) == 0)
			faults_add(interfaces->reader->faults, items[i].position,
				   "interface %s is already in zone %s, line %u",
				   quote(items[i].text).text,
				   quote(zone_of(interfaces, &items[i - 1])).text,
				   items[i - 1].position.line);
}

/* A wildcard inside another one of a different zone: which of the two would win cannot
 * be seen, so neither does. */
static void check_cover(struct interfaces *interfaces, const struct name *narrow)
{
	char wide[INTERFACE_MAX_CHARS + 2];

	for (size_t size = strlen(narrow->text) - 1; size-- > 1;) {
		const struct name *name;

		memcpy(wide, narrow->text, size);
		strcpy(wide + size, "*");
		name = names_find(&interfaces->names, wide);
		if (!name || name->index == narrow->index)
			continue;
		faults_add(interfaces->reader->faults, narrow->position,
			   "%s is covered by %s of zone %s, line %u: one of them must "
			   "be narrower",
			   quote(narrow->text).text, quote(wide).text,
			   quote(zone_of(interfaces, name)).text, name->position.line);
		return;
	}
}

void read_zones(struct reader *reader, const struct node *node)
{
	struct interfaces interfaces = { .reader = reader };
	struct policy *policy = reader->policy;

	if (!reader_section(reader, node, "zones"))
		return;
	if (node->count > POLICY_ZONES_MAX) {
		faults_add(reader->faults, node->position,
			   "%zu zones are too many: at most %d", node->count,
			   POLICY_ZONES_MAX);
		return;
	}
	policy->zones = reader_alloc(reader, node->count * sizeof(*policy->zones));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		read_zone(&interfaces, node->items[2 * i], node->items[2 * i + 1]);
	if (names_sort(&reader->zones, &reader->scratch) < 0 ||
	    names_sort(&interfaces.names, &reader->scratch) < 0)
		reader->no_memory = true;
	check_twice(&interfaces);
	for (size_t i = 0; i < interfaces.names.count; i++)
		if (wildcard(interfaces.names.items[i].text))
			check_cover(&interfaces, &interfaces.names.items[i]);
}
