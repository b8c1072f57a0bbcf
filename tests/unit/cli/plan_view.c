/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/golden/plan/NAME.old.yml and NAME.new.yml give the plan NAME.txt; where NAME
 * ends in "-all", with what is only decided by others. UPDATE_GOLDEN=1 writes what
 * comes out now; read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/plan_view.h"
#include "policy/feed.h"

#define FOLDER "tests/golden/plan"

enum { FILE_MAX = 1 << 20, FEEDS_MAX = 4 };

/* A policy with the feeds whose files are there. */
struct side {
	struct policy *policy;
	struct address_set feeds[FEEDS_MAX];
	bool known[FEEDS_MAX];
};

static void read_side(const char *base, const char *which, struct side *side)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_free char *text = NULL;
	struct feed_report report;
	size_t bytes;
	char path[512];

	snprintf(path, sizeof(path), "%s.%s.yml", base, which);
	assert_int_equal(file_read(path, FILE_MAX, &text, &bytes), 0);
	if (policy_read(text, bytes, &side->policy, &faults) < 0)
		fail_msg("%s:%u: %s", path, faults.list[0].position.line,
			 faults.list[0].text);
	assert_true(side->policy->feed_count <= FEEDS_MAX);
	for (size_t i = 0; i < side->policy->feed_count; i++)
		side->known[i] = feed_load(&side->policy->feeds[i], FOLDER,
					   &side->feeds[i], &report) == 0;
}

static void free_side(struct side *side)
{
	for (size_t i = 0; i < side->policy->feed_count; i++)
		address_set_done(&side->feeds[i]);
	policy_free(side->policy);
}

static void render(const char *base, struct buffer *out)
{
	struct side sides[2] = { { NULL }, { NULL } };
	auto_difference struct difference *difference = NULL;
	auto_revision struct revision revision = { .count = 0 };
	struct diagram_input inputs[2];
	size_t length = strlen(base);
	struct plan_shown shown;
	json_t *json;

	read_side(base, "old", &sides[0]);
	read_side(base, "new", &sides[1]);
	for (size_t i = 0; i < 2; i++)
		inputs[i] = (struct diagram_input){ sides[i].policy, sides[i].feeds,
						    sides[i].known };
	assert_int_equal(revision_find(inputs, &revision), 0);
	assert_int_equal(
		difference_find(inputs,
				length > 4 && strcmp(base + length - 4, "-all") == 0,
				&difference),
		0);
	shown = (struct plan_shown){ &revision, difference, sides[1].policy,
				     "new.yml" };
	plan_view(&shown, false, out);
	json = plan_view_json(&shown);
	assert_int_equal(json_array_size(json_object_get(json, "traffic")),
			 difference->count);
	assert_int_equal(json_array_size(json_object_get(json, "edits")),
			 revision.count);
	json_decref(json);
	free_side(&sides[0]);
	free_side(&sides[1]);
}

/* @base: the path without ".old.yml" */
static bool check(const char *base)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_free char *wanted = NULL;
	size_t bytes;
	char path[512];

	render(base, &out);
	snprintf(path, sizeof(path), "%s.txt", base);
	if (getenv("UPDATE_GOLDEN")) {
		auto_file FILE *file = fopen(path, "w");

		assert_non_null(file);
		assert_int_equal(fwrite(out.data, 1, out.size_bytes, file),
				 out.size_bytes);
	}
	assert_int_equal(file_read(path, FILE_MAX, &wanted, &bytes), 0);
	if (strcmp(wanted, out.data) == 0)
		return true;
	print_error("%s differs; now it is:\n%s", path, out.data);
	return false;
}

static void shows_the_golden_plans(void **state)
{
	size_t failed = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob(FOLDER "/*.old.yml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *path = found.gl_pathv[i];

		path[strlen(path) - strlen(".old.yml")] = '\0';
		failed += !check(path);
	}
	globfree(&found);
	assert_int_equal(failed, 0);
}

static void colours_say_what_opens_and_what_closes(void **state)
{
	struct edit edits[] = { { .kind = EDIT_ADDED, .what = "rule", .name = "a" },
				{ .kind = EDIT_REMOVED, .what = "rule", .name = "b" } };
	const struct revision revision = { .edits = edits, .count = 2 };
	const struct difference difference = { .count = 0 };
	const struct plan_shown shown = { &revision, &difference, NULL, NULL };
	auto_buffer struct buffer out = BUFFER_NULL;

	(void)state;
	plan_view(&shown, true, &out);
	assert_non_null(strstr(out.data, "\033[32m  + rule a"));
	assert_non_null(strstr(out.data, "\033[31m  - rule b"));
	buffer_clear(&out);
	plan_view(&shown, false, &out);
	assert_null(strchr(out.data, '\033'));
}

static void says_what_could_not_be_compared(void **state)
{
	const struct revision revision = { .count = 0 };
	const struct difference difference = {
		.gaps = { { DIRECTION_FORWARD, FAMILY_IPV4 } },
		.gap_count = 1,
	};
	const struct plan_shown shown = { &revision, &difference, NULL, NULL };
	auto_buffer struct buffer out = BUFFER_NULL;

	(void)state;
	plan_view(&shown, false, &out);
	assert_non_null(strstr(out.data, "IPv4 traffic forwarded: not compared"));
	assert_null(strstr(out.data, "Nothing changes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_the_golden_plans),
		cmocka_unit_test(colours_say_what_opens_and_what_closes),
		cmocka_unit_test(says_what_could_not_be_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
