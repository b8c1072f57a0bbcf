/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random policies, and random packets on the real kernel: the optimised ruleset, the
 * plain one, and a few lines here that read the policy (decide()) agree on which rule
 * decides each packet and on whether it comes out. VIGIL_SEED and VIGIL_POLICIES choose
 * another run; the seed of each policy is printed when it fails.
 */
#include <nftables/libnftables.h>
#include <time.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/compile.h"
#include "compile/transition.h"
#include "policy/policy.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/loading.h"
#include "tests/kernel/oracle.h"
#include "tests/kernel/probe.h"

enum { PACKETS = 150, POLICIES = 200 };

struct trial {
	struct oracle oracle;
	struct probe_packet packets[PACKETS];
	struct told outcomes[2][PACKETS]; /* optimised, plain */
	struct told *current;
};

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

static bool agree(const struct told *a, const struct told *b)
{
	return strcmp(a->decider, b->decider) == 0 && a->came_out == b->came_out;
}

static size_t compare(const struct trial *trial)
{
	size_t wrong = 0;

	for (size_t i = 0; i < PACKETS; i++) {
		struct told right = decide(&trial->oracle, &trial->packets[i]);
		const struct told *optimised = &trial->outcomes[0][i];
		const struct told *plain = &trial->outcomes[1][i];

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
	time_t now = time(NULL);
	struct tm utc;
	int32_t local_s;

	memset(trial, 0, sizeof(*trial));
	gmtime_r(&now, &utc);
	trial->oracle.now_s = ((utc.tm_wday * 24 + utc.tm_hour) * 60 + utc.tm_min) * 60;
	trial->oracle.utc_offset_s = ((int32_t)random_below(27) - 12) * 3600;
	local_s =
		(trial->oracle.now_s + trial->oracle.utc_offset_s + 7 * 86400) % 86400;
	write_policy(text, local_s);
	trial->oracle.policy = read_policy(text->data);
	for (uint32_t i = 0; i < WORLD_FEEDS; i++)
		random_feed(&trial->oracle.feeds[i], i);
	for (uint32_t i = 0; i < PACKETS; i++)
		trial->packets[i] = random_packet(i);
}

static void free_trial(struct trial *trial)
{
	policy_free(trial->oracle.policy);
	for (size_t i = 0; i < WORLD_FEEDS; i++)
		address_set_done(&trial->oracle.feeds[i]);
}

/* One policy. Return: how many packets were decided wrongly. */
static size_t try_policy(struct probe *probe, struct nft_ctx *nft, uint64_t seed)
{
	static struct trial trial;
	auto_buffer struct buffer text = BUFFER_NULL;
	size_t wrong;

	random_start(seed);
	make_trial(&trial, &text);
	for (int plain = 0; plain < 2; plain++) {
		load_policy(nft, trial.oracle.policy, trial.oracle.feeds,
			    trial.oracle.utc_offset_s, plain);
		observe(probe, &trial, plain);
	}
	wrong = compare(&trial);
	if (wrong)
		fprintf(stderr, "%s\nVIGIL_SEED=%llu VIGIL_POLICIES=1 shows it again\n",
			text.data, (unsigned long long)seed);
	free_trial(&trial);
	return wrong;
}

int main(void)
{
	uint64_t seed = random_setting("VIGIL_SEED", (uint64_t)time(NULL));
	uint64_t policies = random_setting("VIGIL_POLICIES", POLICIES), failed = 0;
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
