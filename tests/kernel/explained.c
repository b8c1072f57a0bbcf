/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trial tells of random packets and policies is what the oracle says of them:
 * the verdict and who decided. VIGIL_SEED and VIGIL_POLICIES choose another run.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/candidate.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "tests/kernel/harness.h"
#include "tests/kernel/oracle.h"
#include "trial/play.h"
#include "trial/stage.h"

enum { PACKETS = 120, POLICIES = 25, CANT_TRY = 77 };

static char directory[] = "/tmp/vigil-explained-XXXXXX";

static void must(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_feed(void)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_free char *path = NULL;

	buffer_text(&out, "10.0.0.1\n");
	for (int i = 0; i < 30; i++) {
		auto_buffer struct buffer range = BUFFER_NULL;

		write_random_range(&range, random_below(WORLD_FEEDS));
		if (!strstr(range.data, "/0"))
			buffer_printf(&out, "%s\n", range.data);
	}
	must(asprintf(&path, "%s/none", directory) > 0, "asprintf");
	must(file_replace(path, out.data, out.size_bytes) == 0, path);
}

static struct candidate *read_candidate(struct numbering *numbering,
					struct buffer *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate *candidate = NULL;
	struct candidate_source source = { .path = "policy.yml",
					   .directory = directory };
	int32_t day_s = 86400, offset_s = candidate_utc_offset();

	write_feed();
	write_policy(text, (int32_t)((time(NULL) + offset_s + day_s) % day_s));
	source.text = text->data;
	source.text_bytes = text->size_bytes;
	if (candidate_read(&source, numbering, &candidate, &faults) < 0) {
		fprintf(stderr, "%s\n%u: %s\n", text->data,
			faults.list[0].position.line, faults.list[0].text);
		exit(1);
	}
	return candidate;
}

static void set_side(struct packet_side *side, uint32_t device)
{
	snprintf(side->interface, sizeof(side->interface), "%s", world_devices[device]);
}

static struct packet describe(const struct probe_packet *probe)
{
	bool icmp =
		probe->protocol == IPPROTO_ICMP || probe->protocol == IPPROTO_ICMPV6;
	struct packet packet = {
		.protocol = probe->protocol,
		.family = probe->source.family,
		.source = { .place = PLACE_ADDRESS,
			    .has_address = true,
			    .address = probe->source },
		.destination = { .place = PLACE_ADDRESS,
				 .has_address = true,
				 .address = probe->destination,
				 .has_port = !icmp,
				 .port = probe->port },
		.icmp_type = (uint8_t)probe->port,
		.state = STATE_NEW,
		.count = 1,
		.direction = probe->direction,
	};

	if (probe->direction == DIRECTION_OUTPUT)
		packet.source.place = PLACE_HOST;
	else
		set_side(&packet.in, probe->device);
	if (probe->direction == DIRECTION_INPUT)
		packet.destination.place = PLACE_HOST;
	else
		set_side(&packet.out, device_of(probe->destination));
	return packet;
}

/* As the oracle writes it: a default that allows is not logged. */
static void outcome_text(const struct decision *decision, char out[static 128])
{
	bool silent = decision->outcome == OUTCOME_ALLOW &&
		      strncmp(decision->id, "default.", 8) == 0;

	snprintf(out, 128, "%s%s%s", silent ? "" : decision->id, silent ? "" : " ",
		 silent ? "" : outcome_name(decision->outcome));
}

static bool try_packet(struct stage *stage, const struct oracle *oracle,
		       const struct probe_packet *probe)
{
	char problem[TRIAL_TEXT_MAX] = "", got[128], wire[PACKET_TEXT_MAX];
	struct packet packet = describe(probe);
	struct told wanted = decide(oracle, probe);
	struct play play;
	int error = play_packet(stage, &packet, &play);

	outcome_text(&play.decision, got);
	must(stage_reset(stage, problem) == 0, problem);
	/* What is banned was never tracked. */
	if (!error && strcmp(got, wanted.decider) == 0)
		return true;
	fprintf(stderr, "%s\n  oracle: '%s'\n  trial:  '%s' %s\n",
		packet_describe(&packet, wire), wanted.decider, got, play.problem);
	return false;
}

/* In a process of its own, since it moves into the trial. Never returns. */
static void try_policy(uint64_t seed)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	struct trial trial = TRIAL_NULL;
	struct stage stage = STAGE_NULL;
	struct numbering *numbering = numbering_new();
	char problem[TRIAL_TEXT_MAX];
	struct candidate *candidate;
	struct oracle oracle = { 0 };
	time_t now = time(NULL);
	struct tm utc;
	size_t wrong = 0;
	int error;

	random_start(seed);
	candidate = read_candidate(numbering, &text);
	gmtime_r(&now, &utc);
	oracle.policy = candidate->policy;
	memcpy(oracle.feeds, candidate->feeds, sizeof(oracle.feeds));
	oracle.utc_offset_s = candidate->utc_offset_s;
	oracle.now_s = ((utc.tm_wday * 24 + utc.tm_hour) * 60 + utc.tm_min) * 60;
	error = trial_start(harness_path("vigil-helper"), &trial, problem);
	if (error == -EOPNOTSUPP)
		_exit(CANT_TRY);
	must(error == 0, problem);
	must(stage_open(&trial, candidate, numbering, &stage, problem) == 0, problem);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct probe_packet packet = random_packet(i);

		wrong += !try_packet(&stage, &oracle, &packet);
	}
	if (wrong)
		fprintf(stderr, "%s\nVIGIL_SEED=%llu VIGIL_POLICIES=1 shows it again\n",
			text.data, (unsigned long long)seed);
	stage_close(&stage);
	trial_end(&trial);
	candidate_free(candidate);
	numbering_free(numbering);
	_exit(wrong ? 1 : 0);
}

/* --- filters of reverse paths ------------------------------------------------------
 */

static const char gateway[] = "version: 1\n"
			      "zones: { wan: t0, lan: t1 }\n"
			      "rules:\n"
			      "  - { id: ping, from: any, to: host, allow: ping }\n"
			      "  - { id: through, from: any, to: any, allow: ping }\n";

static void be_strict(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	file = fopen(path, "w");
	must(file && fputs("1\n", file) > 0 && fclose(file) == 0, path);
}

static size_t ping(struct stage *stage, const char *text, const char *in,
		   const char *out, const char *wanted)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct packet_way way = {
		.in = in, .out = out, .in_key = "in", .out_key = "out"
	};
	struct packet packet;
	struct play play;

	must(packet_parse(text, &packet, &faults) == 0, text);
	must(packet_settle(stage->candidate->policy, &way, &packet, &faults) == 0,
	     text);
	play_packet(stage, &packet, &play);
	if (play.decision.outcome == OUTCOME_ALLOW &&
	    strcmp(play.decision.id, wanted) == 0)
		return 0;
	fprintf(stderr, "%s in %s: %s %s %s\n", text, in,
		outcome_name(play.decision.outcome), play.decision.id, play.problem);
	return 1;
}

/* The same source now here and now there, which no single route could be right for. */
static void try_strict(uint64_t seed)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate_source source = { .text = gateway,
					   .text_bytes = sizeof(gateway) - 1,
					   .path = "policy.yml",
					   .directory = directory };
	struct trial trial = TRIAL_NULL;
	struct stage stage = STAGE_NULL;
	struct numbering *numbering = numbering_new();
	struct candidate *candidate = NULL;
	char problem[TRIAL_TEXT_MAX];
	size_t wrong = 0;
	int error = trial_start(harness_path("vigil-helper"), &trial, problem);

	(void)seed;
	if (error == -EOPNOTSUPP)
		_exit(CANT_TRY);
	must(error == 0, problem);
	must(candidate_read(&source, numbering, &candidate, &faults) == 0, "policy");
	must(stage_open(&trial, candidate, numbering, &stage, problem) == 0, problem);
	wrong += ping(&stage, "icmp 203.0.113.9 -> host", "wan", NULL, "ping");
	wrong += ping(&stage, "icmp 203.0.113.9 -> host", "lan", NULL, "ping");
	be_strict("all");
	be_strict("t0");
	be_strict("t1");
	wrong += ping(&stage, "icmp 203.0.113.9 -> host", "wan", NULL, "ping");
	wrong += ping(&stage, "icmp 203.0.113.9 -> host", "lan", NULL, "ping");
	wrong += ping(&stage, "icmp 8.8.8.8 -> 9.9.9.9", "lan", "wan", "through");
	wrong += ping(&stage, "icmp 9.9.9.9 -> 8.8.8.8", "lan", "wan", "through");
	stage_close(&stage);
	trial_end(&trial);
	candidate_free(candidate);
	numbering_free(numbering);
	_exit(wrong ? 1 : 0);
}

static int in_a_process(void (*what)(uint64_t), uint64_t seed)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0, "fork");
	if (pid == 0)
		what(seed);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool failed(int result)
{
	return result && result != CANT_TRY;
}

static void tell(int number, int result, const char *name)
{
	printf("%s %d - %s%s\n", failed(result) ? "not ok" : "ok", number, name,
	       result == CANT_TRY ? " # SKIP no user namespaces here" : "");
}

int main(void)
{
	uint64_t seed = random_setting("VIGIL_SEED", (uint64_t)time(NULL));
	uint64_t policies = random_setting("VIGIL_POLICIES", POLICIES);
	auto_free char *feed = NULL;
	int result = 0, strict;

	must(mkdtemp(directory) != NULL, "mkdtemp");
	printf("1..2\n# VIGIL_SEED=%llu, %llu policies, %d packets each\n",
	       (unsigned long long)seed, (unsigned long long)policies, PACKETS);
	fflush(stdout);
	for (uint64_t i = 0; i < policies && !result; i++)
		result = in_a_process(try_policy, seed + i);
	tell(1, result, "a_trial_tells_what_the_oracle_says");
	strict = in_a_process(try_strict, 0);
	tell(2, strict, "a_strict_filter_of_reverse_paths_changes_nothing");
	must(asprintf(&feed, "%s/none", directory) > 0, "asprintf");
	unlink(feed);
	rmdir(directory);
	return failed(result) || failed(strict);
}
