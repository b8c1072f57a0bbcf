/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defaults, address translation and what is remembered. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/protocol.h"
#include "compile/decider.h"
#include "diagram/editing.h"

static void find_default_edits(struct editing *editing, const struct policy *before,
			       const struct policy *after)
{
	for (enum direction direction = DIRECTION_INPUT; direction <= DIRECTION_OUTPUT;
	     direction++) {
		enum verdict old = default_verdict(before, direction);
		enum verdict new = default_verdict(after, direction);

		if (old != new)
			editing_detail(editing,
				       editing_add(editing, EDIT_CHANGED, "default",
						   direction_name(direction), 0),
				       "%s -> %s", verdict_name(old),
				       verdict_name(new));
	}
}

static void put_ports(struct buffer *out, struct port_range ports)
{
	buffer_printf(out, "%u", ports.first);
	if (ports.last != ports.first)
		buffer_printf(out, "-%u", ports.last);
}

static void put_nat(const struct policy *policy, const struct nat *nat,
		    struct buffer *out)
{
	char address[ADDRESS_TEXT_MAX];
	bool v6 = nat->target.family == FAMILY_IPV6;

	buffer_text(out, "from ");
	write_zones(out, policy, nat->from_zones, nat->from_zone_count);
	if (nat->kind == NAT_MASQUERADE) {
		buffer_text(out, " to ");
		write_zones(out, policy, nat->to_zones, nat->to_zone_count);
		buffer_text(out, nat->ipv4 && nat->ipv6 ? ""
				 : nat->ipv4            ? ", IPv4"
							: ", IPv6");
		return;
	}
	buffer_printf(out, " %s ", protocol_name(nat->protocol));
	put_ports(out, nat->port);
	buffer_printf(out, v6 ? " to [%s]:" : " to %s:",
		      address_format(nat->target, address));
	put_ports(out, nat->target_port);
}

static const struct nat *find_nat(const struct policy *policy, const struct nat *nat)
{
	for (size_t i = 0; i < policy->nat_count; i++)
		if (policy->nats[i].kind == nat->kind &&
		    strcmp(policy->nats[i].id, nat->id) == 0)
			return &policy->nats[i];
	return NULL;
}

static const char *kind_name(const struct nat *nat)
{
	return nat->kind == NAT_FORWARD ? "forward" : "masquerade";
}

static void tell_nat(struct editing *editing, enum edit_kind kind,
		     const struct policy *policy, const struct nat *nat)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	struct edit *edit =
		editing_add(editing, kind, kind_name(nat), nat->id, nat->position.line);

	put_nat(policy, nat, &text);
	if (text.error)
		editing->error = text.error;
	else
		editing_detail(editing, edit, "%s", text.data);
}

static void compare_nats(struct editing *editing, const struct nat *old,
			 const struct nat *nat)
{
	auto_buffer struct buffer before = BUFFER_NULL, after = BUFFER_NULL;
	struct edit *edit = editing_add(editing, EDIT_CHANGED, kind_name(nat), nat->id,
					nat->position.line);

	put_nat(editing->inputs[0].policy, old, &before);
	put_nat(editing->inputs[1].policy, nat, &after);
	if (before.error || after.error)
		editing->error = -ENOMEM;
	else if (strcmp(before.data, after.data) != 0)
		editing_detail(editing, edit, "%s -> %s", before.data, after.data);
	editing_drop(editing, edit);
}

static void find_nat_edits(struct editing *editing, const struct policy *before,
			   const struct policy *after)
{
	for (size_t i = 0; i < after->nat_count && !editing->error; i++) {
		const struct nat *nat = &after->nats[i];
		const struct nat *old = find_nat(before, nat);

		if (old)
			compare_nats(editing, old, nat);
		else
			tell_nat(editing, EDIT_ADDED, after, nat);
	}
	for (size_t i = 0; i < before->nat_count && !editing->error; i++)
		if (!find_nat(after, &before->nats[i]))
			tell_nat(editing, EDIT_REMOVED, before, &before->nats[i]);
}

static void put_flows(const struct flow_settings *flows, struct buffer *out)
{
	buffer_printf(out, "keep %us, at most %llu bytes, denied %s, mark 0x%08x",
		      flows->keep_s, (unsigned long long)flows->max_size_bytes,
		      flows->denied ? "yes" : "no", flows->mark_mask);
}

void find_setting_edits(struct editing *editing)
{
	const struct policy *before = editing->inputs[0].policy;
	const struct policy *after = editing->inputs[1].policy;
	auto_buffer struct buffer old = BUFFER_NULL, new = BUFFER_NULL;
	struct edit *edit;

	find_default_edits(editing, before, after);
	find_nat_edits(editing, before, after);
	put_flows(&before->flows, &old);
	put_flows(&after->flows, &new);
	edit = editing_add(editing, EDIT_CHANGED, "flows", "", 0);
	editing_texts(editing, edit, "settings", &old, &new);
	editing_drop(editing, edit);
}
