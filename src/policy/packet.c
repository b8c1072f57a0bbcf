/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/protocol.h"
#include "policy/quote.h"
#include "policy/scalar.h"

enum { END_BYTES_MAX = 128, ICMP_ECHO_TYPE = 8, ICMPV6_ECHO_TYPE = 128 };

static const char *const states[] = { "unsaid",  "new",     "established",
				      "related", "invalid", NULL };

const char *packet_state_name(enum packet_state state)
{
	return states[state];
}

int packet_state_parse(const char *text, struct position position,
		       enum packet_state *ret, struct faults *faults)
{
	for (int i = STATE_NEW; states[i]; i++) {
		if (strcmp(states[i], text) != 0)
			continue;
		*ret = (enum packet_state)i;
		return 0;
	}
	return faults_add(faults, position,
			  "a state is new, established, related or invalid, not %s%s",
			  quote(text).text,
			  did_you_mean(text, states + STATE_NEW).text);
}

bool packet_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_SCTP;
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* RFC 792 and RFC 4443: those that conntrack takes for a word about another packet. */
bool packet_is_error(uint8_t protocol, uint8_t icmp_type)
{
	if (protocol == IPPROTO_ICMPV6)
		return icmp_type < 128;
	return protocol == IPPROTO_ICMP &&
	       (icmp_type == 3 || icmp_type == 4 || icmp_type == 5 || icmp_type == 11 ||
		icmp_type == 12);
}

/* Cut ":PORT" off @text. Return: its text, or NULL. */
static char *cut_port(char *text, char **ret_address)
{
	char *bracket = *text == '[' ? strchr(text, ']') : NULL;
	char *colon = strrchr(text, ':');

	*ret_address = text;
	if (bracket) {
		*ret_address = text + 1;
		*bracket = '\0';
		return bracket[1] == ':' ? bracket + 2 : NULL;
	}
	/* More than one colon, and no bracket: an IPv6 address to its end. */
	if (!colon || strchr(text, ':') != colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int parse_place(char *text, struct packet_end *ret)
{
	char *at = strchr(text, '@'), *port;
	char *address;

	if (at && strncmp(text, "host@", 5) == 0) {
		ret->place = PLACE_HOST;
		text = at + 1;
	} else {
		ret->place = PLACE_ADDRESS;
	}
	port = cut_port(text, &address);
	if (port) {
		uint32_t number;

		if (!parse_decimal(port, &number) || number > UINT16_MAX)
			return -ERANGE;
		ret->has_port = true;
		ret->port = (uint16_t)number;
	}
	if (!at && (strcmp(address, "host") == 0 || strcmp(address, "any") == 0)) {
		ret->place = *address == 'h' ? PLACE_HOST : PLACE_ANY;
		return 0;
	}
	ret->has_address = true;
	return address_parse(address, &ret->address);
}

int packet_end_parse(const char *text, struct position position, struct packet_end *ret,
		     struct faults *faults)
{
	static const char *const words[] = { "host", "any", NULL };
	struct packet_end end = { .position = position };
	char copy[END_BYTES_MAX];
	int error = -EINVAL;

	if (strlen(text) < sizeof(copy)) {
		strcpy(copy, text);
		error = parse_place(copy, &end);
	}
	if (error == -ERANGE)
		return faults_add(faults, position, "%s: ports go from 0 to 65535",
				  quote(text).text);
	if (error)
		return faults_add(faults, position,
				  "%s is no end of a packet: write any, host, "
				  "host@ADDRESS or ADDRESS, with :PORT behind it (an "
				  "IPv6 address in brackets)%s",
				  quote(text).text, did_you_mean(text, words).text);
	*ret = end;
	return 0;
}

int packet_flags_parse(const char *text, struct position position, uint8_t *ret,
		       struct faults *faults)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh",
					     "ack", "urg", NULL };
	uint8_t flags = 0;

	for (const char *word = text; *word;) {
		size_t size = strcspn(word, "+");
		int i = 0;

		while (names[i] &&
		       (strlen(names[i]) != size || strncmp(names[i], word, size) != 0))
			i++;
		if (!names[i] || word[size + (word[size] == '+')] == '+')
			return faults_add(faults, position,
					  "%s is no list of TCP flags: write syn, "
					  "syn+ack, ack, fin+ack, rst and the like",
					  quote(text).text);
		flags |= (uint8_t)(1 << i);
		word += size + (word[size] == '+');
	}
	*ret = flags;
	return 0;
}

int packet_icmp_parse(const char *text, struct position position, struct packet *packet,
		      struct faults *faults)
{
	bool v4 = packet->protocol == IPPROTO_ICMP;
	enum icmp_version version = v4 ? ICMP_V4 : ICMP_V6;
	int type = icmp_type_number(version, text);
	uint32_t number;

	if (type < 0 && parse_decimal(text, &number) && number <= 255)
		type = (int)number;
	if (type < 0)
		return faults_add(faults, position,
				  "%s is not an %s type: write a name such as "
				  "echo-request or a number from 0 to 255%s",
				  quote(text).text, v4 ? "ICMP" : "ICMPv6",
				  did_you_mean(text, icmp_type_names(version)).text);
	packet->icmp_type = (uint8_t)type;
	return 0;
}

int packet_moment_parse(const char *text, struct position position, struct moment *ret,
			struct faults *faults)
{
	static const char *const days[] = { "sun", "mon", "tue", "wed",
					    "thu", "fri", "sat" };
	unsigned int hour, minute;
	size_t day = 0;
	int end = 0;

	while (day < ARRAY_SIZE(days) && strncasecmp(days[day], text, 3) != 0)
		day++;
	if (day == ARRAY_SIZE(days) || text[3] != ' ' ||
	    strspn(text + 4, "0123456789:") != strlen(text + 4) ||
	    sscanf(text + 4, "%2u:%2u%n", &hour, &minute, &end) != 2 || text[4 + end] ||
	    end != 5 || hour > 23 || minute > 59)
		return faults_add(faults, position,
				  "%s is no moment of a week: write a day and a time, "
				  "such as \"Mon 08:00\"",
				  quote(text).text);
	*ret = (struct moment){ true, (uint8_t)day, (hour * 60 + minute) * 60 };
	return 0;
}

/* --- the line that a person types ------------------------------------------------ */

enum { WORDS_MAX = 6, WORD_BYTES = END_BYTES_MAX };

struct line {
	char words[WORDS_MAX][WORD_BYTES];
	struct position positions[WORDS_MAX + 1]; /* and where the line ends */
	size_t count;
	struct faults *faults;
};

static int split(const char *text, struct line *line)
{
	const char *at = text;

	for (at += strspn(at, " \t"); *at; at += strspn(at, " \t")) {
		size_t size = strcspn(at, " \t");
		struct position position = { 1, (uint32_t)(at - text) + 1 };

		for (size_t i = 0; i < size; i++)
			if (at[i] <= ' ' || at[i] > '~')
				return faults_add(line->faults, position,
						  "a packet is written in plain "
						  "letters, digits and signs");
		if (line->count == WORDS_MAX || size >= WORD_BYTES)
			return faults_add(line->faults, position,
					  "this is more than a packet: write PROTOCOL "
					  "SOURCE -> DESTINATION and one word more");
		*stpncpy(line->words[line->count], at, size) = '\0';
		line->positions[line->count++] = position;
		at += size;
	}
	line->positions[line->count] =
		(struct position){ 1, (uint32_t)(at - text) + 1 };
	return 0;
}

static int parse_protocol(const struct line *line, struct packet *packet)
{
	const char *word = line->words[0];
	int protocol = protocol_number(word);
	uint32_t number;

	if (protocol < 0 && parse_decimal(word, &number) && number >= 1 &&
	    number <= 255)
		protocol = (int)number;
	if (protocol < 0)
		return faults_add(line->faults, line->positions[0],
				  "%s is not a protocol: write tcp, udp, sctp, icmp, "
				  "icmpv6, another one's name or a number%s",
				  quote(word).text,
				  did_you_mean(word, protocol_names()).text);
	packet->protocol = (uint8_t)protocol;
	return 0;
}

static int parse_detail(const struct line *line, size_t at, struct packet *packet)
{
	if (at == line->count)
		return 0;
	if (line->count > at + 1)
		return faults_add(line->faults, line->positions[at + 1],
				  "nothing is expected behind %s",
				  quote(line->words[at]).text);
	if (packet->protocol == IPPROTO_TCP)
		return packet_flags_parse(line->words[at], line->positions[at],
					  &packet->tcp_flags, line->faults);
	if (is_icmp(packet->protocol))
		return packet_icmp_parse(line->words[at], line->positions[at], packet,
					 line->faults);
	return faults_add(line->faults, line->positions[at],
			  "nothing is expected behind the destination of %s",
			  line->words[0]);
}

static int parse_line(const struct line *line, struct packet *packet)
{
	const size_t arrow = 2;

	if (line->count < 4 || strcmp(line->words[arrow], "->") != 0)
		return faults_add(
			line->faults,
			line->positions[line->count < arrow ? line->count : arrow],
			"write a packet as PROTOCOL SOURCE -> DESTINATION, "
			"such as \"tcp 203.0.113.9 -> host:22\"");
	if (parse_protocol(line, packet) < 0)
		return -EINVAL;
	packet->icmp_type =
		packet->protocol == IPPROTO_ICMPV6 ? ICMPV6_ECHO_TYPE : ICMP_ECHO_TYPE;
	packet_end_parse(line->words[1], line->positions[1], &packet->source,
			 line->faults);
	packet_end_parse(line->words[3], line->positions[3], &packet->destination,
			 line->faults);
	parse_detail(line, 4, packet);
	return line->faults->errors ? -EINVAL : 0;
}

int packet_parse(const char *text, struct packet *ret, struct faults *faults)
{
	struct line line = { .faults = faults };
	struct packet packet = { .position = { 1, 1 }, .count = 1 };

	if (split(text, &line) < 0 || parse_line(&line, &packet) < 0)
		return -EINVAL;
	*ret = packet;
	return 0;
}

/* --- and back -------------------------------------------------------------------- */

char *packet_end_text(const struct packet_end *end, char out[static RANGE_TEXT_MAX])
{
	char text[ADDRESS_TEXT_MAX] = "", port[8] = "";
	const char *lead = end->place == PLACE_HOST  ? "host"
			   : end->place == PLACE_ANY ? "any"
						     : "";
	bool bracket;

	if (end->has_address)
		address_format(end->address, text);
	if (end->has_port)
		snprintf(port, sizeof(port), ":%u", end->port);
	bracket = end->has_port && strchr(text, ':');
	snprintf(out, RANGE_TEXT_MAX, "%s%s%s%s%s%s", lead,
		 *lead && end->has_address ? "@" : "", bracket ? "[" : "", text,
		 bracket ? "]" : "", port);
	return out;
}

static void add_side(char *out, const char *word, const struct packet_side *side)
{
	size_t used = strlen(out);

	if (side->interface[0])
		snprintf(out + used, PACKET_TEXT_MAX - used, " %s %s", word,
			 side->zone ? side->zone : side->interface);
}

static void add_icmp_type(char *out, const struct packet *packet)
{
	bool v4 = packet->protocol == IPPROTO_ICMP;
	const char *name = icmp_type_name(v4 ? ICMP_V4 : ICMP_V6, packet->icmp_type);
	size_t used = strlen(out);

	if (name)
		snprintf(out + used, PACKET_TEXT_MAX - used, " %s", name);
	else
		snprintf(out + used, PACKET_TEXT_MAX - used, " %u", packet->icmp_type);
}

char *packet_line(const struct packet *packet, char out[static PACKET_TEXT_MAX])
{
	char source[RANGE_TEXT_MAX], destination[RANGE_TEXT_MAX], number[8];
	const char *protocol = protocol_name(packet->protocol);

	snprintf(number, sizeof(number), "%u", packet->protocol);
	snprintf(out, PACKET_TEXT_MAX, "%s %s -> %s", protocol ? protocol : number,
		 packet_end_text(&packet->source, source),
		 packet_end_text(&packet->destination, destination));
	if (is_icmp(packet->protocol))
		add_icmp_type(out, packet);
	return out;
}

char *packet_describe(const struct packet *packet, char out[static PACKET_TEXT_MAX])
{
	size_t used;

	packet_line(packet, out);
	add_side(out, "in", &packet->in);
	add_side(out, "out", &packet->out);
	used = strlen(out);
	if (packet->state != STATE_UNSAID)
		snprintf(out + used, PACKET_TEXT_MAX - used, ", %s",
			 packet_state_name(packet->state));
	used = strlen(out);
	if (packet->count > 1)
		snprintf(out + used, PACKET_TEXT_MAX - used, ", %u times",
			 packet->count);
	return out;
}
