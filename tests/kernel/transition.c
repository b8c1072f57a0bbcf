/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transitions through the real helper. Whatever was there before, in the end the kernel
 * holds what a fresh load of the last policy gives. And during 200 reloads between two
 * policies that both forbid some traffic, none of it passes. VIGIL_SEED chooses another
 * run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/helper.h"
#include "agent/kernel.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/compile.h"
#include "compile/transition.h"
#include "policy/policy.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/random_policy.h"

enum { CHAINS_OF_POLICIES = 12, POLICIES_IN_A_ROW = 5, RELOADS = 200, FEEDS = 3 };

/* One state that the kernel is to hold. It stays where it is: images point to feeds. */
struct version {
	struct policy *policy;
	struct address_set feeds[FEEDS];
	uint32_t generations[FEEDS];
	uint32_t static_generation;
	struct image *image;
};

static int helper;
static struct numbering *numbering;

static void compile(struct version *version)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct compile_input input = {
		.policy = version->policy,
		.feeds = version->feeds,
		.feed_generations = version->generations,
		.static_generation = version->static_generation,
		.numbering = numbering,
		.plain = false,
	};

	image_free(version->image);
	version->image = NULL;
	probe_must(compile_policy(&input, &version->image, &faults) == 0,
		   "compile_policy");
}

static void random_list(struct address_set *feed, uint32_t net)
{
	uint32_t count = random_below(60);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = random_below(4000), last = first + random_below(3);
		uint32_t base = 10u << 24 | net << 16;
		uint128_t base6 = (uint128_t)0x20010db8u << 96 | (uint128_t)net << 80;
		struct address_range v4 = { FAMILY_IPV4, base + first, base + last };
		struct address_range v6 = { FAMILY_IPV6, base6 + first, base6 + last };

		address_set_add(feed, random_chance(50) ? v4 : v6);
	}
	address_set_finish(feed);
}

static struct version *make_version(const char *text)
{
	struct version *version = calloc(1, sizeof(*version));

	probe_must(version, "memory");
	version->policy = read_policy(text);
	for (uint32_t i = 0; i < FEEDS; i++)
		random_list(&version->feeds[i], i);
	return version;
}

static void free_version(struct version *version)
{
	if (!version)
		return;
	image_free(version->image);
	policy_free(version->policy);
	for (size_t i = 0; i < FEEDS; i++)
		address_set_done(&version->feeds[i]);
	free(version);
}

static struct inventory list_table(void)
{
	struct inventory inventory = { 0 };

	probe_must(kernel_inventory(helper, &inventory, NULL) == 0,
		   "listing the table");
	return inventory;
}

static void send_step(const struct step *step)
{
	struct helper_refusal refusal = { 0 };
	int r;

	if (step->kind == STEP_SCRIPT)
		r = helper_apply_script(helper, step->data, step->size_bytes, &refusal);
	else
		r = helper_apply_elements(helper, step->data, step->size_bytes,
					  step->atomic, &refusal);
	if (r < 0) {
		fprintf(stderr, "%s\nhelper refuses: %s: line %u: %s\n",
			step->kind == STEP_SCRIPT ? step->data : "elements",
			strerror(-r), refusal.line, refusal.text);
		exit(1);
	}
}

/* Where sets' contents are not known or not right, all get new names. */
static void plan(const struct version *committed, const struct inventory *inventory,
		 struct version *wanted, struct transition *ret)
{
	const struct image *image = committed ? committed->image : NULL;
	int r;

	compile(wanted);
	r = transition_plan(image, inventory, wanted->image, ret);
	if (r == -EUCLEAN) {
		uint32_t generation = inventory_free_generation(inventory);

		for (size_t i = 0; i < FEEDS; i++)
			wanted->generations[i] = generation;
		wanted->static_generation = generation;
		compile(wanted);
		r = transition_plan(image, inventory, wanted->image, ret);
	}
	probe_must(r == 0, "transition_plan");
}

/* @steps: leave off after so many, as if the agent had died. */
static void move_to(const struct version *committed, struct version *wanted,
		    size_t steps)
{
	struct inventory inventory = list_table();
	struct transition transition;

	plan(committed, &inventory, wanted, &transition);
	for (size_t i = 0; i < transition.step_count && i < steps; i++)
		send_step(&transition.steps[i]);
	transition_done(&transition);
	inventory_done(&inventory);
}

static int compare_blocks(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The listing without the order in which objects were made. */
static char *list_in_order(void)
{
	auto_free char *text = harness_capture("nft -s list table inet vigil");
	char *blocks[8192], *at = strchr(text, '\n'), *end;
	struct buffer out = BUFFER_NULL;
	size_t count = 0;
	char *ordered;

	probe_must(at, "an empty listing");
	at++;

	while ((end = strstr(at, "\n\t}\n")) && count < ARRAY_SIZE(blocks)) {
		end[3] = '\0';
		blocks[count++] = at + strspn(at, "\n");
		at = end + 4;
	}
	qsort(blocks, count, sizeof(*blocks), compare_blocks);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&out, "%s\n", blocks[i]);
	probe_must(buffer_take(&out, &ordered, NULL) == 0, "memory");
	return ordered;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* What is there now is what a fresh load gives, to the letter. */
static void check_against_fresh_load(struct version *last)
{
	auto_free char *found = list_in_order();
	auto_free char *fresh = NULL;

	harness_must("nft delete table inet vigil");
	move_to(NULL, last, STEPS_MAX);
	fresh = list_in_order();
	if (strcmp(found, fresh) == 0)
		return;
	write_file("build/transition.found", found);
	write_file("build/transition.fresh", fresh);
	fprintf(stderr, "the table differs from a fresh load: diff -u "
			"build/transition.fresh build/transition.found\n");
	exit(1);
}

/* @text: of the last one; sometimes it stays and only the feeds change. */
static struct version *next_version(const struct version *committed,
				    struct buffer *text)
{
	struct version *version;

	if (text->size_bytes == 0 || random_chance(70)) {
		buffer_clear(text);
		write_policy(text, 12 * 3600);
	}
	version = make_version(text->data);
	if (!committed)
		return version;
	memcpy(version->generations, committed->generations,
	       sizeof(version->generations));
	version->static_generation = committed->static_generation;
	return version;
}

static void walk_policies(void)
{
	struct version *committed = NULL, *wanted;
	auto_buffer struct buffer text = BUFFER_NULL;

	for (size_t i = 0; i < POLICIES_IN_A_ROW; i++) {
		/* What the agent knows, which it may forget. */
		const struct version *known = random_chance(80) ? committed : NULL;

		if (random_chance(20)) {
			/* It dies after the first step. */
			wanted = next_version(known, &text);
			move_to(known, wanted, 1);
			free_version(wanted);
			known = NULL;
		}
		wanted = next_version(known, &text);
		move_to(known, wanted, STEPS_MAX);
		free_version(committed);
		committed = wanted;
	}
	check_against_fresh_load(committed);
	free_version(committed);
	harness_must("nft delete table inet vigil");
}

static const char *const forbidding[] = {
	"version: 1\n"
	"zones: { wan: t0, lan: t1 }\n"
	"defaults: { input: drop, forward: drop, output: allow }\n"
	"rules:\n"
	"  - { id: dns, from: wan, to: host, allow: { udp: 53 } }\n"
	"  - { id: out, from: lan, to: wan, allow: all }\n",

	"version: 1\n"
	"zones: { wan: [t0, x0], dmz: tb0, lan: t1 }\n"
	"groups: { some: [10.0.0.0/30, 10.0.0.9, 10.0.0.33-10.0.0.50] }\n"
	"ban: [10.0.0.60]\n"
	"defaults: { input: allow, forward: allow, output: allow }\n"
	"rules:\n"
	"  - { id: some, from: { group: some }, to: host, drop: { udp: [7, 9] } }\n"
	"  - { id: nine, from: any, to: host, reject: { udp: 9 } }\n"
	"  - { id: between, from: wan, to: lan, drop: { udp: 9 } }\n"
	"  - { id: more, from: wan, to: [lan, dmz], allow: all }\n",
};

/* Send what both forbid until told to stop. */
static void flood(struct probe *probe)
{
	for (uint32_t serial = 0;; serial++) {
		struct probe_packet packet = {
			.direction = serial % 2 ? DIRECTION_FORWARD : DIRECTION_INPUT,
			.source = { FAMILY_IPV4, 0x0a000000 | serial % WORLD_HOSTS },
			.destination = { FAMILY_IPV4,
					 serial % 2 ? 0x0a020105 : 0x0a010005 },
			.protocol = IPPROTO_UDP,
			.port = 9,
			.serial = serial,
		};

		probe_send(probe, &packet);
	}
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	probe_must(fd >= 0 &&
			   bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0,
		   "bind");
	return fd;
}

static void count_packet(uint32_t serial, size_t device, void *context)
{
	(void)serial;
	(void)device;
	(*(size_t *)context)++;
}

/* How many forbidden packets came through. */
static size_t count_passed(struct probe *probe, int socket_fd)
{
	char byte;
	size_t passed = 0;

	while (recv(socket_fd, &byte, sizeof(byte), 0) >= 0)
		passed++;
	probe_read_device(probe, 1, count_packet, &passed);
	return passed;
}

static void reload_under_traffic(struct probe *probe)
{
	struct version *versions[] = { make_version(forbidding[0]),
				       make_version(forbidding[1]) };
	int socket_fd = listen_at(9);
	pid_t flooder;
	size_t passed = 0;

	move_to(NULL, versions[0], STEPS_MAX);
	flooder = fork();
	probe_must(flooder >= 0, "fork");
	if (flooder == 0)
		flood(probe);
	for (size_t i = 1; i <= RELOADS; i++) {
		move_to(versions[(i + 1) % 2], versions[i % 2], STEPS_MAX);
		passed += count_passed(probe, socket_fd);
	}
	/* Without the rules it does come through both ways. */
	harness_must("nft delete table inet vigil");
	usleep(20000);
	if (count_passed(probe, socket_fd) < 2 || passed > 0) {
		fprintf(stderr, "%zu forbidden packets passed\n", passed);
		harness_end(flooder);
		exit(1);
	}
	harness_end(flooder);
	close(socket_fd);
	free_version(versions[0]);
	free_version(versions[1]);
}

int main(void)
{
	uint64_t seed = random_setting("VIGIL_SEED", (uint64_t)time(NULL));
	struct helper_refusal refusal = { 0 };
	struct probe probe;
	pid_t pid;

	printf("1..2\n# VIGIL_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	random_start(seed);
	harness_enter();
	world_make(&probe);
	helper = harness_helper(&pid);
	numbering = numbering_new();
	probe_must(numbering && helper_hello(helper, &refusal) == 0, "helper_hello");
	for (size_t i = 0; i < CHAINS_OF_POLICIES; i++)
		walk_policies();
	printf("ok 1 - any_policy_becomes_any_other\n");
	reload_under_traffic(&probe);
	printf("ok 2 - nothing_forbidden_passes_during_reloads\n");
	numbering_free(numbering);
	close(helper);
	waitpid(pid, NULL, 0);
	probe_close(&probe);
	return 0;
}
