/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an interface to its zone's chain. */
#include "compile/frame.h"

#include <string.h>

#include "compile/action.h"
#include "compile/build.h"

static bool is_pattern(const char *interface)
{
	size_t length = strlen(interface);

	return length > 0 && interface[length - 1] == '*';
}

static bool pattern_covers(const char *pattern, const char *interface)
{
	return strncmp(pattern, interface, strlen(pattern) - 1) == 0;
}

/* Whether a pattern of a zone with a chain would take the interface from its zone. */
static bool is_taken(const struct build *build, const char *const *targets,
		     const char *interface)
{
	for (size_t i = 0; i < build->policy->zone_count; i++) {
		const struct zone *zone = &build->policy->zones[i];

		for (size_t j = 0; targets[i] && j < zone->interface_count; j++) {
			if (is_pattern(zone->interfaces[j]) &&
			    pattern_covers(zone->interfaces[j], interface))
				return true;
		}
	}
	return false;
}

static void add_pair(struct build *build, const char *chain, const char *key,
		     bool *begun, const char *interface, const char *target)
{
	struct buffer *out = &build->rules;

	if (!*begun) {
		build_rule_begin(build, chain);
		buffer_printf(out, "%s vmap { ", key);
	} else {
		buffer_text(out, ", ");
	}
	*begun = true;
	buffer_printf(out, "\"%s\" : goto %s", interface,
		      target ? target : CHAIN_ALLOWED);
}

static void emit_names(struct build *build, const char *chain, const char *key,
		       const char *const *targets)
{
	bool begun = false;

	for (size_t i = 0; i < build->policy->zone_count; i++) {
		const struct zone *zone = &build->policy->zones[i];

		for (size_t j = 0; j < zone->interface_count; j++) {
			const char *interface = zone->interfaces[j];

			if (is_pattern(interface))
				continue;
			if (targets[i] || is_taken(build, targets, interface))
				add_pair(build, chain, key, &begun, interface,
					 targets[i]);
		}
	}
	if (begun) {
		buffer_text(&build->rules, " }");
		build_rule_end(build);
	}
}

void dispatch_emit(struct build *build, const char *chain, const char *key,
		   const char *const *targets)
{
	emit_names(build, chain, key, targets);
	for (size_t i = 0; i < build->policy->zone_count; i++) {
		const struct zone *zone = &build->policy->zones[i];

		for (size_t j = 0; targets[i] && j < zone->interface_count; j++) {
			if (is_pattern(zone->interfaces[j]))
				build_rule(build, chain, "%s \"%s\" goto %s", key,
					   zone->interfaces[j], targets[i]);
		}
	}
}
