/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/enduring.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* A policy in JSON's escapes. */
enum { FILE_MAX = 6 * POLICY_BYTES_MAX + 1024 * 1024 };

static void decref(json_t **json)
{
	json_decref(*json);
}

#define auto_json auto_call(decref)

static json_t *describe(const struct candidate *candidate)
{
	json_t *generations = json_object();

	for (size_t i = 0; i < candidate->policy->feed_count; i++)
		json_object_set_new(generations, candidate->policy->feeds[i].name,
				    json_integer(candidate->feed_generations[i]));
	return json_pack("{s:s, s:s, s:s%, s:s, s:i, s:b, s:I, s:o}", "path",
			 candidate->path, "directory", candidate->directory, "text",
			 candidate->text, candidate->text_bytes, "tag",
			 candidate->image->tag, "utc_offset",
			 (int)candidate->utc_offset_s, "plain", candidate->plain,
			 "static_generation", (json_int_t)candidate->static_generation,
			 "generations", generations);
}

int enduring_write(struct candidate *candidate, const char *path, const char *feeds,
		   const struct candidate *previous)
{
	auto_json json_t *json = describe(candidate);
	auto_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int error;

	if (!text)
		return -ENOMEM;
	error = candidate_keep_feeds(candidate, feeds, previous);
	return error ? error : file_replace(path, text, strlen(text));
}

static int read_description(const char *path, json_t **ret)
{
	auto_free char *text = NULL;
	size_t size_bytes;
	int error = file_read_regular(path, FILE_MAX, &text, &size_bytes);

	if (error)
		return error;
	*ret = json_loadb(text, size_bytes, 0, NULL);
	return *ret ? 0 : -EINVAL;
}

/* With the generations and the clock of then, so that the same image comes of it. */
static int compile_as_then(struct candidate *candidate, json_t *json,
			   struct numbering *numbering)
{
	auto_faults struct faults faults = FAULTS_NULL;
	json_t *generations;
	json_int_t statics;
	int utc_offset_s;

	if (json_unpack(json, "{s:i, s:I, s:o}", "utc_offset", &utc_offset_s,
			"static_generation", &statics, "generations", &generations) < 0)
		return -EINVAL;
	for (size_t i = 0; i < candidate->policy->feed_count; i++)
		candidate->feed_generations[i] = (uint32_t)json_integer_value(
			json_object_get(generations, candidate->policy->feeds[i].name));
	candidate->static_generation = (uint32_t)statics;
	candidate->utc_offset_s = utc_offset_s;
	return candidate_compile(candidate, numbering, &faults);
}

static int rebuild(json_t *json, const char *feeds, struct numbering *numbering,
		   struct candidate **ret)
{
	auto_candidate struct candidate *candidate = NULL;
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate_source source = { .feed_cache = feeds,
					   .feeds_from_cache = true };
	const char *tag;
	int error, plain;

	if (json_unpack(json, "{s:s, s:s, s:s%, s:s, s:b}", "path", &source.path,
			"directory", &source.directory, "text", &source.text,
			&source.text_bytes, "tag", &tag, "plain", &plain) < 0)
		return -EINVAL;
	source.plain = plain;
	error = candidate_read(&source, numbering, &candidate, &faults);
	if (!error)
		error = compile_as_then(candidate, json, numbering);
	if (error)
		return error;
	if (strcmp(candidate->image->tag, tag) != 0)
		return -ESTALE;
	*ret = take(candidate);
	return 0;
}

int enduring_read(const char *path, const char *feeds, struct numbering *numbering,
		  struct candidate **ret)
{
	auto_json json_t *json = NULL;
	int error = read_description(path, &json);

	return error ? error : rebuild(json, feeds, numbering, ret);
}
