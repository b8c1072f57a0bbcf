/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/addresses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/groups.h"
#include "policy/quote.h"

/* Whether somebody who wrote this meant an address: a name can hold neither ":" nor "/"
 * and is not made of digits and dots alone. */
static bool looks_like_address(const char *text)
{
	return strpbrk(text, ":/") || strspn(text, "0123456789.-") == strlen(text);
}

/* Swaps the ends of "a-b" for the sentence. */
static struct quoted turned_round(const char *text)
{
	const char *dash = strchr(text, '-');
	char turned[RANGE_TEXT_MAX + 1];
	size_t tail = strlen(dash + 1);

	memcpy(turned, dash + 1, tail);
	turned[tail] = '-';
	*stpncpy(turned + tail + 1, text, (size_t)(dash - text)) = '\0';
	return quote(turned);
}

static void refuse_range(struct reader *reader, const struct node *node,
			 enum range_error error, struct address_range network)
{
	const char *text = node->text;
	char shown[RANGE_TEXT_MAX];

	switch (error) {
	case RANGE_HOST_BITS:
		faults_add(reader->faults, node->position,
			   "%s has host bits set: the network is %s", text,
			   range_format(network, shown));
		break;
	case RANGE_REVERSED:
		faults_add(reader->faults, node->position, "%s is reversed: write %s",
			   text, turned_round(text).text);
		break;
	case RANGE_MIXED:
		faults_add(reader->faults, node->position,
			   "%s mixes IPv4 and IPv6: a range has both ends in one",
			   text);
		break;
	case RANGE_BAD_LENGTH:
		faults_add(reader->faults, node->position,
			   "%s: a prefix length is a number from 0 to %d", text,
			   strchr(text, ':') ? 128 : 32);
		break;
	case RANGE_NOT_ADDRESS:
		faults_add(reader->faults, node->position,
			   "%s is not an address, a prefix (10.0.0.0/8) or a range "
			   "(10.0.0.1-10.0.0.9)",
			   quote(text).text);
		break;
	}
}

static void add_feed(struct reader *reader, uint32_t index, struct selection *ret)
{
	uint32_t *place =
		reader_grow(reader, &ret->feeds, ret->feed_count, sizeof(*ret->feeds));

	if (!place)
		return;
	*place = index;
	ret->feed_count++;
}

static void refuse_name(struct reader *reader, const struct node *node)
{
	struct quoted hint = did_you_mean(node->text, reader->lists.candidates);
	bool host_name = !hint.text[0] && strchr(node->text, '.');

	faults_add(reader->faults, node->position, "no group or feed is named %s%s%s",
		   quote(node->text).text, hint.text,
		   host_name ? ", and names of hosts are not looked up" : "");
}

static void add_named(struct reader *reader, const struct node *node,
		      unsigned int admit, const char *what, struct selection *ret)
{
	struct name *name = names_find(&reader->lists, node->text);

	if (!name) {
		refuse_name(reader, node);
		return;
	}
	name->used = true;
	if (name->kind == NAME_GROUP && admit & ADMIT_GROUPS) {
		const struct address_set *set = group_addresses(reader, name->index);

		if (set)
			reader_add_set(reader, &ret->addresses, set);
	} else if (name->kind == NAME_FEED && admit & ADMIT_FEEDS) {
		add_feed(reader, name->index, ret);
	} else {
		faults_add(reader->faults, node->position,
			   "%s cannot hold a feed, and %s is one", what,
			   quote(node->text).text);
	}
}

static void refuse_kind(struct reader *reader, const struct node *node,
			unsigned int admit, const char *what)
{
	if (admit & ADMIT_ADDRESSES)
		faults_add(reader->faults, node->position,
			   "%s takes addresses: write { group: %.48s } for a group",
			   what, node->text);
	else
		faults_add(reader->faults, node->position,
			   "%s takes names of groups and feeds: write { address: "
			   "\"%.48s\" }",
			   what, node->text);
}

/* Without quotes YAML takes "fe80::" for a map with the key "fe80:". */
static bool is_unquoted(const struct node *node)
{
	char text[ADDRESS_TEXT_MAX];
	struct address address;

	if (node->kind != NODE_MAP || node->count == 0 || !node_is_null(node->items[1]))
		return false;
	if (snprintf(text, sizeof(text), "%s:", node->items[0]->text) >=
	    (int)sizeof(text))
		return false;
	return address_parse(text, &address) == 0;
}

static void read_item(struct reader *reader, const struct node *node,
		      unsigned int admit, const char *what, struct selection *ret)
{
	struct address_range range = { .family = FAMILY_IPV4 };
	bool address;
	int error;

	if (is_unquoted(node)) {
		faults_add(
			reader->faults, node->position,
			"an address that ends with \":\" needs quotes: write \"%s:\"",
			node->items[0]->text);
		return;
	}
	if (reader_negation(reader, node) ||
	    !reader_text(reader, node, "an address or the name of a group"))
		return;
	error = range_parse(node->text, &range);
	address = error != RANGE_NOT_ADDRESS || looks_like_address(node->text);
	if (address ? !(admit & ADMIT_ADDRESSES) : admit == ADMIT_ADDRESSES)
		refuse_kind(reader, node, admit, what);
	else if (!address)
		add_named(reader, node, admit, what, ret);
	else if (error)
		refuse_range(reader, node, (enum range_error)error, range);
	else
		reader_add_range(reader, &ret->addresses, range);
}

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void finish_feeds(struct selection *ret)
{
	size_t kept = 0;

	if (ret->feed_count == 0)
		return;
	qsort(ret->feeds, ret->feed_count, sizeof(*ret->feeds), compare);
	for (size_t i = 1; i < ret->feed_count; i++)
		if (ret->feeds[i] != ret->feeds[kept])
			ret->feeds[++kept] = ret->feeds[i];
	ret->feed_count = kept + 1;
}

void read_addresses(struct reader *reader, const struct node *node, unsigned int admit,
		    const char *what, struct selection *ret)
{
	struct node *const *items;
	size_t count = reader_items(&node, &items);

	for (size_t i = 0; i < count && !reader_stopped(reader); i++)
		read_item(reader, items[i], admit, what, ret);
	address_set_finish(&ret->addresses);
	finish_feeds(ret);
}
