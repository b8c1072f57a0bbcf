/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people read first must be true: the examples, and docs/policy.md. Run from the
 * top of the tree. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/protocol.h"
#include "policy/feed.h"
#include "policy/services.h"
#include "reading.h"

static char *read_whole(const char *path)
{
	char *text = NULL;
	size_t size_bytes;

	if (file_read(path, 1 << 20, &text, &size_bytes) < 0)
		fail_msg("cannot read %s", path);
	return text;
}

static int is_policy(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".yml") == 0;
}

/* Unlike read_good(), this bears no warning at all. */
static struct policy *read_example(const char *path, const char *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct policy *policy = NULL;

	policy_read(text, strlen(text), &policy, &faults);
	if (faults.count > 0)
		fail_msg("%s: %s", path, faults.list[0].text);
	return policy;
}

static void every_example_stands_without_a_warning(void **state)
{
	struct dirent **entries = NULL;
	int count = scandir("examples", &entries, is_policy, alphasort);

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		auto_free struct dirent *entry = entries[i];
		auto_policy struct policy *policy = NULL;
		auto_free char *path = NULL;
		auto_free char *text = NULL;

		assert_true(asprintf(&path, "examples/%s", entry->d_name) > 0);
		text = read_whole(path);
		policy = read_example(path, text);
		for (size_t j = 0; j < policy->feed_count; j++) {
			auto_address_set struct address_set set = ADDRESS_SET_NULL;
			struct feed_report report;

			assert_int_equal(
				feed_load(&policy->feeds[j], "examples", &set, &report),
				0);
			assert_int_equal(report.bad_lines, 0);
		}
	}
	free(entries);
}

/* Each block of YAML stands by itself; only the version may be left out. */
static void check_block(const char *block, size_t size_bytes)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	auto_buffer struct buffer source = BUFFER_NULL;

	if (strncmp(block, "version", 7) != 0)
		buffer_text(&source, "version: 1\n");
	buffer_add(&source, block, size_bytes);
	policy_read(source.data, source.size_bytes, &policy, &faults);
	if (!policy)
		fail_msg("%s\n%s", faults.list[0].text, source.data);
}

static size_t check_blocks(const char *text)
{
	static const char fence[] = "```yaml\n";
	size_t blocks = 0;

	while ((text = strstr(text, fence))) {
		const char *end;

		text += strlen(fence);
		end = strstr(text, "```");
		assert_non_null(end);
		check_block(text, (size_t)(end - text));
		text = end;
		blocks++;
	}
	return blocks;
}

static void every_block_of_the_reference_stands(void **state)
{
	auto_free char *text = read_whole("docs/policy.md");

	(void)state;
	assert_true(check_blocks(text) >= 5);
}

static void expect_mention(const char *text, const char *name)
{
	char quoted[80];

	snprintf(quoted, sizeof(quoted), "`%s`", name);
	if (!strstr(text, quoted))
		fail_msg("docs/policy.md does not mention %s", quoted);
}

static void the_reference_names_all_that_is_built_in(void **state)
{
	auto_free char *text = read_whole("docs/policy.md");

	(void)state;
	for (size_t i = 0; builtin_service_at(i); i++)
		expect_mention(text, builtin_service_at(i)->name);
	for (const char *const *name = protocol_names(); *name; name++)
		expect_mention(text, *name);
	for (enum icmp_version version = ICMP_V4; version <= ICMP_V6; version++)
		for (const char *const *name = icmp_type_names(version); *name; name++)
			expect_mention(text, *name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_stands_without_a_warning),
		cmocka_unit_test(every_block_of_the_reference_stands),
		cmocka_unit_test(the_reference_names_all_that_is_built_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
