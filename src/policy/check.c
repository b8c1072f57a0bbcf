/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is allowed and likely not meant. */
#include "policy/quote.h"
#include "policy/reader.h"

enum {
	FORWARDS_MAX = 2000, /* every forward is held against all before it */
};

static void warn_unused(struct reader *reader, const struct names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = &names->items[i];
		const char *what = name->kind == NAME_GROUP  ? "group"
				   : name->kind == NAME_FEED ? "feed"
							     : "service";

		if (!name->used)
			faults_warn(reader->faults, name->position, "%s %s is not used",
				    what, quote(name->text).text);
	}
}

static bool holds_all(const uint32_t *wide, size_t wide_count, const uint32_t *narrow,
		      size_t narrow_count)
{
	size_t j = 0;

	for (size_t i = 0; i < narrow_count; i++) {
		while (j < wide_count && wide[j] < narrow[i])
			j++;
		if (j == wide_count || wide[j] != narrow[i])
			return false;
	}
	return true;
}

static bool share_port(const struct nat *a, const struct nat *b)
{
	return a->protocol == b->protocol && a->target.family == b->target.family &&
	       a->port.first <= b->port.last && b->port.first <= a->port.last;
}

static bool share_zone(const struct nat *a, const struct nat *b)
{
	for (size_t i = 0; i < a->from_zone_count; i++)
		if (holds_all(b->from_zones, b->from_zone_count, &a->from_zones[i], 1))
			return true;
	return false;
}

static void warn_forwards(struct reader *reader)
{
	const struct policy *policy = reader->policy;

	for (size_t i = 1; i < policy->nat_count; i++) {
		const struct nat *nat = &policy->nats[i];

		for (size_t j = 0; nat->kind == NAT_FORWARD && j < i; j++) {
			const struct nat *before = &policy->nats[j];

			if (before->kind != NAT_FORWARD || !share_port(before, nat) ||
			    !share_zone(before, nat))
				continue;
			faults_warn(reader->faults, nat->position,
				    "forward %s in line %u takes a port of this one",
				    quote(before->id).text, before->position.line);
			break;
		}
	}
}

static bool lets_something_in(const struct policy *policy)
{
	if (policy->default_input == VERDICT_ALLOW)
		return true;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].to.host &&
		    policy->rules[i].verdict == VERDICT_ALLOW)
			return true;
	return false;
}

void check_policy(struct reader *reader)
{
	if (!lets_something_in(reader->policy))
		faults_warn(reader->faults, (struct position){ 0, 0 },
			    "nothing may come in: no rule allows anything to host");
	warn_unused(reader, &reader->lists);
	warn_unused(reader, &reader->services);
	if (reader->policy->nat_count <= FORWARDS_MAX)
		warn_forwards(reader);
}
