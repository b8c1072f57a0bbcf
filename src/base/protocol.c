/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers from the IANA registries. The tables are here, and not read from
 * /etc/protocols, so that a policy means the same on every machine. Of two names for
 * one number the first is the usual one.
 */
#include "base/protocol.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PROTOCOLS(ENTRY)                                                               \
	ENTRY("icmp", 1)                                                               \
	ENTRY("igmp", 2)                                                               \
	ENTRY("ipip", 4)                                                               \
	ENTRY("tcp", 6)                                                                \
	ENTRY("egp", 8)                                                                \
	ENTRY("udp", 17)                                                               \
	ENTRY("dccp", 33)                                                              \
	ENTRY("ipv6", 41)                                                              \
	ENTRY("rsvp", 46)                                                              \
	ENTRY("gre", 47)                                                               \
	ENTRY("esp", 50)                                                               \
	ENTRY("ah", 51)                                                                \
	ENTRY("icmpv6", 58)                                                            \
	ENTRY("ipv6-icmp", 58)                                                         \
	ENTRY("eigrp", 88)                                                             \
	ENTRY("ospf", 89)                                                              \
	ENTRY("pim", 103)                                                              \
	ENTRY("ipcomp", 108)                                                           \
	ENTRY("vrrp", 112)                                                             \
	ENTRY("l2tp", 115)                                                             \
	ENTRY("isis", 124)                                                             \
	ENTRY("sctp", 132)                                                             \
	ENTRY("udplite", 136)                                                          \
	ENTRY("mpls-in-ip", 137)                                                       \
	ENTRY("hip", 139)                                                              \
	ENTRY("ethernet", 143)

#define TYPES4(ENTRY)                                                                  \
	ENTRY("echo-reply", 0)                                                         \
	ENTRY("destination-unreachable", 3)                                            \
	ENTRY("source-quench", 4)                                                      \
	ENTRY("redirect", 5)                                                           \
	ENTRY("echo-request", 8)                                                       \
	ENTRY("router-advertisement", 9)                                               \
	ENTRY("router-solicitation", 10)                                               \
	ENTRY("time-exceeded", 11)                                                     \
	ENTRY("parameter-problem", 12)                                                 \
	ENTRY("timestamp-request", 13)                                                 \
	ENTRY("timestamp-reply", 14)                                                   \
	ENTRY("info-request", 15)                                                      \
	ENTRY("info-reply", 16)                                                        \
	ENTRY("address-mask-request", 17)                                              \
	ENTRY("address-mask-reply", 18)

#define TYPES6(ENTRY)                                                                  \
	ENTRY("destination-unreachable", 1)                                            \
	ENTRY("packet-too-big", 2)                                                     \
	ENTRY("time-exceeded", 3)                                                      \
	ENTRY("parameter-problem", 4)                                                  \
	ENTRY("echo-request", 128)                                                     \
	ENTRY("echo-reply", 129)                                                       \
	ENTRY("mld-listener-query", 130)                                               \
	ENTRY("mld-listener-report", 131)                                              \
	ENTRY("mld-listener-done", 132)                                                \
	ENTRY("mld-listener-reduction", 132)                                           \
	ENTRY("nd-router-solicit", 133)                                                \
	ENTRY("nd-router-advert", 134)                                                 \
	ENTRY("nd-neighbor-solicit", 135)                                              \
	ENTRY("nd-neighbor-advert", 136)                                               \
	ENTRY("nd-redirect", 137)                                                      \
	ENTRY("router-renumbering", 138)                                               \
	ENTRY("ind-neighbor-solicit", 141)                                             \
	ENTRY("ind-neighbor-advert", 142)                                              \
	ENTRY("mld2-listener-report", 143)

/* Names stand apart from numbers, so that they can be candidates of nearest_word(). */
#define NAME(name, number) name,
#define NUMBER(name, number) number,

struct table {
	const char *const *names;
	const uint8_t *numbers;
};

static const struct table protocols = {
	(const char *const[]){ PROTOCOLS(NAME) NULL },
	(const uint8_t[]){ PROTOCOLS(NUMBER) },
};

static const struct table types[] = {
	[ICMP_V4] = {
		(const char *const[]){ TYPES4(NAME) NULL },
		(const uint8_t[]){ TYPES4(NUMBER) },
	},
	[ICMP_V6] = {
		(const char *const[]){ TYPES6(NAME) NULL },
		(const uint8_t[]){ TYPES6(NUMBER) },
	},
};

static int find_number(const struct table *table, const char *name)
{
	for (size_t i = 0; table->names[i]; i++)
		if (strcmp(table->names[i], name) == 0)
			return table->numbers[i];
	return -ENOENT;
}

static const char *find_name(const struct table *table, uint8_t number)
{
	for (size_t i = 0; table->names[i]; i++)
		if (table->numbers[i] == number)
			return table->names[i];
	return NULL;
}

int protocol_number(const char *name)
{
	return find_number(&protocols, name);
}

const char *protocol_name(uint8_t number)
{
	return find_name(&protocols, number);
}

const char *const *protocol_names(void)
{
	return protocols.names;
}

int icmp_type_number(enum icmp_version version, const char *name)
{
	return find_number(&types[version], name);
}

const char *icmp_type_name(enum icmp_version version, uint8_t number)
{
	return find_name(&types[version], number);
}

const char *const *icmp_type_names(enum icmp_version version)
{
	return types[version].names;
}
