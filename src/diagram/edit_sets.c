/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zones, groups, feeds and the ban. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagram/editing.h"

static void put_interfaces(const struct zone *zone, struct buffer *out)
{
	for (size_t i = 0; i < zone->interface_count; i++)
		buffer_printf(out, i ? ", %s" : "%s", zone->interfaces[i]);
}

static const struct zone *find_zone(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->zone_count; i++)
		if (strcmp(policy->zones[i].name, name) == 0)
			return &policy->zones[i];
	return NULL;
}

static void tell_zone(struct editing *editing, enum edit_kind kind,
		      const struct zone *zone)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	struct edit *edit =
		editing_add(editing, kind, "zone", zone->name, zone->position.line);

	put_interfaces(zone, &text);
	editing_detail(editing, edit, "%s", text.data ? text.data : "");
}

static void compare_zones(struct editing *editing, const struct zone *before,
			  const struct zone *after)
{
	auto_buffer struct buffer old = BUFFER_NULL, new = BUFFER_NULL;
	struct edit *edit = editing_add(editing, EDIT_CHANGED, "zone", after->name,
					after->position.line);

	put_interfaces(before, &old);
	put_interfaces(after, &new);
	editing_texts(editing, edit, "interfaces", &old, &new);
	editing_drop(editing, edit);
}

static void find_zone_edits(struct editing *editing, const struct policy *before,
			    const struct policy *after)
{
	for (size_t i = 0; i < after->zone_count && !editing->error; i++) {
		const struct zone *zone = &after->zones[i];
		const struct zone *old = find_zone(before, zone->name);

		if (old)
			compare_zones(editing, old, zone);
		else
			tell_zone(editing, EDIT_ADDED, zone);
	}
	for (size_t i = 0; i < before->zone_count && !editing->error; i++)
		if (!find_zone(after, before->zones[i].name))
			tell_zone(editing, EDIT_REMOVED, &before->zones[i]);
}

static const struct address_group *find_group(const struct policy *policy,
					      const char *name)
{
	for (size_t i = 0; i < policy->group_count; i++)
		if (strcmp(policy->groups[i].name, name) == 0)
			return &policy->groups[i];
	return NULL;
}

static void tell_group(struct editing *editing, enum edit_kind kind,
		       const struct address_group *group)
{
	size_t count = group->addresses.count4 + group->addresses.count6;
	struct edit *edit =
		editing_add(editing, kind, "group", group->name, group->position.line);

	editing_detail(editing, edit, "%zu range%s", count, count == 1 ? "" : "s");
}

static void find_group_edits(struct editing *editing, const struct policy *before,
			     const struct policy *after)
{
	for (size_t i = 0; i < after->group_count && !editing->error; i++) {
		const struct address_group *group = &after->groups[i];
		const struct address_group *old = find_group(before, group->name);
		struct edit *edit;

		if (!old) {
			tell_group(editing, EDIT_ADDED, group);
			continue;
		}
		edit = editing_add(editing, EDIT_CHANGED, "group", group->name,
				   group->position.line);
		editing_sets(editing, edit, "", &old->addresses, &group->addresses);
		editing_drop(editing, edit);
	}
	for (size_t i = 0; i < before->group_count && !editing->error; i++)
		if (!find_group(after, before->groups[i].name))
			tell_group(editing, EDIT_REMOVED, &before->groups[i]);
}

static const struct feed *find_feed(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->feed_count; i++)
		if (strcmp(policy->feeds[i].name, name) == 0)
			return &policy->feeds[i];
	return NULL;
}

static void put_feed(const struct feed *feed, struct buffer *out)
{
	buffer_printf(out,
		      "%s, refresh %us, at most %u entries, on_error %s, on_empty %s",
		      feed->file, feed->refresh_s, feed->max_entries,
		      feed->keep_on_error ? "keep" : "fail",
		      feed->allow_empty ? "allow" : "keep");
}

static void compare_feeds(struct editing *editing, const struct feed *before,
			  const struct feed *after)
{
	const struct diagram_input *inputs = editing->inputs;
	size_t old = (size_t)(before - inputs[0].policy->feeds);
	size_t new = (size_t)(after - inputs[1].policy->feeds);
	auto_buffer struct buffer texts = BUFFER_NULL, other = BUFFER_NULL;
	struct edit *edit = editing_add(editing, EDIT_CHANGED, "feed", after->name,
					after->position.line);

	put_feed(before, &texts);
	put_feed(after, &other);
	editing_texts(editing, edit, "settings", &texts, &other);
	editing_sets(editing, edit, "never: ", &before->never, &after->never);
	if (input_knows(&inputs[0], old) && input_knows(&inputs[1], new))
		editing_sets(editing, edit, "list: ", &inputs[0].feeds[old],
			     &inputs[1].feeds[new]);
	editing_drop(editing, edit);
}

static void find_feed_edits(struct editing *editing, const struct policy *before,
			    const struct policy *after)
{
	for (size_t i = 0; i < after->feed_count && !editing->error; i++) {
		const struct feed *feed = &after->feeds[i];
		const struct feed *old = find_feed(before, feed->name);

		if (old)
			compare_feeds(editing, old, feed);
		else
			editing_detail(editing,
				       editing_add(editing, EDIT_ADDED, "feed",
						   feed->name, feed->position.line),
				       "%s", feed->file);
	}
	for (size_t i = 0; i < before->feed_count && !editing->error; i++) {
		const struct feed *feed = &before->feeds[i];

		if (!find_feed(after, feed->name))
			editing_detail(editing,
				       editing_add(editing, EDIT_REMOVED, "feed",
						   feed->name, feed->position.line),
				       "%s", feed->file);
	}
}

static void put_ban_feeds(const struct policy *policy, struct buffer *out)
{
	for (size_t i = 0; i < policy->ban_feed_count; i++)
		buffer_printf(out, i ? ", %s" : "%s",
			      policy->feeds[policy->ban_feeds[i]].name);
}

static void find_ban_edits(struct editing *editing, const struct policy *before,
			   const struct policy *after)
{
	auto_buffer struct buffer old = BUFFER_NULL, new = BUFFER_NULL;
	struct edit *edit = editing_add(editing, EDIT_CHANGED, "ban", "", 0);

	put_ban_feeds(before, &old);
	put_ban_feeds(after, &new);
	editing_sets(editing, edit, "", &before->ban, &after->ban);
	editing_texts(editing, edit, "feeds", &old, &new);
	editing_drop(editing, edit);
}

void find_set_edits(struct editing *editing)
{
	const struct policy *before = editing->inputs[0].policy;
	const struct policy *after = editing->inputs[1].policy;

	find_zone_edits(editing, before, after);
	find_group_edits(editing, before, after);
	find_feed_edits(editing, before, after);
	find_ban_edits(editing, before, after);
}
