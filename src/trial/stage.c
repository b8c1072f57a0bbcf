/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "agent/helper.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "trial/load.h"
#include "trial/moment.h"
#include "trial/stranger.h"

enum {
	DATAGRAM_BYTES = 65536,
	MOMENT_LASTS_S = 20,
	LATE_MS = 100, /* for a packet that came through no end we know */
};

static int problem_is(char *problem, int error, const char *what)
{
	snprintf(problem, TRIAL_TEXT_MAX, "%s: %s", what, strerror(-error));
	return error;
}

/* --- making it -------------------------------------------------------------------- */

static int enter(const struct trial *trial)
{
	if (setns(trial->user, CLONE_NEWUSER) < 0 ||
	    setns(trial->network, CLONE_NEWNET) < 0)
		return -errno;
	/* The change of credentials took away what a debugger or a leak checker, and
	 * our own look at /proc/self, need; nothing secret was gained by it. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

static int open_raw(int family)
{
	const uint32_t mark = TRACER_MARK;
	auto_fd int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	return take_fd(fd);
}

static int open_sockets(struct stage *stage)
{
	stage->raw4 = open_raw(AF_INET);
	stage->raw6 = open_raw(AF_INET6);
	stage->groups4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	stage->groups6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stage->raw4 < 0)
		return stage->raw4;
	return stage->groups4 < 0 ? -errno : 0;
}

static int make_ground(struct stage *stage, char *problem)
{
	int error = enter(stage->trial);

	if (error)
		return problem_is(problem, error, "can't enter the new namespaces");
	stage->hosts = calloc(2 * LINKS_MAX, sizeof(*stage->hosts));
	if (!stage->hosts)
		return problem_is(problem, -ENOMEM, "can't prepare the trial");
	error = tracer_open(&stage->tracer);
	if (!error)
		error = tracer_install(&stage->tracer);
	if (error)
		return problem_is(problem, error,
				  "the kernel gives no trace of packets");
	error = links_open(stage->trial->network, &stage->links);
	if (!error)
		error = open_sockets(stage);
	if (error)
		return problem_is(problem, error, "can't prepare a network to try in");
	return 0;
}

static int on_state_rule(const char *chain, uint64_t handle, void *context)
{
	struct state_rules *states = context;

	if (strncmp(chain, "state.", 6) != 0)
		return 0;
	if (states->count == ARRAY_SIZE(states->handles))
		return -EPROTO;
	states->handles[states->count++] = handle;
	return 0;
}

static int on_rule(const char *chain, uint64_t handle, void *context)
{
	return ruleset_name(context, chain, handle);
}

static int read_rules(struct stage *stage)
{
	int error;

	ruleset_done(&stage->ruleset);
	error = ruleset_begin(stage->candidate->image, &stage->ruleset);
	if (!error)
		error = tracer_rules(&stage->tracer, TABLE_NAME, on_rule,
				     &stage->ruleset);
	if (!error)
		error = ruleset_end(&stage->ruleset);
	stage->states.count = 0;
	if (!error)
		error = tracer_rules(&stage->tracer, TRACER_TABLE, on_state_rule,
				     &stage->states);
	return error;
}

int stage_load(struct stage *stage, char problem[static TRIAL_TEXT_MAX])
{
	char why[LOAD_TEXT_MAX] = "";
	int error = load_image(stage->trial->helper, stage->candidate->image,
			       &stage->held, why);

	if (error) {
		snprintf(problem, TRIAL_TEXT_MAX, "%.*s", TRIAL_TEXT_MAX - 1, why);
		return error;
	}
	error = read_rules(stage);
	return error ? problem_is(problem, error, "the rules can't be read back") : 0;
}

static void turn_schedules(struct stage *stage, int days)
{
	struct policy *policy = stage->candidate->policy;

	for (size_t i = 0; i < policy->rule_count; i++)
		policy->rules[i].schedule.days = moment_turn(
			policy->rules[i].schedule.days, days - stage->turned);
	stage->turned = days;
}

int stage_at(struct stage *stage, struct moment moment,
	     char problem[static TRIAL_TEXT_MAX])
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct pretence pretence = { candidate_utc_offset(), 0 };
	int error;

	/* The clock goes on from a moment that is pretended, as from any. */
	if (!moment.set && !stage->moment.set)
		return 0;
	if (moment.set && stage->moment.set && moment.day == stage->moment.day &&
	    moment.second == stage->moment.second &&
	    clock_s() - stage->moment_s < MOMENT_LASTS_S)
		return 0;
	if (moment.set)
		pretence = moment_pretend(moment, clock_wall_us() / 1000000);
	turn_schedules(stage, pretence.days);
	stage->candidate->utc_offset_s = pretence.utc_offset_s;
	stage->moment = moment;
	stage->moment_s = clock_s();
	error = candidate_compile(stage->candidate, stage->numbering, &faults);
	if (error)
		return problem_is(problem, error, "can't compile for another time");
	return stage_load(stage, problem);
}

int stage_open(const struct trial *trial, struct candidate *candidate,
	       struct numbering *numbering, struct stage *ret,
	       char problem[static TRIAL_TEXT_MAX])
{
	struct helper_refusal refusal = { 0 };
	int error;

	ret->trial = trial;
	ret->candidate = candidate;
	ret->numbering = numbering;
	error = helper_hello(trial->helper, &refusal);
	if (error) {
		trial_last_words(trial, problem);
		if (!problem[0])
			snprintf(problem, TRIAL_TEXT_MAX, "%.*s", TRIAL_TEXT_MAX - 1,
				 refusal.text[0] ? refusal.text : strerror(-error));
		return error;
	}
	error = make_ground(ret, problem);
	return error ? error : stage_load(ret, problem);
}

void stage_close(struct stage *stage)
{
	int *const all[] = { &stage->raw4, &stage->raw6, &stage->groups4,
			     &stage->groups6 };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		cleanup_fd(all[i]);
	free(stage->hosts);
	ruleset_done(&stage->ruleset);
	inventory_done(&stage->held);
	links_close(&stage->links);
	tracer_close(&stage->tracer);
	*stage = (struct stage)STAGE_NULL;
}

/* --- addresses -------------------------------------------------------------------- */

static size_t slot_of(enum family family)
{
	return family == FAMILY_IPV6;
}

int stage_host(struct stage *stage, const struct link *link, enum family family,
	       struct address *ret)
{
	size_t number = (size_t)(link - stage->links.list);
	struct address *host = &stage->hosts[2 * number + slot_of(family)];
	int error = 0;

	if (!host->family) {
		*host = stranger_find(stage->candidate, family, STRANGER_HOST, number);
		error = links_address(&stage->links, link, *host);
		if (error)
			host->family = (enum family)0;
	}
	*ret = *host;
	return error;
}

bool stage_is_host(const struct stage *stage, struct address address)
{
	for (size_t i = 0; i < 2 * stage->links.count; i++)
		if (stage->hosts[i].family == address.family &&
		    stage->hosts[i].value == address.value)
			return true;
	return false;
}

struct address stage_stranger(struct stage *stage, enum family family, bool destination)
{
	struct address *known = destination ? &stage->destinations[slot_of(family)]
					    : &stage->sources[slot_of(family)];

	if (!known->family)
		*known = stranger_find(
			stage->candidate, family,
			destination ? STRANGER_DESTINATION : STRANGER_SOURCE, 0);
	return *known;
}

static struct in6_addr wire6(struct address address)
{
	struct in6_addr wire;

	for (size_t i = 0; i < sizeof(wire.s6_addr); i++)
		wire.s6_addr[i] = (uint8_t)(address.value >> 8 * (15 - i));
	return wire;
}

int stage_join(struct stage *stage, const struct link *link, struct address group)
{
	struct ip_mreqn join4 = {
		.imr_multiaddr.s_addr = htonl((uint32_t)group.value),
		.imr_ifindex = (int)link->index,
	};
	struct ipv6_mreq join6 = { .ipv6mr_interface = link->index };
	bool v4 = group.family == FAMILY_IPV4;
	int result;

	if (v4) {
		result = setsockopt(stage->groups4, IPPROTO_IP, IP_ADD_MEMBERSHIP,
				    &join4, sizeof(join4));
	} else {
		join6.ipv6mr_multiaddr = wire6(group);
		result = setsockopt(stage->groups6, IPPROTO_IPV6, IPV6_JOIN_GROUP,
				    &join6, sizeof(join6));
	}
	return result < 0 && errno != EADDRINUSE ? -errno : 0;
}

/* --- packets ---------------------------------------------------------------------- */

static int send_out(struct stage *stage, const struct wire_packet *packet,
		    const struct link *link, const void *bytes, size_t size_bytes)
{
	bool v4 = packet->destination.family == FAMILY_IPV4;
	struct sockaddr_in to4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl((uint32_t)packet->destination.value),
	};
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
				    .sin6_addr = wire6(packet->destination),
				    .sin6_scope_id = link->index };
	int fd = v4 ? stage->raw4 : stage->raw6;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name,
		       (socklen_t)strlen(link->name) + 1) < 0)
		return -errno;
	if (sendto(fd, bytes, size_bytes, 0,
		   v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
		   v4 ? sizeof(to4) : sizeof(to6)) >= 0)
		return 0;
	/* So it is told that a rule dropped the packet. */
	return errno == EPERM || errno == ENOBUFS || errno == EACCES ? 0 : -errno;
}

static void on_event(const struct trace_event *event, void *context)
{
	struct stage *stage = context;

	passage_add(&stage->passage, &stage->ruleset, &stage->states, event);
}

static int read_trace(struct stage *stage)
{
	char bytes[DATAGRAM_BYTES];
	int fd = mnl_socket_get_fd(stage->tracer.traces);

	while (true) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (trace_decode(bytes, (size_t)got, on_event, stage))
			return -EPROTO;
	}
}

static bool ended(const struct stage *stage)
{
	return stage->passage.dropped || stage->passage.arrived;
}

/* A kernel that deals with packets on another processor may still be at it. */
static int wait_for_trace(struct stage *stage)
{
	struct pollfd poller = { .fd = mnl_socket_get_fd(stage->tracer.traces),
				 .events = POLLIN };
	int error = read_trace(stage);

	while (!error && !ended(stage) && poll(&poller, 1, LATE_MS) > 0)
		error = read_trace(stage);
	return error;
}

static void note_limits(struct stage *stage)
{
	for (size_t i = 0; i < stage->passage.step_count; i++) {
		const char *text = stage->passage.steps[i].text;
		bool by_source = strncmp(text, "update @", 8) == 0 ||
				 strncmp(text, "add @", 5) == 0;

		if (by_source)
			stage->dirty_sets = true;
		else if (strstr(text, "limit rate ") || strstr(text, "ct count "))
			stage->dirty_rules = true;
	}
}

int stage_send(struct stage *stage, const struct wire_packet *packet, bool out,
	       const struct link *link)
{
	uint8_t bytes[WIRE_BYTES_MAX];
	size_t size_bytes = wire_build(packet, bytes);
	int error = read_trace(stage); /* what came late belongs to nobody */

	stage->passage = (struct passage){ 0 };
	stage->dirty_connections = true;
	if (!error && out)
		error = send_out(stage, packet, link, bytes, size_bytes);
	else if (!error)
		error = links_send(&stage->links, link, bytes, size_bytes,
				   packet->source.family);
	if (!error)
		error = wait_for_trace(stage);
	note_limits(stage);
	return error;
}

int stage_reset(struct stage *stage, char problem[static TRIAL_TEXT_MAX])
{
	const struct image_objects *sets = &stage->candidate->image->dynamic_sets;
	int error = 0;

	if (stage->dirty_connections)
		error = tracer_forget(&stage->tracer);
	for (size_t i = 0; stage->dirty_sets && !error && i < sets->count; i++)
		error = tracer_empty_set(&stage->tracer, sets->items[i].name);
	if (error)
		return problem_is(problem, error, "what was tried can't be forgotten");
	if (stage->dirty_rules)
		error = stage_load(stage, problem);
	stage->dirty_connections = stage->dirty_sets = stage->dirty_rules = false;
	return error;
}
