/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet as a person describes it, to ask what a policy does with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/fault.h"
#include "policy/policy.h"

enum { PACKET_COUNT_MAX = 1000, PACKET_TEXT_MAX = 256 };

/**
 * packet_parse() - "tcp 203.0.113.9:4000 -> host:22 syn"
 * @text:   PROTOCOL SOURCE -> DESTINATION [DETAIL]. An end is any, host, host@ADDRESS
 *          or ADDRESS, with ":PORT" where it has one; an IPv6 address with a port
 *          stands in brackets. DETAIL are TCP flags joined by "+", or an ICMP type
 * @ret:    set on success only; packet_settle() does the rest
 * @faults: positions are in @text, whose one line has number 1
 *
 * Return: 0 or -EINVAL.
 */
int packet_parse(const char *text, struct packet *ret, struct faults *faults);

/** packet_end_parse() - One end, at @position of a text. Return: 0 or -EINVAL. */
int packet_end_parse(const char *text, struct position position, struct packet_end *ret,
		     struct faults *faults);

/** packet_flags_parse() - "syn", "syn+ack". Return: 0 or -EINVAL. */
int packet_flags_parse(const char *text, struct position position, uint8_t *ret,
		       struct faults *faults);

/** packet_icmp_parse() - A type's name or number for packet->protocol. Return: 0 or
 *  -EINVAL. */
int packet_icmp_parse(const char *text, struct position position, struct packet *packet,
		      struct faults *faults);

/* Where a packet comes in and goes out, as somebody wrote it. */
struct packet_way {
	const char *in, *out; /* a zone, an interface or "none"; NULL: not said */
	struct position in_position, out_position;
	const char *in_key, *out_key; /* what they are called: "in", "--in" */
};

/**
 * packet_settle() - Make sense of a packet as a whole, for one policy
 * @packet: its ends, protocol and detail are read; the rest is set
 *
 * Return: 0 or -EINVAL.
 */
int packet_settle(const struct policy *policy, const struct packet_way *way,
		  struct packet *packet, struct faults *faults);

/** packet_state_name() - "new", "established", ... */
const char *packet_state_name(enum packet_state state);

/** packet_state_parse() - Return: 0, or -EINVAL with a fault. */
int packet_state_parse(const char *text, struct position position,
		       enum packet_state *ret, struct faults *faults);

/** packet_moment_parse() - "Mon 08:00". Return: 0, or -EINVAL with a fault. */
int packet_moment_parse(const char *text, struct position position, struct moment *ret,
			struct faults *faults);

/** packet_line() - "tcp 203.0.113.9 -> host:22", as packet_parse() reads it; without
 *  TCP flags. Return: @out. */
char *packet_line(const struct packet *packet, char out[static PACKET_TEXT_MAX]);

/** packet_describe() - "tcp 203.0.113.9 -> host:22 in wan", for a list of tests.
 *  Return: @out. */
char *packet_describe(const struct packet *packet, char out[static PACKET_TEXT_MAX]);

/** packet_end_text() - "host:22", "[2001:db8::1]:443". Return: @out. */
char *packet_end_text(const struct packet_end *end, char out[static RANGE_TEXT_MAX]);

/** packet_is_error() - Whether it is an ICMP error, which quotes another packet. */
bool packet_is_error(uint8_t protocol, uint8_t icmp_type);

/** packet_has_ports() - Whether packets of a protocol have ports that are looked at. */
bool packet_has_ports(uint8_t protocol);
