/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/target.h"

#include <string.h>

#include "policy/quote.h"
#include "policy/scalar.h"

enum { TARGET_BYTES_MAX = ADDRESS_TEXT_MAX + 16 };

/* Splits @text, which is overwritten. Return: the port's text, NULL when it has none.
 */
static char *split_port(char *text, char **ret_address)
{
	struct address address;
	char *bracket = *text == '[' ? strchr(text, ']') : NULL;
	char *colon = strrchr(text, ':');

	*ret_address = text;
	if (bracket) {
		*ret_address = text + 1;
		*bracket = '\0';
		return bracket[1] == ':' ? bracket + 2 : NULL;
	}
	if (!colon || address_parse(text, &address) == 0)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* "fd00::5:80" is an address to its end, whatever its last group was meant to be. What
 * is left of "fd00::5" without that group is no machine's address, so nobody meant it.
 */
static void warn_hidden_port(struct reader *reader, const struct node *node)
{
	const char *text = node->text;
	const char *colon = strrchr(text, ':');
	char before[TARGET_BYTES_MAX];
	struct address address;
	uint32_t port;

	if (*text == '[' || !colon || !parse_decimal(colon + 1, &port) || port < 1)
		return;
	*stpncpy(before, text, (size_t)(colon - text)) = '\0';
	if (address_parse(before, &address) < 0 || address.family != FAMILY_IPV6 ||
	    colon[-1] == ':')
		return;
	faults_warn(
		reader->faults, node->position,
		"this is an address without a port; did you mean \"[%s]:%s\"? Write "
		"\"[%s]\" if not",
		before, colon + 1, text);
}

/* Addresses that no other machine can have. */
static const char *unfit(struct address address)
{
	uint32_t v4 = (uint32_t)address.value;

	if (address.value == 0)
		return "it is no machine's address";
	if (address.family == FAMILY_IPV4 ? v4 >> 24 == 127 : address.value == 1)
		return "it is this machine itself";
	if (address.family == FAMILY_IPV4 ? v4 >> 28 >= 14
					  : address.value >> 120 == 255)
		return "it is not a single machine's address";
	return NULL;
}

static bool check_width(struct reader *reader, const struct node *node,
			const struct nat *nat)
{
	unsigned int wanted = nat->port.last - nat->port.first;
	unsigned int have = nat->target_port.last - nat->target_port.first;

	if (wanted == have || nat->port.first == 0)
		return true;
	faults_add(
		reader->faults, node->position,
		"%u ports cannot be forwarded to %u: give both ranges the same width",
		wanted + 1, have + 1);
	return false;
}

/* "[...]" must be an IPv6 address with nothing but a port after it. */
static bool well_formed(const char *text)
{
	const char *bracket = strchr(text, ']');

	if (*text != '[')
		return !bracket;
	return bracket && strchr(text, ':') < bracket &&
	       (bracket[1] == '\0' || bracket[1] == ':');
}

void read_target(struct reader *reader, const struct node *node, struct nat *nat)
{
	const char *text = reader_text(reader, node, "an address");
	char copy[TARGET_BYTES_MAX];
	char *address, *port;
	const char *why;

	if (!text)
		return;
	stpncpy(copy, text, sizeof(copy) - 1)[0] = '\0';
	port = split_port(copy, &address);
	if (strlen(text) >= sizeof(copy) || !well_formed(text) ||
	    address_parse(address, &nat->target) < 0) {
		faults_add(reader->faults, node->position,
			   "%s is not ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT",
			   quote(text).text);
		return;
	}
	why = unfit(nat->target);
	if (why)
		faults_add(reader->faults, node->position,
			   "%s cannot be forwarded to: %s", address, why);
	nat->target_port = nat->port;
	if (!port)
		warn_hidden_port(reader, node);
	if (port && parse_ports(reader, node->position, port, &nat->target_port))
		check_width(reader, node, nat);
}
