/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets to a port of this machine that is forwarded: the rules of forwarded traffic
 * see where they go, and where none decides, the forward lets them through.
 */
#include "diagram/lowering.h"

#include <netinet/in.h>

static struct span port_span(const struct nat *nat, uint32_t first, uint32_t last)
{
	uint32_t base = (uint32_t)nat->protocol << 16;

	return (struct span){ base | first, base | last };
}

/* Ports of this machine whose packets arrive at a rule's. Return: as lowering_set(). */
static int find_ports(struct space *space, const struct nat *nat,
		      const struct traffic_list *list, uint32_t *ret)
{
	auto_spans struct spans spans = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		if (traffic->protocol != nat->protocol)
			continue;
		if (traffic->range_count == 0)
			spans_add(&spans,
				  port_span(nat, nat->port.first, nat->port.last));
		for (size_t j = 0; j < traffic->range_count; j++) {
			uint32_t first = traffic->ranges[j].first;
			uint32_t last = traffic->ranges[j].last;

			if (first < nat->target_port.first)
				first = nat->target_port.first;
			if (last > nat->target_port.last)
				last = nat->target_port.last;
			if (first > last)
				continue;
			first = first - nat->target_port.first + nat->port.first;
			last = last - nat->target_port.first + nat->port.first;
			spans_add(&spans, port_span(nat, first, last));
		}
	}
	if (list->count == 0)
		spans_add(&spans, port_span(nat, nat->port.first, nat->port.last));
	return lowering_set(space, DIM_SERVICE, &spans, ret);
}

static int add_rule(struct space *space, struct rule_list *list, const struct nat *nat,
		    uint32_t index)
{
	const struct rule *rule = &list->input.policy->rules[index];
	struct judge decider = list->deciders[index];
	uint32_t sets[DIMENSIONS_MAX] = { SET_ALL };
	struct alternatives from, to;
	int r = find_ports(space, nat, &rule->traffic, &sets[DIM_SERVICE]);

	if (r > 0)
		r = lowering_zones(space, list, DIM_IN, &rule->from, nat,
				   &sets[DIM_IN]);
	if (r > 0)
		r = lowering_zones(space, list, DIM_OUT, &rule->to, NULL,
				   &sets[DIM_OUT]);
	if (r > 0)
		r = lowering_time(space, &rule->schedule, &sets[DIM_TIME]);
	if (r <= 0)
		return r;
	r = lowering_reaches(space, list, &rule->to, nat, &to);
	if (!r && to.count > 0)
		r = lowering_addresses(space, list, &rule->from, DIM_SOURCE, &from);
	if (r || to.count == 0)
		return r;
	decider.nat = nat;
	r = lowering_decider(space, list, decider);
	return r ? r
		 : lowering_ends(space, list, sets, &from, &to,
				 (uint32_t)list->decider_count - 1);
}

static int add_forward(struct space *space, struct rule_list *list,
		       const struct nat *nat)
{
	const struct policy *policy = list->input.policy;
	uint32_t sets[DIMENSIONS_MAX] = { SET_ALL };
	int r = 0;

	for (uint32_t i = 0; i < policy->rule_count && r >= 0; i++)
		if (!policy->rules[i].to.host && !policy->rules[i].from.host)
			r = add_rule(space, list, nat, i);
	if (r >= 0)
		r = find_ports(space, nat, &(struct traffic_list){ 0 },
			       &sets[DIM_SERVICE]);
	if (r > 0)
		r = lowering_zones(space, list, DIM_IN, NULL, nat, &sets[DIM_IN]);
	if (r <= 0)
		return r;
	r = lowering_decider(space, list,
			     (struct judge){
				     .kind = JUDGE_NAT,
				     .id = nat->id,
				     .line = nat->position.line,
				     .nat = nat,
				     .verdict = VERDICT_ALLOW,
			     });
	return r ? r
		 : lowering_entry(space, list, sets, (uint32_t)list->decider_count - 1);
}

int translation_make(struct space *space, struct rule_list *list)
{
	const struct policy *policy = list->input.policy;
	int error = 0;

	for (size_t i = 0; i < policy->nat_count && !error; i++) {
		const struct nat *nat = &policy->nats[i];

		if (nat->kind == NAT_FORWARD && nat->target.family == space->family)
			error = add_forward(space, list, nat);
	}
	return error;
}
