/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live events for callers. They are sent in bundles, and left out, with a count, when
 * there are more than a person or the loop could bear. */
#include "agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/varlink.h"
#include "base/clock.h"
#include "base/protocol.h"

enum {
	BUNDLE_US = 200000,
	BUNDLE_EVENTS = 400,
	BACKLOG_MAX = 1024 * 1024,
};

struct follower {
	struct agent *agent;
	struct call *call;
	sd_event_source *timer;
	json_t *events;
	uint64_t left_out;
};

static void leave(struct call *call)
{
	struct follower *follower = call->state;
	struct agent *agent = follower->agent;

	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		if (agent->followers[i] == call)
			agent->followers[i] = NULL;
	sd_event_source_disable_unref(follower->timer);
	json_decref(follower->events);
	free(follower);
	call_end(call);
}

static void send_bundle(struct follower *follower)
{
	json_t *events = follower->events ? follower->events : json_array();

	follower->events = NULL;
	call_continue(follower->call,
		      json_pack("{s:o, s:I}", "events", events, "left_out",
				(json_int_t)follower->left_out));
	follower->left_out = 0;
}

static int on_timer(sd_event_source *source, uint64_t when_us, void *context)
{
	struct follower *follower = context;

	(void)source;
	(void)when_us;
	if (call_backlog(follower->call) <= BACKLOG_MAX) {
		send_bundle(follower);
		return 0;
	}
	follower->left_out += json_array_size(follower->events);
	json_array_clear(follower->events);
	return 0;
}

void follow_start(struct call *call, void *context)
{
	struct agent *agent = context;
	struct call **place = NULL;
	struct follower *follower;

	for (size_t i = 0; i < FOLLOWERS_MAX; i++)
		if (!agent->followers[i])
			place = &agent->followers[i];
	follower = place ? calloc(1, sizeof(*follower)) : NULL;
	if (!follower ||
	    sd_event_add_time_relative(agent->event, &follower->timer, CLOCK_MONOTONIC,
				       0, 0, on_timer, follower) < 0) {
		free(follower);
		call_error(call, VARLINK_INTERFACE ".Busy", NULL);
		return;
	}
	/* Its first turn comes at once and says that listening has begun. */
	follower->agent = agent;
	follower->call = call;
	call->state = follower;
	call->on_gone = leave;
	*place = call;
}

static void offer(struct follower *follower, json_t *event)
{
	if (!follower->events)
		follower->events = json_array();
	if (!follower->events || json_array_size(follower->events) >= BUNDLE_EVENTS) {
		follower->left_out++;
		return;
	}
	json_array_append(follower->events, event);
	if (json_array_size(follower->events) > 1)
		return;
	sd_event_source_set_time_relative(follower->timer, BUNDLE_US);
	sd_event_source_set_enabled(follower->timer, SD_EVENT_ONESHOT);
}

static const char *event_name(const struct flow *flow)
{
	if (flow->event == FLOW_PACKET)
		return flow->denied ? "denied" : "logged";
	return flow->event == FLOW_NEW ? "new" : "end";
}

/* Numbers where they are known, else null. */
static json_t *totals_value(const struct flow *flow, const struct flow_totals *totals,
			    uint64_t value)
{
	return totals->known && flow->event != FLOW_NEW
		       ? json_integer((json_int_t)value)
		       : json_null();
}

static void add_totals(json_t *event, const struct flow *flow)
{
	const struct flow_totals *out = &flow->original, *in = &flow->reply;

	json_object_set_new(event, "packets_out",
			    totals_value(flow, out, out->packets));
	json_object_set_new(event, "packets_in", totals_value(flow, in, in->packets));
	json_object_set_new(event, "bytes_out", totals_value(flow, out, out->bytes));
	json_object_set_new(event, "bytes_in", totals_value(flow, in, in->bytes));
}

static void add_translation(json_t *event, const struct flow *flow)
{
	char text[ADDRESS_TEXT_MAX];
	bool same = flow->event == FLOW_PACKET ||
		    (flow->translated.family == flow->destination.family &&
		     flow->translated.value == flow->destination.value &&
		     flow->translated_port == flow->port);

	json_object_set_new(event, "translated",
			    same ? json_null()
				 : json_string(address_format(flow->translated, text)));
	json_object_set_new(event, "translated_port",
			    same ? json_null() : json_integer(flow->translated_port));
}

static json_t *describe(const struct flow *flow, const struct name *name)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX], protocol[8];
	const char *known = protocol_name(flow->protocol);
	json_t *event;

	snprintf(protocol, sizeof(protocol), "%u", flow->protocol);
	event = json_pack(
		"{s:f, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:i}", "time",
		(double)clock_wall_us() / 1e6, "event", event_name(flow), "rule",
		name->decider.id, "direction", name->decider.direction, "from",
		name->decider.from_zone, "to", name->decider.to_zone, "verdict",
		journal_verdict(flow, name), "protocol", known ? known : protocol,
		"source", address_format(flow->source, source), "source_port",
		flow->source_port, "destination",
		address_format(flow->destination, destination), "port", flow->port);
	add_translation(event, flow);
	add_totals(event, flow);
	return event;
}

void follow_publish(struct agent *agent, const struct flow *flow,
		    const struct name *name)
{
	json_t *event = NULL;

	for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
		struct call *call = agent->followers[i];

		if (!call)
			continue;
		if (!event)
			event = describe(flow, name);
		offer(call->state, event);
	}
	json_decref(event);
}
