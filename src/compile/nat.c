/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/nat.h"

#include "compile/action.h"
#include "compile/build.h"
#include "compile/frame.h"
#include "compile/list.h"
#include "compile/match.h"

enum { FIB_TYPE_LOCAL = 2 };

static bool names_zone(const uint32_t *zones, size_t count, uint32_t zone)
{
	for (size_t i = 0; i < count; i++) {
		if (zones[i] == zone)
			return true;
	}
	return false;
}

static bool has_kind(const struct policy *policy, enum nat_kind kind)
{
	for (size_t i = 0; i < policy->nat_count; i++) {
		if (policy->nats[i].kind == kind)
			return true;
	}
	return false;
}

static const char **make_targets(struct build *build)
{
	return build_alloc(build, build->policy->zone_count + 1, sizeof(char *));
}

/* What is not translated ends as what is allowed: see action.h. */
static void emit_dispatch(struct build *build, const char *chain, const char *key,
			  const char *const *targets)
{
	dispatch_emit(build, chain, key, targets);
	build_rule(build, chain, "goto " CHAIN_ALLOWED);
}

static void write_ports(struct buffer *out, struct port_range ports)
{
	buffer_printf(out, "%u", ports.first);
	if (ports.last != ports.first)
		buffer_printf(out, "-%u", ports.last);
}

/* Ports that move are told one by one: the kernel would choose any of a range. */
static void write_port_map(struct buffer *out, const struct nat *nat,
			   const char *address)
{
	buffer_text(out, "th dport map { ");
	for (uint32_t i = 0; i <= (uint32_t)(nat->port.last - nat->port.first); i++)
		buffer_printf(out, i ? ", %u : %s . %u" : "%u : %s . %u",
			      nat->port.first + i, address, nat->target_port.first + i);
	buffer_text(out, " }");
}

static void emit_forward(struct build *build, const char *chain, const struct nat *nat)
{
	struct buffer *out = &build->rules;
	enum family family = nat->target.family;
	char address[ADDRESS_TEXT_MAX];
	build_rule_begin(build, chain);
	match_family(out, family == FAMILY_IPV4 ? FAMILIES_IPV4 : FAMILIES_IPV6);
	buffer_printf(out, "fib daddr type %d meta l4proto %u th dport ",
		      FIB_TYPE_LOCAL, nat->protocol);
	write_ports(out, nat->port);
	address_format(nat->target, address);
	buffer_printf(out, " dnat %s to ", family_keyword(family));
	if (nat->port.first == nat->target_port.first)
		buffer_text(out, address);
	else if (nat->port.first != nat->port.last)
		write_port_map(out, nat, address);
	else
		buffer_printf(out, family == FAMILY_IPV4 ? "%s:%u" : "[%s]:%u", address,
			      nat->target_port.first);
	build_rule_end(build);
}

static void emit_forwards(struct build *build)
{
	const struct policy *policy = build->policy;
	const char **targets = make_targets(build);

	if (!targets || !has_kind(policy, NAT_FORWARD))
		return;
	build_base_chain(build, "nat.pre",
			 "type nat hook prerouting priority -100; policy accept;");
	for (uint32_t zone = 0; zone < policy->zone_count; zone++) {
		for (size_t i = 0; i < policy->nat_count; i++) {
			const struct nat *nat = &policy->nats[i];

			if (nat->kind != NAT_FORWARD ||
			    !names_zone(nat->from_zones, nat->from_zone_count, zone))
				continue;
			if (!targets[zone]) {
				targets[zone] = build_text(build, "dnat.%s",
							   zone_name(build, zone));
				build_chain(build, targets[zone]);
			}
			emit_forward(build, targets[zone], nat);
		}
	}
	for (uint32_t zone = 0; zone < policy->zone_count; zone++) {
		if (targets[zone])
			build_rule(build, targets[zone], "goto " CHAIN_ALLOWED);
	}
	emit_dispatch(build, "nat.pre", "iifname", targets);
}

static void emit_masquerade(struct build *build, const char *chain,
			    const struct nat *nat)
{
	uint8_t families = 0;

	if (nat->ipv4)
		families |= FAMILIES_IPV4;
	if (nat->ipv6)
		families |= FAMILIES_IPV6;
	build_rule_begin(build, chain);
	match_family(&build->rules, families);
	buffer_printf(&build->rules, "counter name \"" COUNTER_PREFIX "%s\" masquerade",
		      nat->id);
	build_rule_end(build);
}

/* The chain of what goes from one zone to another, NULL where nothing is done. */
static const char *emit_pair(struct build *build, uint32_t from, uint32_t to)
{
	const struct policy *policy = build->policy;
	const char *chain = NULL;

	for (size_t i = 0; i < policy->nat_count; i++) {
		const struct nat *nat = &policy->nats[i];

		if (nat->kind != NAT_MASQUERADE ||
		    !names_zone(nat->from_zones, nat->from_zone_count, from) ||
		    !names_zone(nat->to_zones, nat->to_zone_count, to))
			continue;
		if (!chain) {
			chain = pair_chain(build, "masq", from, to);
			build_chain(build, chain);
		}
		emit_masquerade(build, chain, nat);
	}
	if (chain)
		build_rule(build, chain, "goto " CHAIN_ALLOWED);
	return chain;
}

static bool emit_from(struct build *build, const char *chain, uint32_t from)
{
	const struct policy *policy = build->policy;
	const char **targets = make_targets(build);
	bool any = false;

	for (uint32_t to = 0; targets && to < policy->zone_count; to++) {
		targets[to] = emit_pair(build, from, to);
		any |= targets[to] != NULL;
	}
	if (!any)
		return false;
	build_chain(build, chain);
	emit_dispatch(build, chain, "oifname", targets);
	return true;
}

static void emit_masquerades(struct build *build)
{
	const struct policy *policy = build->policy;
	const char **targets = make_targets(build);

	if (!targets || !has_kind(policy, NAT_MASQUERADE))
		return;
	build_base_chain(build, "nat.post",
			 "type nat hook postrouting priority 100; policy accept;");
	for (uint32_t from = 0; from < policy->zone_count; from++) {
		const char *chain =
			build_text(build, "masq.%s", zone_name(build, from));

		if (emit_from(build, chain, from))
			targets[from] = chain;
	}
	emit_dispatch(build, "nat.post", "iifname", targets);
}

void nat_emit(struct build *build)
{
	emit_forwards(build);
	emit_masquerades(build);
}

void list_emit_forward(struct build *build, const struct list *list,
		       const struct entry *entry)
{
	const struct nat *nat = entry->nat;
	struct buffer *out = &build->rules;
	char address[ADDRESS_TEXT_MAX];

	build_rule_begin(build, list->chain);
	buffer_printf(out, "ct status dnat meta l4proto %u ct original proto-dst ",
		      nat->protocol);
	write_ports(out, nat->port);
	buffer_printf(out, " %s daddr %s th dport ", family_keyword(nat->target.family),
		      address_format(nat->target, address));
	write_ports(out, nat->target_port);
	buffer_printf(out, " goto r.%u", entry->number);
	build_rule_end(build);
}
