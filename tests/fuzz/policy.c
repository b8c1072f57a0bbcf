/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a policy: never a crash, a leak, or a policy that breaks its promises.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_set(const struct address_set *set)
{
	for (size_t i = 0; i < set->count4; i++) {
		assert(set->v4[i].first <= set->v4[i].last);
		assert(i == 0 || set->v4[i].first > (uint64_t)set->v4[i - 1].last + 1);
	}
	for (size_t i = 0; i < set->count6; i++) {
		assert(set->v6[i].first <= set->v6[i].last);
		assert(i == 0 || (~set->v6[i - 1].last != 0 &&
				  set->v6[i].first > set->v6[i - 1].last + 1));
	}
}

static void check_endpoint(const struct policy *policy, const struct endpoint *end)
{
	assert(end->host + end->any_zone + (end->zone_count > 0) == 1);
	for (size_t i = 0; i < end->zone_count; i++) {
		assert(end->zones[i] < policy->zone_count);
		assert(i == 0 || end->zones[i] > end->zones[i - 1]);
	}
	for (size_t i = 0; i < end->feed_count; i++)
		assert(end->feeds[i] < policy->feed_count);
	assert(end->restricted ==
	       (end->feed_count > 0 || !address_set_empty(&end->addresses)));
	check_set(&end->addresses);
}

static void check_traffic(const struct traffic_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		assert(i == 0 || traffic->protocol > list->items[i - 1].protocol);
		for (size_t j = 0; j < traffic->range_count; j++) {
			assert(traffic->ranges[j].first <= traffic->ranges[j].last);
			assert(j == 0 || traffic->ranges[j].first >
						 traffic->ranges[j - 1].last + 1);
		}
	}
}

static void check_policy(const struct policy *policy)
{
	for (size_t i = 0; i < policy->zone_count; i++)
		assert(policy->zones[i].name && policy->zones[i].interface_count > 0);
	for (size_t i = 0; i < policy->feed_count; i++) {
		assert(policy->feeds[i].name && policy->feeds[i].file);
		check_set(&policy->feeds[i].never);
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		assert(rule->id && strlen(rule->id) <= NAME_MAX_CHARS);
		assert(!(rule->from.host && rule->to.host));
		check_endpoint(policy, &rule->from);
		check_endpoint(policy, &rule->to);
		check_traffic(&rule->traffic);
		assert(rule->limit.scope == LIMIT_NONE ||
		       (rule->limit.count > 0 && rule->limit.burst > 0 &&
			rule->limit.period_s > 0));
		assert(rule->connections.scope == LIMIT_NONE ||
		       rule->connections.max > 0);
	}
	for (size_t i = 0; i < policy->nat_count; i++) {
		const struct nat *nat = &policy->nats[i];

		assert(nat->id && nat->from_zone_count > 0);
		if (nat->kind == NAT_MASQUERADE)
			assert(nat->to_zone_count > 0 && (nat->ipv4 || nat->ipv6));
		else
			assert(nat->protocol && nat->port.first > 0 &&
			       nat->target_port.first > 0 &&
			       nat->port.last - nat->port.first ==
				       nat->target_port.last - nat->target_port.first);
	}
	check_set(&policy->ban);
	assert(policy->flows.mark_mask != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	auto_buffer struct buffer out = BUFFER_NULL;
	int error = policy_read((const char *)data, size_bytes, &policy, &faults);

	assert(error == 0 || error == -EINVAL);
	assert((error == 0) == (faults.errors == 0));
	assert((error == 0) == (policy != NULL));
	faults_render(&faults, "policy.yml", (const char *)data, size_bytes, true,
		      &out);
	if (policy)
		check_policy(policy);
	return 0;
}
