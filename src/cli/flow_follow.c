/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/varlink.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/flow_view.h"
#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/units.h"

enum { CELL_MAX = 128 };

static bool within(json_t *event, const char *name, const struct address_range *range)
{
	struct address address;

	return address_parse(ask_text(event, name), &address) == 0 &&
	       address.family == range->family && address.value >= range->first &&
	       address.value <= range->last;
}

bool flow_follow_wanted(json_t *event, const struct store_query *query)
{
	if (query->rule && strcmp(query->rule, ask_text(event, "rule")) != 0)
		return false;
	if (query->denied == 1 && strcmp(ask_text(event, "event"), "denied") != 0)
		return false;
	if (query->port >= 0 && ask_number(event, "port") != query->port)
		return false;
	if (query->protocol >= 0 &&
	    units_parse_protocol(ask_text(event, "protocol")) != query->protocol)
		return false;
	return (!query->has_source || within(event, "source", &query->source)) &&
	       (!query->has_destination ||
		within(event, "destination", &query->destination));
}

/* A member as text that is safe to show; "-" where there is none. */
static const char *cell(json_t *event, const char *name, char out[static CELL_MAX])
{
	const char *text = ask_text(event, name);

	text_copy_printable(out, CELL_MAX, text[0] ? text : "-");
	return out;
}

static void add_amount(json_t *event, struct buffer *out)
{
	char sent[UNITS_TEXT_MAX], received[UNITS_TEXT_MAX];

	if (ask_known(event, "bytes_in"))
		buffer_printf(
			out, "  %s sent, %s received",
			units_bytes((uint64_t)ask_number(event, "bytes_out"), sent),
			units_bytes((uint64_t)ask_number(event, "bytes_in"), received));
}

static void add_translated(json_t *event, struct buffer *out)
{
	char text[CELL_MAX];

	if (!json_is_string(json_object_get(event, "translated")))
		return;
	buffer_printf(out, " (%s", cell(event, "translated", text));
	if (ask_number(event, "translated_port") > 0)
		buffer_printf(out, " port %lld",
			      (long long)ask_number(event, "translated_port"));
	buffer_text(out, ")");
}

static void add_time(json_t *event, struct buffer *out)
{
	time_t when = (time_t)json_number_value(json_object_get(event, "time"));
	char text[16] = "-";
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buffer_printf(out, "%s  ", text);
}

/* What has a bounded width comes first, so that lines stay in columns without any being
 * known beforehand. */
void flow_follow_line(json_t *event, bool color, struct buffer *out)
{
	char kind[CELL_MAX], rule[CELL_MAX], protocol[CELL_MAX], traffic[CELL_MAX + 16],
		source[CELL_MAX], destination[CELL_MAX];
	bool denied = strcmp(ask_text(event, "event"), "denied") == 0;

	cell(event, "protocol", protocol);
	snprintf(traffic, sizeof(traffic), "%s/%lld", protocol,
		 (long long)ask_number(event, "port"));
	add_time(event, out);
	buffer_printf(out, "%s%-6s%s  %-15s  %-9s  %s > %s",
		      color && denied ? "\033[31m" : "", cell(event, "event", kind),
		      color && denied ? "\033[0m" : "", cell(event, "rule", rule),
		      traffic, cell(event, "source", source),
		      cell(event, "destination", destination));
	add_translated(event, out);
	add_amount(event, out);
	buffer_text(out, "\n");
}

/* Names and meanings are those of the flows that are remembered. */
json_t *flow_follow_json(json_t *event)
{
	static const char *const texts[] = { "rule", "direction", "verdict" };
	const char *direction = ask_text(event, "direction");
	json_t *object = json_copy(event);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!ask_text(event, texts[i])[0])
			json_object_set_new(object, texts[i], json_null());
	json_object_del(object, "from");
	json_object_del(object, "to");
	json_object_set_new(
		object, "from_zone",
		flow_view_zone(direction, ask_text(event, "from"), "output"));
	json_object_set_new(object, "to_zone",
			    flow_view_zone(direction, ask_text(event, "to"), "input"));
	if (strcmp(ask_text(event, "event"), "denied") == 0) {
		json_object_set_new(object, "packets_in", json_null());
		json_object_set_new(object, "bytes_in", json_null());
	}
	return object;
}

struct follow {
	const struct store_query *query;
	bool json;
	bool color;
	struct buffer out;
};

static void add_event(struct follow *follow, json_t *event)
{
	json_t *object;

	if (!flow_follow_wanted(event, follow->query))
		return;
	if (!follow->json) {
		flow_follow_line(event, follow->color, &follow->out);
		return;
	}
	object = flow_follow_json(event);
	report_add(object, JSON_COMPACT, &follow->out);
	json_decref(object);
	buffer_text(&follow->out, "\n");
}

static int on_reply(json_t *parameters, void *context)
{
	struct follow *follow = context;
	long long left_out = ask_number(parameters, "left_out");
	json_t *event;
	size_t i;
	int code;

	json_array_foreach(json_object_get(parameters, "events"), i, event) {
		add_event(follow, event);
	}
	code = terminal_write(&follow->out);
	buffer_clear(&follow->out);
	if (left_out > 0)
		terminal_error("%lld events were left out: there were too many",
			       left_out);
	return code == EXIT_DONE ? 0 : -EPIPE;
}

int flow_follow(const struct arguments *arguments, const struct store_query *query)
{
	struct follow follow = {
		.query = query,
		.json = arguments_has(arguments, OPTION_JSON),
		.color = terminal_color(arguments, STDOUT_FILENO),
	};
	char problem[512], name[ASK_ERROR_MAX];
	auto_fd int fd = ask_connect(arguments, problem, sizeof(problem));
	int error;

	if (fd < 0)
		return report_failure(arguments, problem);
	error = varlink_stream(fd, "Follow", NULL, on_reply, &follow, name);
	buffer_done(&follow.out);
	if (error == -EPIPE)
		return EXIT_FAILED;
	if (name[0]) {
		ask_explain(name, NULL, problem, sizeof(problem));
		return report_failure(arguments, problem);
	}
	return report_failure(arguments, "the agent ended the conversation");
}
