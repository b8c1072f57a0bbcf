/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/explain_view.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/protocol.h"
#include "base/text.h"

enum { LABEL_WIDTH = 9, CHAIN_WIDTH = 14, LINE_TEXT_MAX = 200, WIRE_TEXT_MAX = 192 };

#define GREEN "\033[1;32m"
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

size_t explain_view_line(const struct draft *draft, uint32_t number, const char **ret)
{
	const char *at = draft->text, *end = at + draft->text_bytes, *feed;
	size_t size;

	for (uint32_t line = 1; at && line < number; line++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at || number == 0)
		return 0;
	feed = memchr(at, '\n', (size_t)(end - at));
	if (feed)
		end = feed;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	size = (size_t)(end - at);
	*ret = at;
	return size < LINE_TEXT_MAX ? size : LINE_TEXT_MAX - 1;
}

static void line_text(const struct draft *draft, uint32_t number,
		      char out[static LINE_TEXT_MAX])
{
	char raw[LINE_TEXT_MAX];
	const char *at = "";
	size_t size = explain_view_line(draft, number, &at);

	memcpy(raw, at, size);
	raw[size] = '\0';
	text_copy_printable(out, LINE_TEXT_MAX, raw);
}

void explain_view_decision(const struct decision *decision, struct buffer *out)
{
	buffer_text(out, outcome_name(decision->outcome));
	if (decision->id[0])
		buffer_printf(out, " by %s%s", decision->id,
			      decision->over ? ", beyond its limit" : "");
}

/* --- packets ---------------------------------------------------------------------- */

static void add_end(struct address address, uint16_t port, bool ports,
		    struct buffer *out)
{
	bool bracket = ports && address.family == FAMILY_IPV6;
	char text[ADDRESS_TEXT_MAX];

	buffer_printf(out, "%s%s%s", bracket ? "[" : "", address_format(address, text),
		      bracket ? "]" : "");
	if (ports)
		buffer_printf(out, ":%u", port);
}

static void add_ends(const struct wire_packet *packet, struct buffer *out)
{
	bool ports = packet_has_ports(packet->protocol);

	add_end(packet->source, packet->source_port, ports, out);
	buffer_text(out, " -> ");
	add_end(packet->destination, packet->destination_port, ports, out);
}

static void add_flags(uint8_t flags, struct buffer *out)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg" };
	bool more = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		buffer_printf(out, "%s%s", more ? "+" : " ", names[i]);
		more = true;
	}
}

static void add_packet(const struct wire_packet *packet, struct buffer *out)
{
	const char *name = protocol_name(packet->protocol);

	if (name)
		buffer_printf(out, "%s ", name);
	else
		buffer_printf(out, "protocol %u ", packet->protocol);
	add_ends(packet, out);
	if (packet->protocol == IPPROTO_TCP)
		add_flags(packet->flags, out);
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		buffer_printf(out, " type %u", packet->icmp_type);
}

static void add_side(const char *word, const struct packet_side *side,
		     struct buffer *out)
{
	if (!side->interface[0])
		return;
	buffer_printf(out, ", %s by %s", word, side->interface);
	if (side->zone)
		buffer_printf(out, " (zone %s)", side->zone);
	else
		buffer_text(out, " (no zone)");
}

/* --- text ------------------------------------------------------------------------- */

static void label(struct buffer *out, const char *text)
{
	buffer_printf(out, "%-*s", LABEL_WIDTH, text);
}

static void add_packet_lines(const struct explanation *explanation, struct buffer *out)
{
	const struct packet *packet = explanation->packet;
	const struct play *play = explanation->play;

	label(out, "Packet");
	if (play->sent.source.family) {
		add_packet(&play->sent, out);
	} else {
		char text[PACKET_TEXT_MAX];

		buffer_text(out, packet_describe(packet, text));
	}
	buffer_text(out, "\n");
	label(out, "");
	buffer_text(out, direction_name(packet->direction));
	add_side("in", &packet->in, out);
	add_side("out", &packet->out, out);
	if (play->state != STATE_UNSAID)
		buffer_printf(out, ", state %s", packet_state_name(play->state));
	buffer_text(out, "\n");
}

static void add_before(const struct explanation *explanation, struct buffer *out)
{
	const struct play *play = explanation->play;

	for (size_t i = 0; i < play->before_count; i++) {
		label(out, i ? "" : "Before");
		add_packet(&play->before[i].packet, out);
		buffer_text(out, ": ");
		explain_view_decision(&play->before[i].decision, out);
		buffer_text(out, "\n");
	}
}

static void add_verdict(const struct explanation *explanation, bool color,
			struct buffer *out)
{
	const struct play *play = explanation->play;
	const struct decision *decision = &play->decision;
	bool allowed = decision->outcome == OUTCOME_ALLOW;

	label(out, "Verdict");
	if (decision->outcome == OUTCOME_LOST) {
		buffer_printf(out, "none: %s\n", play->problem);
		return;
	}
	buffer_printf(out, "%s%s%s\n", color ? (allowed ? GREEN : RED) : "",
		      outcome_name(decision->outcome), color ? PLAIN : "");
	if (explanation->packet->count > 1) {
		label(out, "");
		buffer_printf(out,
			      "the last of %u: %u allowed, %u dropped, %u rejected\n",
			      explanation->packet->count, play->counts[OUTCOME_ALLOW],
			      play->counts[OUTCOME_DROP], play->counts[OUTCOME_REJECT]);
	}
	label(out, "Rule");
	buffer_printf(out, "%s%s\n", decision->id,
		      decision->over ? ", beyond its limit" : "");
	if (decision->line) {
		char text[LINE_TEXT_MAX];

		line_text(explanation->draft, decision->line, text);
		label(out, "Line");
		buffer_printf(out, "%s:%u: %s\n", draft_name(explanation->draft),
			      decision->line, text);
	}
}

static void add_times(const struct explanation *explanation, struct buffer *out)
{
	const struct policy *policy = explanation->draft->candidate->policy;
	char text[MOMENT_TEXT_MAX];
	bool more = false;

	for (size_t i = 0; i < policy->rule_count; i++) {
		if (!policy->rules[i].schedule.set)
			continue;
		if (!more) {
			label(out, "Time");
			buffer_text(out, moment_text(explanation->moment, text));
		}
		more = true;
		buffer_printf(out, ", rule %s %s", policy->rules[i].id,
			      explanation->holds[i] ? "holds" : "does not hold");
	}
	if (more)
		buffer_text(out, "\n");
}

/* Whose work a translation is, where the rule that did it was met. */
static void add_translator(const struct explanation *explanation, struct buffer *out)
{
	static const char lead[] = "counter name \"" COUNTER_PREFIX;
	const struct passage *passage = explanation->passage;

	for (size_t i = 0; i < passage->step_count; i++) {
		const char *text = passage->steps[i].text, *at = strstr(text, lead);

		if (strstr(text, " dnat ip") && explanation->packet->forward)
			buffer_printf(out, ", by %s", explanation->packet->forward->id);
		if (at && strstr(at, "\" masquerade"))
			buffer_printf(out, ", by %.*s",
				      (int)strcspn(at + strlen(lead), "\""),
				      at + strlen(lead));
	}
}

/* One line of the path, cut where the terminal ends. */
static void add_step(const struct step_taken *step, const char *lead, size_t width,
		     struct buffer *out)
{
	auto_buffer struct buffer line = BUFFER_NULL;

	label(&line, lead);
	buffer_printf(&line, "%-*s ", CHAIN_WIDTH,
		      step->chain[0] ? step->chain : step->base);
	if (step->text[0])
		buffer_text(&line, step->text);
	else
		buffer_printf(&line, "(end: %s)", trace_verdict_name(step->verdict));
	if (width && line.size_bytes > width)
		buffer_printf(out, "%.*s...\n", (int)width - 3,
			      line.data ? line.data : "");
	else
		buffer_printf(out, "%s\n", line.data ? line.data : "");
	if (line.error)
		out->error = line.error;
}

void explain_view(const struct explanation *explanation, size_t width, bool color,
		  struct buffer *out)
{
	const struct play *play = explanation->play;
	const struct passage *passage = explanation->passage;

	add_packet_lines(explanation, out);
	add_before(explanation, out);
	add_verdict(explanation, color, out);
	add_times(explanation, out);
	if (play->translated) {
		label(out, "Becomes");
		add_ends(&play->last, out);
		add_translator(explanation, out);
		buffer_text(out, "\n");
	}
	for (size_t i = 0; i < passage->step_count; i++)
		add_step(&passage->steps[i], i ? "" : "Path", width, out);
}

/* --- JSON ------------------------------------------------------------------------- */

static json_t *json_packet(const struct wire_packet *packet)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	bool ports = packet_has_ports(packet->protocol);
	bool icmp =
		packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
	json_t *object;

	if (!packet->source.family)
		return json_null();
	object = json_pack("{s:i, s:s, s:s}", "protocol", packet->protocol, "source",
			   address_format(packet->source, source), "destination",
			   address_format(packet->destination, destination));
	if (object && ports) {
		json_object_set_new(object, "source_port",
				    json_integer(packet->source_port));
		json_object_set_new(object, "destination_port",
				    json_integer(packet->destination_port));
	}
	if (object && icmp)
		json_object_set_new(object, "icmp_type",
				    json_integer(packet->icmp_type));
	return object;
}

static json_t *json_side(const struct packet_side *side)
{
	if (!side->interface[0])
		return json_null();
	return json_pack("{s:s, s:s?}", "interface", side->interface, "zone",
			 side->zone);
}

static json_t *json_decision(const struct decision *decision)
{
	return json_pack("{s:s?, s:s?, s:b, s:o}", "verdict",
			 decision->outcome == OUTCOME_LOST
				 ? NULL
				 : outcome_name(decision->outcome),
			 "rule", decision->id[0] ? decision->id : NULL, "over_limit",
			 decision->over, "line",
			 decision->line ? json_integer(decision->line) : json_null());
}

static json_t *json_path(const struct passage *passage)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < passage->step_count; i++) {
		const struct step_taken *step = &passage->steps[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s?, s:s}", "hook", step->base, "chain",
				  step->chain[0] ? step->chain : step->base, "rule",
				  step->text[0] ? step->text : NULL, "verdict",
				  trace_verdict_name(step->verdict)));
	}
	return list;
}

static json_t *json_before(const struct play *play)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < play->before_count; i++) {
		json_t *entry = json_decision(&play->before[i].decision);

		if (entry)
			json_object_set_new(entry, "packet",
					    json_packet(&play->before[i].packet));
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *json_times(const struct explanation *explanation)
{
	const struct policy *policy = explanation->draft->candidate->policy;
	char text[MOMENT_TEXT_MAX];
	json_t *rules = json_object();

	for (size_t i = 0; rules && i < policy->rule_count; i++)
		if (policy->rules[i].schedule.set)
			json_object_set_new(rules, policy->rules[i].id,
					    json_boolean(explanation->holds[i]));
	return json_pack("{s:s, s:o}", "local", moment_text(explanation->moment, text),
			 "rules", rules);
}

json_t *explain_view_json(const struct explanation *explanation)
{
	const struct packet *packet = explanation->packet;
	const struct play *play = explanation->play;
	json_t *answer = json_decision(&play->decision);
	char text[LINE_TEXT_MAX];

	line_text(explanation->draft, play->decision.line, text);
	if (!answer)
		return NULL;
	json_object_update_missing_new(
		answer,
		json_pack("{s:s?, s:s?, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			  "s:{s:i, s:i, s:i, s:i}}",
			  "line_text", text[0] ? text : NULL, "problem",
			  play->problem[0] ? play->problem : NULL, "direction",
			  direction_name(packet->direction), "state",
			  play->state == STATE_UNSAID ? NULL
						      : packet_state_name(play->state),
			  "in", json_side(&packet->in), "out", json_side(&packet->out),
			  "packet", json_packet(&play->sent), "becomes",
			  play->translated ? json_packet(&play->last) : json_null(),
			  "before", json_before(play), "time", json_times(explanation),
			  "path", json_path(explanation->passage), "packets", "allow",
			  (int)play->counts[OUTCOME_ALLOW], "drop",
			  (int)play->counts[OUTCOME_DROP], "reject",
			  (int)play->counts[OUTCOME_REJECT], "lost",
			  (int)play->counts[OUTCOME_LOST]));
	return answer;
}
