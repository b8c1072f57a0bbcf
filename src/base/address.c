/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and writing addresses and ranges; sets of them are in address_set.c. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned int family_bits(enum family family)
{
	return family == FAMILY_IPV4 ? 32 : 128;
}

/* The low @bits bits set; @bits may be 0 to 128. */
static uint128_t low_bits(unsigned int bits)
{
	return bits >= 128 ? ~(uint128_t)0 : ((uint128_t)1 << bits) - 1;
}

int address_parse(const char *text, struct address *ret)
{
	unsigned char bytes[16];
	size_t size = 4;

	if (inet_pton(AF_INET, text, bytes) == 1) {
		ret->family = FAMILY_IPV4;
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		ret->family = FAMILY_IPV6;
		size = 16;
	} else {
		return -EINVAL;
	}
	ret->value = 0;
	for (size_t i = 0; i < size; i++)
		ret->value = ret->value << 8 | bytes[i];
	return 0;
}

char *address_format(struct address address, char out[static ADDRESS_TEXT_MAX])
{
	size_t size = address.family == FAMILY_IPV4 ? 4 : 16;
	unsigned char bytes[16];

	for (size_t i = size; i-- > 0; address.value >>= 8)
		bytes[i] = (unsigned char)address.value;
	inet_ntop(address.family == FAMILY_IPV4 ? AF_INET : AF_INET6, bytes, out,
		  ADDRESS_TEXT_MAX);
	return out;
}

bool address_is_multicast(struct address address)
{
	uint32_t v4 = (uint32_t)address.value;

	if (address.family == FAMILY_IPV4)
		return v4 >> 28 == 14 || v4 == UINT32_MAX;
	return address.value >> 120 == 0xff;
}

/* One to three digits without a leading zero. Return: the number, or UINT_MAX. */
static unsigned int parse_length(const char *text)
{
	unsigned int length = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] || (digits > 1 && text[0] == '0'))
		return (unsigned int)-1;
	for (; *text; text++)
		length = length * 10 + (unsigned int)(*text - '0');
	return length;
}

static int parse_prefix(const char *head, const char *tail, struct address_range *ret)
{
	struct address address;
	unsigned int length = parse_length(tail);
	uint128_t host;

	if (address_parse(head, &address) < 0)
		return RANGE_NOT_ADDRESS;
	if (length > family_bits(address.family))
		return RANGE_BAD_LENGTH;
	host = low_bits(family_bits(address.family) - length);
	ret->family = address.family;
	ret->first = address.value & ~host;
	ret->last = address.value | host;
	return address.value & host ? RANGE_HOST_BITS : 0;
}

static int parse_pair(const char *head, const char *tail, struct address_range *ret)
{
	struct address first, last;

	if (address_parse(head, &first) < 0 || address_parse(tail, &last) < 0)
		return RANGE_NOT_ADDRESS;
	if (first.family != last.family)
		return RANGE_MIXED;
	if (first.value > last.value)
		return RANGE_REVERSED;
	*ret = (struct address_range){ first.family, first.value, last.value };
	return 0;
}

int range_parse(const char *text, struct address_range *ret)
{
	char copy[RANGE_TEXT_MAX];
	struct address address;
	char *mark;

	if (strlen(text) >= sizeof(copy))
		return RANGE_NOT_ADDRESS;
	strcpy(copy, text);
	mark = strpbrk(copy, "/-");
	if (mark) {
		bool prefix = *mark == '/';

		*mark = '\0';
		return prefix ? parse_prefix(copy, mark + 1, ret)
			      : parse_pair(copy, mark + 1, ret);
	}
	if (address_parse(copy, &address) < 0)
		return RANGE_NOT_ADDRESS;
	*ret = (struct address_range){ address.family, address.value, address.value };
	return 0;
}

static unsigned int count_bits(uint128_t value)
{
	return (unsigned int)(__builtin_popcountll((uint64_t)value) +
			      __builtin_popcountll((uint64_t)(value >> 64)));
}

char *range_format(struct address_range range, char out[static RANGE_TEXT_MAX])
{
	uint128_t host = range.first ^ range.last;
	char last[ADDRESS_TEXT_MAX];
	size_t used;

	address_format((struct address){ range.family, range.first }, out);
	if (host == 0)
		return out;
	used = strlen(out);
	if ((host & (host + 1)) == 0 && (range.first & host) == 0) {
		snprintf(out + used, RANGE_TEXT_MAX - used, "/%u",
			 family_bits(range.family) - count_bits(host));
		return out;
	}
	address_format((struct address){ range.family, range.last }, last);
	snprintf(out + used, RANGE_TEXT_MAX - used, "-%s", last);
	return out;
}

struct address_range range4_wide(struct range4 range)
{
	return (struct address_range){ FAMILY_IPV4, range.first, range.last };
}

struct address_range range6_wide(struct range6 range)
{
	return (struct address_range){ FAMILY_IPV6, range.first, range.last };
}
