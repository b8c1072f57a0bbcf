/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/flow_query.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/protocol.h"
#include "cli/arguments.h"
#include "cli/units.h"
#include "cli/when.h"
#include "policy/services.h"

static int parse_time(const char *option, const char *text, int64_t now, int64_t *ret,
		      char *problem)
{
	if (!text)
		return 0;
	if (when_parse(text, now, ret) == 0)
		return 0;
	return arguments_complain(
		problem,
		"--%s: '%s' is not a time; write 30m, 1h, 7d, today, yesterday, "
		"14:30, 2025-01-31, '2025-01-31 14:30' or @SECONDS",
		option, text);
}

static int parse_range(const char *option, const char *text, bool *has,
		       struct address_range *ret, char *problem)
{
	char network[RANGE_TEXT_MAX];

	if (!text)
		return 0;
	switch (range_parse(text, ret)) {
	case 0:
		*has = true;
		return 0;
	case RANGE_HOST_BITS:
		return arguments_complain(
			problem,
			"--%s: '%s' has bits beyond its prefix length; the "
			"network is %s",
			option, text, range_format(*ret, network));
	case RANGE_BAD_LENGTH:
		return arguments_complain(problem,
					  "--%s: the prefix length of '%s' is wrong",
					  option, text);
	case RANGE_REVERSED:
		return arguments_complain(problem, "--%s: '%s' begins above its end",
					  option, text);
	case RANGE_MIXED:
		return arguments_complain(problem, "--%s: '%s' mixes IPv4 and IPv6",
					  option, text);
	default:
		return arguments_complain(
			problem,
			"--%s: '%s' is neither an address, a prefix nor a "
			"range",
			option, text);
	}
}

static int parse_protocol(const char *text, int *ret, char *problem)
{
	const char *near;
	char lower[64];

	*ret = -1;
	if (!text)
		return 0;
	snprintf(lower, sizeof(lower), "%s", text);
	for (char *letter = lower; *letter; letter++)
		if (*letter >= 'A' && *letter <= 'Z')
			*letter = (char)(*letter - 'A' + 'a');
	*ret = strlen(text) < sizeof(lower) ? units_parse_protocol(lower) : -EINVAL;
	if (*ret >= 0)
		return 0;
	near = nearest_word(lower, protocol_names());
	if (near)
		return arguments_complain(
			problem, "--protocol: '%s' is no protocol, did you mean '%s'?",
			text, near);
	return arguments_complain(
		problem,
		"--protocol: '%s' is neither a protocol's name nor a number "
		"up to 255",
		text);
}

static int parse_number(const char *option, const char *text, uint64_t max,
			uint64_t *ret, char *problem)
{
	int error = text ? units_parse_number(text, max, ret) : 0;

	if (error == -ERANGE)
		return arguments_complain(problem, "--%s: %s is above %llu", option,
					  text, (unsigned long long)max);
	if (error)
		return arguments_complain(problem, "--%s: '%s' is not a number", option,
					  text);
	return 0;
}

/* The name of a service that has exactly one port stands for it, whatever its protocols
 * are. */
static bool service_port(const char *name, uint64_t *ret)
{
	const struct builtin_service *service = builtin_service_find(name);
	int port = -1;

	for (size_t i = 0;
	     service && i < SERVICE_PARTS_MAX && service->parts[i].protocol; i++) {
		struct port_range range = service->parts[i].range;
		uint8_t protocol = service->parts[i].protocol;

		if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP &&
		     protocol != IPPROTO_SCTP) ||
		    range.first != range.last || (port >= 0 && port != range.first))
			return false;
		port = range.first;
	}
	if (port < 0)
		return false;
	*ret = (uint64_t)port;
	return true;
}

static int parse_port(const char *text, uint64_t *ret, char *problem)
{
	if (!text || service_port(text, ret))
		return 0;
	if (builtin_service_find(text))
		return arguments_complain(
			problem, "--port: service '%s' has not exactly one port", text);
	if (units_parse_number(text, UINT64_MAX, ret) == -EINVAL)
		return arguments_complain(
			problem,
			"--port: '%s' is neither a number nor the name "
			"of a service",
			text);
	return parse_number("port", text, UINT16_MAX, ret, problem);
}

static enum store_group parse_group(const char *text)
{
	static const struct {
		const char *name;
		enum store_group group;
	} groups[] = {
		{ "rule", GROUP_RULE },           { "src", GROUP_SOURCE },
		{ "dst", GROUP_DESTINATION },     { "port", GROUP_PORT },
		{ "protocol", GROUP_PROTOCOL },   { "zone", GROUP_ZONE },
		{ "direction", GROUP_DIRECTION },
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(groups); i++)
		if (strcmp(groups[i].name, text) == 0)
			return groups[i].group;
	return GROUP_NONE;
}

static int check_together(const struct arguments *arguments,
			  const struct store_query *query, char *problem)
{
	static const enum option_id not_live[] = { OPTION_TOP, OPTION_SINCE,
						   OPTION_UNTIL, OPTION_LIMIT };

	if (query->since && query->until && query->since >= query->until)
		return arguments_complain(problem, "--since is not before --until");
	for (size_t i = 0;
	     arguments_has(arguments, OPTION_FOLLOW) && i < ARRAY_SIZE(not_live); i++)
		if (arguments_has(arguments, not_live[i]))
			return arguments_complain(
				problem,
				"--%s is about what is remembered and does "
				"not go with --follow",
				option_specs[not_live[i]].name);
	return 0;
}

int flow_query_parse(const struct arguments *arguments, int64_t now,
		     struct store_query *ret, char problem[static PROBLEM_MAX])
{
	const char *const *values = arguments->values;
	uint64_t port = 0,
		 limit = arguments_has(arguments, OPTION_JSON) ? 0 : LINES_DEFAULT;
	struct store_query query = {
		.rule = values[OPTION_RULE],
		.denied = arguments_has(arguments, OPTION_DENIED) ? 1 : -1,
		.group = parse_group(values[OPTION_TOP]),
	};

	if (parse_time("since", values[OPTION_SINCE], now, &query.since, problem) ||
	    parse_time("until", values[OPTION_UNTIL], now, &query.until, problem) ||
	    parse_range("src", values[OPTION_SRC], &query.has_source, &query.source,
			problem) ||
	    parse_range("dst", values[OPTION_DST], &query.has_destination,
			&query.destination, problem) ||
	    parse_protocol(values[OPTION_PROTOCOL], &query.protocol, problem) ||
	    parse_port(values[OPTION_PORT], &port, problem) ||
	    parse_number("limit", values[OPTION_LIMIT], 1000000000, &limit, problem) ||
	    check_together(arguments, &query, problem))
		return -EINVAL;
	query.port = values[OPTION_PORT] ? (int)port : -1;
	query.limit = (size_t)limit;
	*ret = query;
	return 0;
}
