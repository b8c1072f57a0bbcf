/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/journal.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/protocol.h"

static void tell_left_out(struct journal *journal)
{
	if (journal->left_out == journal->told)
		return;
	log_notice("%" PRIu64 " packets of rules that log were left out here",
		   journal->left_out - journal->told);
	journal->told = journal->left_out;
}

static bool has_room(struct journal *journal)
{
	int64_t now = clock_s();

	if (now != journal->second) {
		journal->second = now;
		journal->lines_of_second = 0;
		tell_left_out(journal);
	}
	if (journal->lines_of_second >= JOURNAL_LINES_PER_S) {
		journal->left_out++;
		return false;
	}
	journal->lines_of_second++;
	journal->lines++;
	return true;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", or the address alone. */
static void format_end(char *out, size_t out_bytes, struct address address,
		       uint16_t port, bool ports)
{
	char text[ADDRESS_TEXT_MAX];
	bool wide = address.family == FAMILY_IPV6;

	address_format(address, text);
	if (ports)
		snprintf(out, out_bytes, "%s%s%s:%u", wide ? "[" : "", text,
			 wide ? "]" : "", port);
	else
		snprintf(out, out_bytes, "%s", text);
}

const char *journal_verdict(const struct flow *flow, const struct name *name)
{
	bool allows = strcmp(name->decider.verdict, "allow") == 0;

	/* Beyond its limit, a rule that allows drops. */
	return flow->event == FLOW_PACKET && flow->denied && allows
		       ? "drop"
		       : name->decider.verdict;
}

void journal_packet(struct journal *journal, const struct flow *flow,
		    const struct name *name)
{
	char source[ADDRESS_TEXT_MAX + 8], destination[ADDRESS_TEXT_MAX + 8];
	const char *known = protocol_name(flow->protocol);
	bool ports = flow->source_port != 0;
	char protocol[24];

	if (!has_room(journal))
		return;
	if (known)
		snprintf(protocol, sizeof(protocol), "%s", known);
	else
		snprintf(protocol, sizeof(protocol), "protocol %u", flow->protocol);
	format_end(source, sizeof(source), flow->source, flow->source_port, ports);
	format_end(destination, sizeof(destination), flow->destination, flow->port,
		   ports);
	log_notice("%s %s: %s %s -> %s (%s%s%s%s%s)", journal_verdict(flow, name),
		   name->decider.id, protocol, source, destination,
		   name->decider.direction, name->decider.from_zone[0] ? ", from " : "",
		   name->decider.from_zone, name->decider.to_zone[0] ? ", to " : "",
		   name->decider.to_zone);
}
