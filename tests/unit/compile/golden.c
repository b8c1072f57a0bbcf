/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/golden/NAME.yml compiles to the script NAME.nft, and without the optimiser to
 * NAME.plain.nft. UPDATE_GOLDEN=1 writes what is compiled now; read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "compile/transition.h"
#include "helper/gate.h"
#include "policy/feed.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t bytes;

	return file_read(path, FILE_MAX, &text, &bytes) == 0 ? text : NULL;
}

static struct policy *read_policy(const char *path)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_free char *text = read_text(path);
	struct policy *policy = NULL;

	assert_non_null(text);
	if (policy_read(text, strlen(text), &policy, &faults) < 0)
		fail_msg("%s:%u: %s", path, faults.list[0].position.line,
			 faults.list[0].text);
	return policy;
}

static void load_feeds(const struct policy *policy, struct address_set *feeds)
{
	for (size_t i = 0; i < policy->feed_count; i++) {
		struct feed_report report;

		assert_int_equal(feed_load(&policy->feeds[i], "tests/golden", &feeds[i],
					   &report),
				 0);
	}
}

static char *compile(const struct policy *policy, const struct address_set *feeds,
		     bool plain)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct numbering *numbering = numbering_new();
	uint32_t *generations = calloc(policy->feed_count + 1, sizeof(uint32_t));
	struct compile_input input = {
		.policy = policy,
		.feeds = feeds,
		.feed_generations = generations,
		.numbering = numbering,
		.utc_offset_s = 3600,
		.plain = plain,
	};
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_image struct image *image = NULL;
	char *script;

	assert_non_null(numbering);
	assert_int_equal(compile_policy(&input, &image, &faults), 0);
	transition_script(image, &out);
	assert_int_equal(buffer_take(&out, &script, NULL), 0);
	numbering_free(numbering);
	free(generations);
	return script;
}

static void write_text(const char *path, const char *text)
{
	auto_file FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void compare(const char *path, const char *script)
{
	auto_free char *expected = NULL;

	if (getenv("UPDATE_GOLDEN")) {
		write_text(path, script);
		return;
	}
	expected = read_text(path);
	if (!expected)
		fail_msg("%s is not there; UPDATE_GOLDEN=1 makes it", path);
	if (strcmp(expected, script) != 0)
		fail_msg("%s differs; UPDATE_GOLDEN=1 and git diff show how", path);
}

/* The helper admits what is compiled. */
static void check_gate(const char *path, const char *script)
{
	struct helper_reply reply = { .line = 0 };

	if (gate_check(script, &reply) < 0)
		fail_msg("%s: line %u of the script: %s", path, reply.line, reply.text);
}

/* @base: the policy's path without ".yml" */
static void check(const char *base)
{
	char path[512];
	struct address_set *feeds;
	auto_policy struct policy *policy = NULL;

	snprintf(path, sizeof(path), "%s.yml", base);
	policy = read_policy(path);
	feeds = calloc(policy->feed_count + 1, sizeof(*feeds));
	assert_non_null(feeds);
	load_feeds(policy, feeds);
	for (int plain = 0; plain < 2; plain++) {
		auto_free char *script = compile(policy, feeds, plain);
		auto_free char *again = compile(policy, feeds, plain);

		assert_string_equal(script, again);
		check_gate(path, script);
		snprintf(path, sizeof(path), "%s%s.nft", base, plain ? ".plain" : "");
		compare(path, script);
	}
	for (size_t i = 0; i < policy->feed_count; i++)
		address_set_done(&feeds[i]);
	free(feeds);
}

static void compiles_to_the_golden_scripts(void **state)
{
	size_t checked = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/golden/*.nft", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *path = found.gl_pathv[i];
		size_t length = strlen(path) - strlen(".nft");

		if (length > 6 && strncmp(path + length - 6, ".plain", 6) == 0)
			continue;
		path[length] = '\0';
		check(path);
		checked++;
	}
	globfree(&found);
	assert_true(checked > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles_to_the_golden_scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
