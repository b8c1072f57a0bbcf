/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small sections: ban, defaults and flows. */
#include "policy/addresses.h"
#include "policy/reader.h"
#include "policy/scalar.h"

void read_ban(struct reader *reader, const struct node *node)
{
	struct selection selection = { .addresses = ADDRESS_SET_NULL };
	struct policy *policy = reader->policy;

	if (node_is_null(node))
		return;
	read_addresses(reader, node, ADMIT_ADDRESSES | ADMIT_GROUPS | ADMIT_FEEDS,
		       "ban", &selection);
	policy->ban = selection.addresses;
	policy->ban_feeds = selection.feeds;
	policy->ban_feed_count = selection.feed_count;
}

void read_defaults(struct reader *reader, const struct node *node)
{
	static const char *const keys[] = { "input", "forward", "output", NULL };
	struct policy *policy = reader->policy;
	enum verdict *const verdicts[] = { &policy->default_input,
					   &policy->default_forward,
					   &policy->default_output };

	if (node_is_null(node) ||
	    !reader_map_like(reader, node, "defaults",
			     filled_in("{ input: ", node->text, "drop",
				       ", forward: drop, output: allow }")))
		return;
	reader_keys(reader, node, "defaults", keys);
	for (size_t i = 0; keys[i]; i++) {
		const struct node *value = node_find(node, keys[i]);

		if (value)
			reader_verdict(reader, value, keys[i], verdicts[i]);
	}
}

void read_flows(struct reader *reader, const struct node *node)
{
	static const char *const keys[] = { "keep", "max_size", "denied", "mark",
					    NULL };
	struct flow_settings *flows = &reader->policy->flows;
	const struct node *value;

	if (!reader_section(reader, node, "flows"))
		return;
	reader_keys(reader, node, "flows", keys);
	value = node_find(node, "keep");
	if (value)
		scalar_duration(reader, value, "keep", 3600, 3650 * 86400,
				&flows->keep_s);
	value = node_find(node, "max_size");
	if (value)
		scalar_size(reader, value, "max_size", 16ull << 20, 1ull << 40,
			    &flows->max_size_bytes);
	value = node_find(node, "denied");
	if (value)
		scalar_bool(reader, value, "denied", &flows->denied);
	value = node_find(node, "mark");
	if (value)
		scalar_mask(reader, value, &flows->mark_mask);
}
