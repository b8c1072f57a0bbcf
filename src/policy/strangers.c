/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/strangers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/protocol.h"
#include "policy/quote.h"
#include "policy/services.h"

enum { OFFERED_MAX = 3 };

static const char digits[] = "0123456789-";

static bool is_port(const char *text)
{
	return *text && strspn(text, digits) == strlen(text);
}

static bool has_ports(const char *protocol)
{
	return strcasecmp(protocol, "tcp") == 0 || strcasecmp(protocol, "udp") == 0 ||
	       strcasecmp(protocol, "sctp") == 0;
}

/* "tcp/80" and "80/tcp" as other tools write them, with any of "/", ":" and " ". */
static bool split_pair(const char *text, struct quoted *ret)
{
	char first[24], second[24];
	const char *protocol, *port;
	size_t size = strcspn(text, "/: ");
	const char *rest = text + size + strspn(text + size, "/: ");

	if (size >= sizeof(first) || strlen(rest) >= sizeof(second))
		return false;
	*stpncpy(first, text, size) = '\0';
	strcpy(second, rest);
	protocol = has_ports(first) ? first : second;
	port = has_ports(first) ? second : first;
	if (!has_ports(protocol) || !is_port(port))
		return false;
	snprintf(ret->text, sizeof(ret->text), "{ %s: %s }", protocol, port);
	for (char *c = ret->text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

/* "; did you mean "A" or "B"?" for services whose names go on where @word ends. */
static struct quoted longer_services(const char *word)
{
	struct quoted hint = { "" };
	size_t size = strlen(word), used = 0, offered = 0;
	const struct builtin_service *service;

	for (size_t i = 0;
	     used < sizeof(hint.text) && (service = builtin_service_at(i)); i++) {
		if (strncmp(service->name, word, size) != 0 ||
		    service->name[size] != '-' || offered++ == OFFERED_MAX)
			continue;
		used += (size_t)snprintf(hint.text + used, sizeof(hint.text) - used,
					 "%s\"%s\"", used ? " or " : "; did you mean ",
					 service->name);
	}
	if (used > 0 && used + 1 < sizeof(hint.text))
		strcpy(hint.text + used, "?");
	return hint;
}

static struct quoted nearest_service(const struct reader *reader, const char *word)
{
	const char *names[256];
	size_t count = 0;
	struct quoted hint = did_you_mean(word, reader->services.candidates);

	if (hint.text[0])
		return hint;
	for (; count + 2 < ARRAY_SIZE(names) && builtin_service_at(count); count++)
		names[count] = builtin_service_at(count)->name;
	names[count++] = "all";
	names[count] = NULL;
	return did_you_mean(word, names);
}

static struct quoted service_hint(const struct reader *reader, const char *text)
{
	char lower[NAME_MAX_CHARS + 1];
	struct quoted hint;
	size_t size = 0;

	for (; text[size] && size < NAME_MAX_CHARS; size++)
		lower[size] = (char)tolower((unsigned char)text[size]);
	lower[size] = '\0';
	hint = longer_services(lower);
	return hint.text[0] ? hint : nearest_service(reader, lower);
}

void refuse_service(struct reader *reader, const struct node *node)
{
	const char *text = node->text;
	struct quoted pair;

	if (reader_negation(reader, node))
		return;
	if (is_port(text))
		faults_add(reader->faults, node->position,
			   "port %.20s of which protocol? Write { tcp: %.20s } or { "
			   "udp: %.20s }",
			   text, text, text);
	else if (protocol_number(text) >= 0)
		faults_add(reader->faults, node->position,
			   "%s is a protocol: write { protocol: %s }", quote(text).text,
			   text);
	else if (split_pair(text, &pair))
		faults_add(reader->faults, node->position,
			   "no service is named %s: write %s", quote(text).text,
			   pair.text);
	else if (strpbrk(text, ", "))
		faults_add(reader->faults, node->position,
			   "no service is named %s: several are a list, write %s",
			   quote(text).text, as_list(text).text);
	else
		faults_add(reader->faults, node->position, "no service is named %s%s",
			   quote(text).text, service_hint(reader, text).text);
}

static const struct node *find_either(const struct node *map, const char *first,
				      const char *second)
{
	const struct node *node = node_find(map, first);

	return node ? node : node_find(map, second);
}

bool refuse_port_key(struct reader *reader, const struct node *map)
{
	const struct node *port = find_either(map, "port", "ports");
	const struct node *protocol = find_either(map, "proto", "protocol");
	const char *name = "tcp";
	char before[16];

	if (!port)
		return false;
	if (protocol && protocol->kind == NODE_SCALAR && has_ports(protocol->text))
		name = protocol->text;
	snprintf(before, sizeof(before), "{ %s: ", name);
	faults_add(reader->faults, port->position,
		   "a port stands under its protocol: write %s",
		   filled_in(before, port->text, "PORT", " }").text);
	return true;
}
