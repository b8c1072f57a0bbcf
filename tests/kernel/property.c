/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random policies, and random packets on the real kernel: the optimised ruleset, the
 * plain one, and a few lines here that read the policy (decide()) agree on which rule
 * decides each packet and on whether it comes out. VIGIL_SEED and VIGIL_POLICIES choose
 * another run; the seed of each policy is printed when it fails.
 */
#include <time.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/policy.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/loading.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/random_policy.h"

enum { PACKETS = 150, POLICIES = 200, FEEDS = LOADING_FEEDS };

struct outcome {
	char decider[128]; /* of the log, "" when nothing was logged */
	bool came_out;
};

struct trial {
	struct policy *policy;
	struct address_set feeds[FEEDS];
	int32_t utc_offset_s;
	int32_t now_s; /* of the week, UTC */
	struct probe_packet packets[PACKETS];
	struct outcome outcomes[2][PACKETS]; /* optimised, plain */
	struct outcome *current;
};

static uint32_t zone_of(const struct policy *policy, uint32_t device)
{
	for (uint32_t i = 0; i < policy->zone_count; i++) {
		if (strcmp(policy->zones[i].name, world_zones[device]) == 0)
			return i;
	}
	return UINT32_MAX;
}

static bool end_matches(const struct trial *trial, const struct endpoint *end,
			uint32_t zone, struct address address)
{
	bool in_zone = end->host || end->any_zone;

	for (size_t i = 0; i < end->zone_count; i++)
		in_zone |= end->zones[i] == zone;
	if (!in_zone || !end->restricted)
		return in_zone;
	for (size_t i = 0; i < end->feed_count; i++) {
		if (address_set_contains(&trial->feeds[end->feeds[i]], address))
			return true;
	}
	return address_set_contains(&end->addresses, address);
}

static bool traffic_matches(const struct traffic_list *list,
			    const struct probe_packet *packet)
{
	if (list->count == 0)
		return true;
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		if (traffic->protocol != packet->protocol)
			continue;
		if (traffic->range_count == 0)
			return true;
		for (size_t j = 0; j < traffic->range_count; j++) {
			if (packet->port >= traffic->ranges[j].first &&
			    packet->port <= traffic->ranges[j].last)
				return true;
		}
	}
	return false;
}

static bool schedule_matches(const struct trial *trial, const struct schedule *schedule)
{
	const int32_t day_s = 86400, week_s = 7 * day_s;
	int32_t local_s = (trial->now_s + trial->utc_offset_s + week_s) % week_s;
	int32_t today_s = local_s % day_s, day = local_s / day_s;
	bool over_midnight = schedule->to_s <= schedule->from_s;
	bool today = schedule->days >> day & 1;
	bool yesterday = schedule->days >> (day + 6) % 7 & 1;

	if (!schedule->set)
		return true;
	if (!over_midnight)
		return today && today_s >= (int32_t)schedule->from_s &&
		       today_s < (int32_t)schedule->to_s;
	return (today && today_s >= (int32_t)schedule->from_s) ||
	       (yesterday && today_s < (int32_t)schedule->to_s);
}

static enum direction rule_direction(const struct rule *rule)
{
	return rule->to.host     ? DIRECTION_INPUT
	       : rule->from.host ? DIRECTION_OUTPUT
				 : DIRECTION_FORWARD;
}

/* Behind which device a destination is. */
static uint32_t device_of(struct address address)
{
	if (address.family == FAMILY_IPV4)
		return (uint32_t)(address.value >> 8) & 0xff;
	return (uint32_t)(address.value >> 64) & 0xffff;
}

static bool is_banned(const struct trial *trial, const struct probe_packet *packet)
{
	const struct address_set *ban = &trial->policy->ban;

	if (address_set_contains(ban, packet->destination))
		return true;
	return packet->direction != DIRECTION_OUTPUT &&
	       address_set_contains(ban, packet->source);
}

static struct outcome expect(const struct probe_packet *packet, const char *id,
			     enum verdict verdict, bool logged)
{
	struct outcome outcome = { .came_out = verdict == VERDICT_ALLOW };

	if (packet->direction == DIRECTION_INPUT)
		outcome.came_out = false;
	if (logged)
		snprintf(outcome.decider, sizeof(outcome.decider), "%s %s", id,
			 verdict_name(verdict));
	return outcome;
}

/* What the policy says of a packet, told in the simplest way. */
static struct outcome decide(const struct trial *trial,
			     const struct probe_packet *packet)
{
	const struct policy *policy = trial->policy;
	enum verdict defaults[] = { policy->default_input, policy->default_forward,
				    policy->default_output };
	uint32_t from = zone_of(policy, packet->device);
	uint32_t to = zone_of(policy, device_of(packet->destination));
	char id[32];

	if (is_banned(trial, packet))
		return expect(packet, "ban", VERDICT_DROP, true);
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule_direction(rule) == packet->direction &&
		    end_matches(trial, &rule->from, from, packet->source) &&
		    end_matches(trial, &rule->to, to, packet->destination) &&
		    traffic_matches(&rule->traffic, packet) &&
		    schedule_matches(trial, &rule->schedule))
			return expect(packet, rule->id, rule->verdict, true);
	}
	snprintf(id, sizeof(id), "default.%s", direction_name(packet->direction));
	return expect(packet, id, defaults[packet->direction],
		      defaults[packet->direction] != VERDICT_ALLOW);
}

static struct address make_address(uint32_t net, uint32_t device, uint32_t host,
				   bool v6)
{
	struct address address = { FAMILY_IPV4, 10u << 24 | net << 16 | host };

	if (net == 2)
		address.value |= device << 8;
	if (!v6)
		return address;
	address.family = FAMILY_IPV6;
	address.value = (uint128_t)0x20010db8u << 96 | (uint128_t)net << 80 | host;
	if (net == 2)
		address.value |= (uint128_t)device << 64;
	return address;
}

/* Types that begin a connection as conntrack sees it. */
static uint16_t random_icmp_type(bool v6)
{
	static const uint16_t types4[] = { 8, 13, 15, 17 }, types6[] = { 128, 139 };

	return v6 ? types6[random_below(2)] : types4[random_below(4)];
}

static struct probe_packet random_packet(uint32_t serial)
{
	static const uint8_t protocols[] = { IPPROTO_TCP,  IPPROTO_TCP, IPPROTO_UDP,
					     IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_SCTP };
	bool v6 = random_chance(45);
	struct probe_packet packet = {
		.direction = (enum direction)random_below(3),
		.device = random_below(WORLD_DEVICES),
		.protocol = protocols[random_below(ARRAY_SIZE(protocols))],
		.port = (uint16_t)(1 + random_below(WORLD_PORTS + 4)),
		.serial = serial,
	};
	uint32_t out = random_below(WORLD_DEVICES);

	packet.source = make_address(packet.direction == DIRECTION_OUTPUT ? 1 : 0, 0,
				     random_below(WORLD_HOSTS), v6);
	packet.destination = make_address(packet.direction == DIRECTION_INPUT ? 1 : 2,
					  out, random_below(WORLD_HOSTS), v6);
	if (packet.protocol == IPPROTO_ICMP) {
		packet.protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		packet.port = random_icmp_type(v6);
	}
	return packet;
}

static void note_log(uint32_t serial, const char *prefix, void *context)
{
	struct trial *trial = context;
	const char *id = strchr(prefix, ' ');

	if (serial < PACKETS && id)
		snprintf(trial->current[serial].decider,
			 sizeof(trial->current[serial].decider), "%s", id + 1);
}

static void note_packet(uint32_t serial, size_t device, void *context)
{
	struct trial *trial = context;

	if (serial < PACKETS && device_of(trial->packets[serial].destination) == device)
		trial->current[serial].came_out = true;
}

static void observe(struct probe *probe, struct trial *trial, bool plain)
{
	trial->current = trial->outcomes[plain];
	memset(trial->current, 0, sizeof(trial->outcomes[plain]));
	probe_forget(probe);
	for (size_t i = 0; i < PACKETS; i++) {
		probe_send(probe, &trial->packets[i]);
		if (i % 32 == 31 || i == PACKETS - 1) {
			probe_read_log(probe, note_log, trial);
			for (size_t j = 0; j < WORLD_DEVICES; j++)
				probe_read_device(probe, j, note_packet, trial);
		}
	}
}

static void describe(const struct probe_packet *packet)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];

	fprintf(stderr, "%s %s: protocol %u, %s -> %s, port or type %u\n",
		direction_name(packet->direction), world_devices[packet->device],
		packet->protocol, address_format(packet->source, source),
		address_format(packet->destination, destination), packet->port);
}

static bool agree(const struct outcome *a, const struct outcome *b)
{
	return strcmp(a->decider, b->decider) == 0 && a->came_out == b->came_out;
}

static size_t compare(const struct trial *trial)
{
	size_t wrong = 0;

	for (size_t i = 0; i < PACKETS; i++) {
		struct outcome right = decide(trial, &trial->packets[i]);
		const struct outcome *optimised = &trial->outcomes[0][i];
		const struct outcome *plain = &trial->outcomes[1][i];

		if (agree(&right, optimised) && agree(&right, plain))
			continue;
		describe(&trial->packets[i]);
		fprintf(stderr,
			"  policy:    '%s' %s\n  optimised: '%s' %s\n"
			"  plain:     '%s' %s\n",
			right.decider, right.came_out ? "out" : "", optimised->decider,
			optimised->came_out ? "out" : "", plain->decider,
			plain->came_out ? "out" : "");
		wrong++;
	}
	return wrong;
}

static void make_trial(struct trial *trial, struct buffer *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	time_t now = time(NULL);
	struct tm utc;
	int32_t local_s;

	memset(trial, 0, sizeof(*trial));
	gmtime_r(&now, &utc);
	trial->now_s = ((utc.tm_wday * 24 + utc.tm_hour) * 60 + utc.tm_min) * 60;
	trial->utc_offset_s = ((int32_t)random_below(27) - 12) * 3600;
	local_s = (trial->now_s + trial->utc_offset_s + 7 * 86400) % 86400;
	write_policy(text, local_s);
	if (policy_read(text->data, text->size_bytes, &trial->policy, &faults) < 0) {
		fprintf(stderr, "%s\n%u: %s\n", text->data,
			faults.list[0].position.line, faults.list[0].text);
		exit(1);
	}
	for (uint32_t i = 0; i < FEEDS; i++)
		random_feed(&trial->feeds[i], i);
	for (uint32_t i = 0; i < PACKETS; i++)
		trial->packets[i] = random_packet(i);
}

static void free_trial(struct trial *trial)
{
	policy_free(trial->policy);
	for (size_t i = 0; i < FEEDS; i++)
		address_set_done(&trial->feeds[i]);
}

/* One policy. Return: how many packets were decided wrongly. */
static size_t try_policy(struct probe *probe, struct nft_ctx *nft, uint64_t seed)
{
	static struct trial trial;
	auto_buffer struct buffer text = BUFFER_NULL;
	size_t wrong;

	random_state = seed * 2654435761u + 88172645463325252u;
	make_trial(&trial, &text);
	for (int plain = 0; plain < 2; plain++) {
		load_policy(nft, trial.policy, trial.feeds, trial.utc_offset_s, plain);
		observe(probe, &trial, plain);
	}
	wrong = compare(&trial);
	if (wrong)
		fprintf(stderr, "%s\nVIGIL_SEED=%llu VIGIL_POLICIES=1 shows it again\n",
			text.data, (unsigned long long)seed);
	free_trial(&trial);
	return wrong;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
	uint64_t seed = setting("VIGIL_SEED", (uint64_t)time(NULL));
	uint64_t policies = setting("VIGIL_POLICIES", POLICIES), failed = 0;
	struct nft_ctx *nft;
	struct probe probe;

	harness_enter();
	/* Its socket belongs to the namespace that it is made in. */
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	probe_must(nft, "nft_ctx_new");
	world_make(&probe);
	nft_ctx_buffer_error(nft);
	printf("1..1\n# VIGIL_SEED=%llu, %llu policies, %d packets each\n",
	       (unsigned long long)seed, (unsigned long long)policies, PACKETS);
	fflush(stdout);
	for (uint64_t i = 0; i < policies && failed < 3; i++)
		failed += try_policy(&probe, nft, seed + i) != 0;
	nft_ctx_free(nft);
	probe_close(&probe);
	printf("%s 1 - optimised_plain_and_oracle_decide_the_same\n",
	       failed ? "not ok" : "ok");
	return failed ? 1 : 0;
}
