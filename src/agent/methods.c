/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of io.vigil.Agent, and what several of them answer with. */
#include "agent/agent.h"

#include <errno.h>
#include <string.h>

#include "agent/varlink.h"
#include "base/cleanup.h"

/* io.vigil.Agent.varlink, ended by a NUL. */
extern const char interface_text[];
__asm__(".section .rodata\n"
	".global interface_text\n"
	"interface_text:\n"
	".incbin \"src/agent/io.vigil.Agent.varlink\"\n"
	".byte 0\n"
	".previous\n");

json_t *answers_faults(const struct faults *faults, const char *path)
{
	json_t *list = json_array();

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:s, s:s}", "file", path, "line",
				  (json_int_t)fault->position.line, "column",
				  (json_int_t)fault->position.column, "severity",
				  fault->warning ? "warning" : "error", "text",
				  fault->text));
	}
	return list;
}

json_t *answers_policy(const struct agent *agent)
{
	const struct candidate *now = agent->force.committed;

	if (!now)
		return json_null();
	return json_pack("{s:s, s:I, s:s, s:I, s:I, s:o}", "path", now->path, "loaded",
			 (json_int_t)agent->force.committed_at, "tag", now->image->tag,
			 "rules", (json_int_t)now->policy->rule_count, "zones",
			 (json_int_t)now->policy->zone_count, "warnings",
			 answers_faults(&agent->force.warnings, now->path));
}

static void ask_force(struct call *call, struct agent *agent,
		      const struct force_request *request)
{
	if (force_ask(agent, request) < 0)
		call_error(call, VARLINK_INTERFACE ".Busy", NULL);
}

static void reload(struct call *call, void *context)
{
	const struct force_request request = { .kind = FORCE_FILE,
					       .afresh = true,
					       .call = call };

	ask_force(call, context, &request);
}

static void apply(struct call *call, void *context)
{
	json_t *name = json_object_get(call->parameters, "name");
	json_t *policy = json_object_get(call->parameters, "policy");
	json_t *dry_run = json_object_get(call->parameters, "dry_run");
	struct force_request request = {
		.kind = FORCE_TEXT,
		.afresh = true,
		.text = json_string_value(policy),
		.text_bytes = json_string_length(policy),
		.path = json_string_value(name),
		.dry_run = json_is_true(dry_run),
		.call = call,
	};

	if (!request.path || !request.path[0])
		call_invalid(call, "name");
	else if (!request.text || request.text_bytes > POLICY_BYTES_MAX)
		call_invalid(call, "policy");
	else if (dry_run && !json_is_boolean(dry_run) && !json_is_null(dry_run))
		call_invalid(call, "dry_run");
	else
		ask_force(call, context, &request);
}

static void get_policy(struct call *call, void *context)
{
	const struct agent *agent = context;
	const struct candidate *now = agent->force.committed;

	if (now)
		call_reply(call,
			   json_pack("{s:s, s:I, s:s, s:s%}", "path", now->path,
				     "loaded", (json_int_t)agent->force.committed_at,
				     "tag", now->image->tag, "text", now->text,
				     now->text_bytes));
	else
		call_error(call, VARLINK_INTERFACE ".NoPolicy", NULL);
}

static const char *const status_parameters[] = { "wait", NULL };
static const char *const apply_parameters[] = { "name", "policy", "dry_run", NULL };

static const struct control_method methods[] = {
	{ .name = "GetStatus", .run = status_get, .parameters = status_parameters },
	{ .name = "Reload", .run = reload, .privileged = true },
	{ .name = "Apply",
	  .run = apply,
	  .privileged = true,
	  .parameters = apply_parameters },
	{ .name = "GetPolicy", .run = get_policy },
	{ .name = "GetRules", .run = rules_get },
	{ .name = "Follow", .run = follow_start, .stream = true },
};

struct control_service methods_service(struct agent *agent)
{
	return (struct control_service){
		.interface = VARLINK_INTERFACE,
		.description = interface_text,
		.methods = methods,
		.method_count = ARRAY_SIZE(methods),
		.context = agent,
	};
}
