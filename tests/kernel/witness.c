/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a plan says of its packets is so: random pairs of policies are compared, and the
 * packet of each difference is put into the real kernel under the old policy and under
 * the new one. VIGIL_SEED and VIGIL_POLICIES choose another run.
 */
#include <time.h>

#include "diagram/difference.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/loading.h"
#include "tests/kernel/oracle.h"
#include "tests/kernel/probe.h"

enum { PAIRS = 10, WITNESSES = 30 };

struct trial {
	struct policy *policies[2];
	struct address_set feeds[WORLD_FEEDS];
	const struct change *changes[WITNESSES];
	struct told outcomes[2][WITNESSES];
	struct told *current;
	uint32_t count;
	uint32_t out_devices[WITNESSES];
};

static uint32_t device_named(const char *interface)
{
	for (uint32_t i = 0; i < WORLD_DEVICES - 1; i++)
		if (strcmp(world_devices[i], interface) == 0)
			return i;
	/* The one that is in no zone. */
	return WORLD_DEVICES - 1;
}

/* Not for networks, and nothing that only some machines have. */
static bool is_usual(struct address address)
{
	if (address.family == FAMILY_IPV4)
		return address.value >> 24 > 0 && address.value >> 24 < 224 &&
		       address.value >> 24 != 127;
	return address.value >> 120 < 0xfe && address.value > 0xffff;
}

static bool is_usable(const struct change *change)
{
	static const uint8_t protocols[] = {
		IPPROTO_TCP,    IPPROTO_UDP,  IPPROTO_ICMP,
		IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_GRE
	};
	const struct witness *witness = &change->witness;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		known |= witness->protocol == protocols[i];
	/* What comes in from itself is dropped before any rule. */
	if (witness->source.value == witness->destination.value)
		return false;
	/* Neighbour discovery is between neighbours. */
	if (witness->protocol == IPPROTO_ICMPV6 && witness->port != 128)
		return false;
	return known && !witness->timed && is_usual(witness->source) &&
	       is_usual(witness->destination);
}

static void note_log(uint32_t serial, const char *prefix, void *context)
{
	struct trial *trial = context;
	const char *id = strchr(prefix, ' ');

	if (serial < trial->count && id)
		snprintf(trial->current[serial].decider,
			 sizeof(trial->current[serial].decider), "%s", id + 1);
}

static void note_packet(uint32_t serial, size_t device, void *context)
{
	struct trial *trial = context;

	if (serial < trial->count && trial->out_devices[serial] == device)
		trial->current[serial].came_out = true;
}

static void route(const char *verb, const char *kind, struct address address,
		  const char *device)
{
	char text[ADDRESS_TEXT_MAX];

	harness_must("ip %s route %s %s %s dev %s",
		     address.family == FAMILY_IPV6 ? "-6" : "", verb, kind,
		     address_format(address, text), device);
}

/* Packets go where the witness says, also those that are translated. */
static void send_witness(struct probe *probe, const struct trial *trial,
			 uint32_t serial, const struct ruling *ruling)
{
	const struct change *change = trial->changes[serial];
	const struct witness *witness = &change->witness;
	bool input = witness->direction == DIRECTION_INPUT;
	const char *out = world_devices[trial->out_devices[serial]];
	struct probe_packet packet = {
		.direction = witness->direction,
		.device = input || witness->direction == DIRECTION_FORWARD
				  ? device_named(witness->in_interface)
				  : trial->out_devices[serial],
		.source = witness->source,
		.destination = witness->destination,
		.protocol = witness->protocol,
		.port = witness->port,
		.serial = serial,
	};

	route("replace", input ? "local" : "", witness->destination,
	      input ? "lo" : out);
	if (ruling->nat)
		route("replace", "", ruling->nat->target, out);
	probe_send(probe, &packet);
	probe_read_log(probe, note_log, (void *)trial);
	for (size_t i = 0; i < WORLD_DEVICES; i++)
		probe_read_device(probe, i, note_packet, (void *)trial);
	if (ruling->nat)
		route("del", "", ruling->nat->target, out);
	route("del", input ? "local" : "", witness->destination, input ? "lo" : out);
}

static const struct ruling *ruling_of(const struct change *change, size_t which)
{
	return which ? &change->after : &change->before;
}

static void observe(struct probe *probe, struct nft_ctx *nft, struct trial *trial,
		    size_t which)
{
	load_policy(nft, trial->policies[which], trial->feeds, 0, false);
	trial->current = trial->outcomes[which];
	memset(trial->current, 0, sizeof(trial->outcomes[which]));
	probe_forget(probe);
	for (uint32_t i = 0; i < trial->count; i++)
		send_witness(probe, trial, i, ruling_of(trial->changes[i], which));
}

/* What the plan says comes of the packet. Every random rule logs, and so does every
 * denial. */
static struct told planned(const struct change *change, size_t which)
{
	const struct ruling *ruling = ruling_of(change, which);
	struct told outcome = { .came_out = ruling->verdict == VERDICT_ALLOW };

	if (change->direction == DIRECTION_INPUT && !ruling->nat)
		outcome.came_out = false;
	if (ruling->rule || ruling->verdict != VERDICT_ALLOW)
		snprintf(outcome.decider, sizeof(outcome.decider), "%s %s", ruling->id,
			 verdict_name(ruling->verdict));
	return outcome;
}

static size_t compare(const struct trial *trial)
{
	size_t wrong = 0;

	for (size_t which = 0; which < 2; which++) {
		for (uint32_t i = 0; i < trial->count; i++) {
			struct told right = planned(trial->changes[i], which);
			const struct told *seen = &trial->outcomes[which][i];
			char text[PACKET_TEXT_MAX];
			struct packet packet;

			if (strcmp(right.decider, seen->decider) == 0 &&
			    right.came_out == seen->came_out)
				continue;
			witness_packet(&trial->changes[i]->witness, &packet);
			fprintf(stderr,
				"%s\n  plan, %s policy: '%s' %s\n  kernel: '%s' %s\n",
				packet_describe(&packet, text), which ? "new" : "old",
				right.decider, right.came_out ? "out" : "",
				seen->decider, seen->came_out ? "out" : "");
			wrong++;
		}
	}
	return wrong;
}

static void write_nat(struct buffer *text)
{
	buffer_text(text, "nat:\n");
	for (uint32_t i = 0; i < 2; i++)
		buffer_printf(text,
			      "  - forward: { from: %s, tcp: %u-%u, to: "
			      "\"10.2.1.%u:%u-%u\" }\n",
			      i ? "[wan, lan]" : "wan", i + 1, i + 3,
			      random_below(WORLD_HOSTS), i + 2, i + 4);
}

static struct policy *make_policy(struct buffer *text)
{
	write_policy(text, 0);
	if (random_chance(50))
		write_nat(text);
	return read_policy(text->data);
}

/* Differences from all over, not only the first. */
static void choose(struct trial *trial, const struct difference *difference)
{
	size_t step = difference->count / WITNESSES + 1;

	for (size_t i = random_below((uint32_t)step);
	     i < difference->count && trial->count < WITNESSES; i += step) {
		const struct change *change = &difference->changes[i];

		if (!is_usable(change))
			continue;
		trial->out_devices[trial->count] =
			device_named(change->witness.out_interface);
		trial->changes[trial->count++] = change;
	}
}

/* One pair. Return: how many packets fared otherwise than the plan says. */
static size_t try_pair(struct probe *probe, struct nft_ctx *nft, uint64_t seed,
		       size_t *tried)
{
	static struct trial trial;
	auto_buffer struct buffer before = BUFFER_NULL, after = BUFFER_NULL;
	auto_difference struct difference *difference = NULL;
	struct diagram_input inputs[2];
	size_t wrong;

	memset(&trial, 0, sizeof(trial));
	random_start(seed);
	trial.policies[0] = make_policy(&before);
	trial.policies[1] = make_policy(&after);
	for (uint32_t i = 0; i < WORLD_FEEDS; i++)
		random_feed(&trial.feeds[i], i);
	for (size_t i = 0; i < 2; i++)
		inputs[i] =
			(struct diagram_input){ trial.policies[i], trial.feeds, NULL };
	probe_must(difference_find(inputs, seed % 2, &difference) == 0,
		   "difference_find");
	choose(&trial, difference);
	for (size_t which = 0; which < 2; which++)
		observe(probe, nft, &trial, which);
	wrong = compare(&trial);
	if (wrong)
		fprintf(stderr,
			"%s\n%s\nVIGIL_SEED=%llu VIGIL_POLICIES=1 shows it again\n",
			before.data, after.data, (unsigned long long)seed);
	*tried += trial.count;
	for (size_t i = 0; i < 2; i++)
		policy_free(trial.policies[i]);
	for (uint32_t i = 0; i < WORLD_FEEDS; i++)
		address_set_done(&trial.feeds[i]);
	return wrong;
}

int main(void)
{
	uint64_t seed = random_setting("VIGIL_SEED", (uint64_t)time(NULL));
	uint64_t pairs = random_setting("VIGIL_POLICIES", PAIRS), failed = 0;
	size_t tried = 0;
	struct nft_ctx *nft;
	struct probe probe;

	harness_enter();
	/* Its socket belongs to the namespace that it is made in. */
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	probe_must(nft, "nft_ctx_new");
	world_make(&probe);
	/* Each packet brings its own route, also one to this machine. */
	harness_must("ip route del local 10.1.0.0/16 dev lo && "
		     "ip -6 route del local 2001:db8:1::/64 dev lo");
	nft_ctx_buffer_error(nft);
	printf("1..1\n# VIGIL_SEED=%llu, %llu pairs of policies\n",
	       (unsigned long long)seed, (unsigned long long)pairs);
	fflush(stdout);
	for (uint64_t i = 0; i < pairs && failed < 3; i++)
		failed += try_pair(&probe, nft, seed + i, &tried) != 0;
	nft_ctx_free(nft);
	probe_close(&probe);
	printf("# %zu packets\n", tried);
	failed += tried < pairs;
	printf("%s 1 - the_kernel_decides_about_each_packet_as_the_plan_says\n",
	       failed ? "not ok" : "ok");
	return failed ? 1 : 0;
}
