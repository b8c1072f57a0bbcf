/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read a policy and its feeds, and compile them. */
#include "agent/candidate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"

void candidate_free(struct candidate *candidate)
{
	size_t count;

	if (!candidate)
		return;
	count = candidate->policy ? candidate->policy->feed_count : 0;
	image_free(candidate->image);
	for (size_t i = 0; candidate->feeds && i < count; i++)
		address_set_done(&candidate->feeds[i]);
	free(candidate->feeds);
	free(candidate->feed_reports);
	free(candidate->feed_generations);
	free(candidate->feed_times);
	free(candidate->feeds_kept);
	policy_free(candidate->policy);
	free(candidate->text);
	free(candidate->path);
	free(candidate->directory);
	free(candidate);
}

long candidate_find_feed(const struct candidate *candidate, const char *name)
{
	for (size_t i = 0; candidate && i < candidate->policy->feed_count; i++)
		if (strcmp(candidate->policy->feeds[i].name, name) == 0)
			return (long)i;
	return -1;
}

int32_t candidate_utc_offset(void)
{
	time_t now = time(NULL);
	struct tm local;

	tzset();
	return localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
}

/* Empty for want of a list, and not because its list is. */
static bool never_read(const struct candidate *candidate, size_t index)
{
	return candidate->feed_times[index] == 0 &&
	       address_set_empty(&candidate->feeds[index]);
}

/* The contents that the last policy had, without what this one must never hold. */
static int copy_previous(const struct feed *feed, const struct candidate *previous,
			 size_t index, struct address_set *ret)
{
	auto_address_set struct address_set copy = ADDRESS_SET_NULL;
	int error = address_set_add_all(&copy, &previous->feeds[index]);

	if (error)
		return error;
	address_set_finish(&copy);
	error = address_set_subtract(&copy, &feed->never);
	if (error)
		return error;
	*ret = copy;
	copy = (struct address_set)ADDRESS_SET_NULL;
	return 0;
}

static int read_copy(const struct feed *feed, const char *directory,
		     struct address_set *ret)
{
	auto_free char *path = NULL, *text = NULL;
	struct feed lenient = *feed;
	struct feed_report report;
	size_t size_bytes;
	int error;

	if (!directory)
		return -ENOENT;
	if (asprintf(&path, "%s/%s", directory, feed->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	error = file_read_regular(path, FEED_BYTES_MAX, &text, &size_bytes);
	if (error)
		return error;
	/* A list may have been empty when it was good. */
	lenient.allow_empty = true;
	return feed_read(&lenient, text, size_bytes, ret, &report);
}

/* Return: 0 when an earlier list was found, else -ENOENT or -ENOMEM. */
static int keep_last_good(struct candidate *fresh, size_t i,
			  const struct candidate_source *source)
{
	const struct feed *feed = &fresh->policy->feeds[i];
	long before = candidate_find_feed(source->previous, feed->name);
	int error;

	if (before >= 0 && !never_read(source->previous, (size_t)before)) {
		fresh->feed_times[i] = source->previous->feed_times[before];
		return copy_previous(feed, source->previous, (size_t)before,
				     &fresh->feeds[i]);
	}
	error = read_copy(feed, source->feed_cache, &fresh->feeds[i]);
	return error && error != -ENOMEM ? -ENOENT : error;
}

static void tell_bad_lines(const struct feed *feed, const struct feed_report *report,
			   struct faults *faults)
{
	const char *more = report->bad_lines > 1 ? " and others" : "";

	if (report->bad_lines > 0)
		faults_warn(
			faults, feed->position,
			"feed %s: %zu broken lines were left out: line %u, \"%s\"%s",
			feed->name, report->bad_lines, report->bad[0].line,
			report->bad[0].text, more);
}

static int load_feed(struct candidate *fresh, size_t i,
		     const struct candidate_source *source, struct faults *faults)
{
	const struct feed *feed = &fresh->policy->feeds[i];
	struct feed_report *report = &fresh->feed_reports[i];
	long before = candidate_find_feed(source->previous, feed->name);
	int error;

	if (before >= 0)
		fresh->feed_generations[i] = source->previous->feed_generations[before];
	if (source->without_feeds)
		return 0;
	if (source->feeds_from_cache) {
		fresh->feeds_kept[i] = true;
		return read_copy(feed, source->feed_cache, &fresh->feeds[i]);
	}
	if (source->feeds_due && !source->feeds_due[i] && before >= 0) {
		*report = source->previous->feed_reports[before];
		fresh->feed_times[i] = source->previous->feed_times[before];
		return copy_previous(feed, source->previous, (size_t)before,
				     &fresh->feeds[i]);
	}
	error = feed_load(feed, source->directory, &fresh->feeds[i], report);
	if (error == -ENOMEM)
		return error;
	tell_bad_lines(feed, report, faults);
	if (!error) {
		fresh->feed_times[i] = time(NULL);
		return 0;
	}
	if (!feed->keep_on_error)
		return faults_add(faults, feed->position, "feed %s: %s", feed->name,
				  report->problem);
	error = keep_last_good(fresh, i, source);
	if (error && error != -ENOENT)
		return error;
	faults_warn(faults, feed->position, "feed %s: %s; %s", feed->name,
		    report->problem,
		    error ? "there is no earlier list, so it is empty"
			  : "the last good list stays");
	return 0;
}

static int load_feeds(struct candidate *fresh, const struct candidate_source *source,
		      struct faults *faults)
{
	/* One more, so that no feeds are not taken for no memory. */
	size_t count = fresh->policy->feed_count + 1;
	int worst = 0;

	fresh->feeds = calloc(count, sizeof(*fresh->feeds));
	fresh->feed_reports = calloc(count, sizeof(*fresh->feed_reports));
	fresh->feed_generations = calloc(count, sizeof(*fresh->feed_generations));
	fresh->feed_times = calloc(count, sizeof(*fresh->feed_times));
	fresh->feeds_kept = calloc(count, sizeof(*fresh->feeds_kept));
	if (!fresh->feeds || !fresh->feed_reports || !fresh->feed_generations ||
	    !fresh->feed_times || !fresh->feeds_kept)
		return -ENOMEM;
	for (size_t i = 0; i < fresh->policy->feed_count; i++) {
		int error = load_feed(fresh, i, source, faults);

		if (error)
			worst = error;
	}
	return worst;
}

int candidate_compile(struct candidate *candidate, struct numbering *numbering,
		      struct faults *faults)
{
	const struct compile_input input = {
		.policy = candidate->policy,
		.feeds = candidate->feeds,
		.feed_generations = candidate->feed_generations,
		.static_generation = candidate->static_generation,
		.numbering = numbering,
		.utc_offset_s = candidate->utc_offset_s,
		.plain = candidate->plain,
	};
	struct image *image = NULL;
	int error = compile_policy(&input, &image, faults);

	if (error)
		return error;
	image_free(candidate->image);
	candidate->image = image;
	return 0;
}

static struct candidate *copy_source(const struct candidate_source *source)
{
	auto_candidate struct candidate *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return NULL;
	fresh->text = malloc(source->text_bytes + 1);
	fresh->path = strdup(source->path);
	fresh->directory = strdup(source->directory);
	if (!fresh->text || !fresh->path || !fresh->directory)
		return NULL;
	if (source->text_bytes)
		memcpy(fresh->text, source->text, source->text_bytes);
	fresh->text[source->text_bytes] = '\0';
	fresh->text_bytes = source->text_bytes;
	fresh->plain = source->plain;
	if (source->previous)
		fresh->static_generation = source->previous->static_generation;
	fresh->utc_offset_s = candidate_utc_offset();
	return take(fresh);
}

int candidate_read(const struct candidate_source *source, struct numbering *numbering,
		   struct candidate **ret, struct faults *faults)
{
	auto_candidate struct candidate *fresh = copy_source(source);
	int error;

	if (!fresh)
		return -ENOMEM;
	error = policy_read(fresh->text, fresh->text_bytes, &fresh->policy, faults);
	if (error)
		return error;
	error = load_feeds(fresh, source, faults);
	if (!error)
		error = candidate_compile(fresh, numbering, faults);
	faults_sort(faults);
	if (error)
		return error;
	*ret = take(fresh);
	return 0;
}

static void write_ranges(const struct address_set *set, struct buffer *out)
{
	char text[RANGE_TEXT_MAX];

	for (size_t i = 0; i < set->count4; i++) {
		buffer_text(out, range_format(range4_wide(set->v4[i]), text));
		buffer_add(out, "\n", 1);
	}
	for (size_t i = 0; i < set->count6; i++) {
		buffer_text(out, range_format(range6_wide(set->v6[i]), text));
		buffer_add(out, "\n", 1);
	}
}

static int keep_feed(const struct candidate *candidate, size_t i, const char *directory)
{
	auto_buffer struct buffer content = BUFFER_NULL;
	auto_free char *path = NULL;

	write_ranges(&candidate->feeds[i], &content);
	if (asprintf(&path, "%s/%s", directory, candidate->policy->feeds[i].name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (content.error)
		return content.error;
	return file_replace(path, content.data, content.size_bytes);
}

int candidate_keep_feeds(struct candidate *candidate, const char *directory,
			 const struct candidate *previous)
{
	int worst = 0;

	for (size_t i = 0; i < candidate->policy->feed_count; i++) {
		const char *name = candidate->policy->feeds[i].name;
		long before = candidate_find_feed(previous, name);
		int error;

		if (never_read(candidate, i))
			continue;
		candidate->feeds_kept[i] = before >= 0 &&
					   previous->feeds_kept[before] &&
					   address_set_equal(&previous->feeds[before],
							     &candidate->feeds[i]);
		if (candidate->feeds_kept[i])
			continue;
		error = keep_feed(candidate, i, directory);
		candidate->feeds_kept[i] = !error;
		if (error && !worst)
			worst = error;
	}
	return worst;
}
