/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and ranges of both families, and sets of them. All in host byte
 * order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 uint128_t;

enum family { FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

/* One address: an IPv4 address uses the low 32 bits of @value. */
struct address {
	enum family family;
	uint128_t value;
};

/* Ranges include both ends. */
struct range4 {
	uint32_t first;
	uint32_t last;
};

struct range6 {
	uint128_t first;
	uint128_t last;
};

/*
 * A set of addresses. After address_set_finish() each array is sorted, its ranges are
 * disjoint and do not touch, so two equal sets have equal arrays.
 */
struct address_set {
	struct range4 *v4;
	size_t count4;
	size_t capacity4;
	struct range6 *v6;
	size_t count6;
	size_t capacity6;
};

#define ADDRESS_SET_NULL                                                               \
	{                                                                              \
		0                                                                      \
	}
#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define RANGE_TEXT_MAX (2 * ADDRESS_TEXT_MAX)

/** address_parse() - "192.0.2.1" or "2001:db8::1" (no zone index). Return: 0 or
 * -EINVAL. */
int address_parse(const char *text, struct address *ret);

/** address_format() - The address as inet_ntop(3) writes it. Return: @out. */
char *address_format(struct address address, char out[static ADDRESS_TEXT_MAX]);

/** address_is_multicast() - Whether it is that of a group of machines; so is IPv4's
 *  255.255.255.255. */
bool address_is_multicast(struct address address);

/* What range_parse() found wrong, beyond "not an address". */
enum range_error {
	RANGE_NOT_ADDRESS = 1, /* neither an address, a prefix nor a range */
	RANGE_BAD_LENGTH,      /* prefix length missing or out of range */
	RANGE_HOST_BITS, /* bits beyond the prefix length; @ret holds the network */
	RANGE_REVERSED,  /* the first address is above the last */
	RANGE_MIXED,     /* one end is IPv4, the other IPv6 */
};

struct address_range {
	enum family family;
	uint128_t first;
	uint128_t last;
};

/**
 * range_parse() - "10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9" and the same for IPv6
 * @ret: set on success and for RANGE_HOST_BITS
 *
 * Return: 0 or a positive enum range_error.
 */
int range_parse(const char *text, struct address_range *ret);

/** range_format() - Shortest spelling: an address, a prefix, or "first-last". Return:
 * @out. */
char *range_format(struct address_range range, char out[static RANGE_TEXT_MAX]);

/** range4_wide(), range6_wide() - The same range in the form that serves both families.
 */
struct address_range range4_wide(struct range4 range);
struct address_range range6_wide(struct range6 range);

/** address_set_add() - Add a range; the set is unfinished until address_set_finish().
 *  Return: 0 or -ENOMEM. */
int address_set_add(struct address_set *set, struct address_range range);

/** address_set_add_all() - Add every range of another set. Return: 0 or -ENOMEM. */
int address_set_add_all(struct address_set *set, const struct address_set *more);

/**
 * address_set_finish() - Sort, and merge what overlaps or touches
 *
 * Return: how many ranges went into others (overlaps, duplicates and neighbours).
 */
size_t address_set_finish(struct address_set *set);

/** address_set_subtract() - Take every address of @less out. Both are finished; so is
 * the result. Return: 0 or -ENOMEM (then @set is unchanged). */
int address_set_subtract(struct address_set *set, const struct address_set *less);

/** address_set_intersects() - Whether two finished sets share an address. */
bool address_set_intersects(const struct address_set *a, const struct address_set *b);

/** address_set_contains() - Whether a finished set holds an address. */
bool address_set_contains(const struct address_set *set, struct address address);

/** address_set_equal() - Whether two finished sets hold the same addresses. */
bool address_set_equal(const struct address_set *a, const struct address_set *b);

bool address_set_empty(const struct address_set *set);
void address_set_done(struct address_set *set);

#define auto_address_set __attribute__((cleanup(address_set_done)))
