/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/stranger.h"

#include "base/cleanup.h"

enum { HOSTS = 240, KINDS = 3 };

/* First those that nobody has (RFC 5737, 2544, 6598, 3849, 9637), which lists of bad
 * addresses like to hold; then some that are as good as any. */
enum { BASES = 7 };

static const char *const bases4[BASES] = { "203.0.113.0", "198.51.100.0", "192.0.2.0",
					   "198.18.0.0",  "11.22.33.0",   "52.94.76.0",
					   "185.15.59.0" };
static const char *const bases6[BASES] = {
	"2001:db8:ffff::", "3fff:ffff::",      "2001:2::",      "2600:9000:1::",
	"2a02:ec80:300::", "2606:4700:ffff::", "2c0f:ffff:ff::"
};
/* Not where people take their examples from: these are this machine's. */
static const char *const own4[BASES] = { "198.19.255.0", "100.127.255.0",
					 "198.19.254.0", "100.127.254.0",
					 "23.45.67.0",   "63.92.77.0",
					 "151.101.9.0" };
static const char *const own6[BASES] = {
	"2001:2:0:ffff::", "3fff:fff:ffff::",  "2001:db8:fffe::", "2600:9000:2::",
	"2a02:ec80:301::", "2606:4700:fffe::", "2c0f:ffff:fe::"
};

static bool end_knows(const struct endpoint *end, struct address address)
{
	return address_set_contains(&end->addresses, address);
}

static bool knows(const struct candidate *candidate, struct address address)
{
	const struct policy *policy = candidate->policy;

	if (address_set_contains(&policy->ban, address))
		return true;
	for (size_t i = 0; i < policy->feed_count; i++)
		if (address_set_contains(&candidate->feeds[i], address))
			return true;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (end_knows(&policy->rules[i].from, address) ||
		    end_knows(&policy->rules[i].to, address))
			return true;
	for (size_t i = 0; i < policy->nat_count; i++)
		if (policy->nats[i].kind == NAT_FORWARD &&
		    policy->nats[i].target.family == address.family &&
		    policy->nats[i].target.value == address.value)
			return true;
	return false;
}

static const char *const *bases_of(enum family family, enum stranger_kind kind)
{
	if (kind == STRANGER_HOST)
		return family == FAMILY_IPV4 ? own4 : own6;
	return family == FAMILY_IPV4 ? bases4 : bases6;
}

struct address stranger_find(const struct candidate *candidate, enum family family,
			     enum stranger_kind kind, size_t number)
{
	const char *const *bases = bases_of(family, kind);
	struct address first = { .family = family };

	for (size_t i = 0; i < BASES; i++) {
		for (size_t host = 9 + (size_t)kind; host < HOSTS; host += KINDS) {
			struct address address;

			if (address_parse(bases[i], &address) < 0)
				continue;
			address.value += host;
			if (!first.value)
				first = address;
			if (knows(candidate, address))
				continue;
			if (number-- == 0)
				return address;
		}
	}
	return first;
}
