/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "agent/candidate.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "tests/unit/policy/reading.h"

static char folder[] = "/tmp/vigil-candidate-XXXXXX", cache[64], list[64];
static struct numbering *numbering;

static int setup(void **state)
{
	(void)state;
	numbering = numbering_new();
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	if (!numbering || !mkdtemp(folder))
		return -1;
	snprintf(cache, sizeof(cache), "%s/cache", folder);
	snprintf(list, sizeof(list), "%s/list", folder);
	return mkdir(cache, 0700);
}

static int teardown(void **state)
{
	char copy[80];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/bad", cache);
	unlink(copy);
	unlink(list);
	rmdir(cache);
	numbering_free(numbering);
	return rmdir(folder);
}

static void write_list(const char *text)
{
	assert_int_equal(file_replace(list, text, strlen(text)), 0);
}

static struct candidate_source source_of(const char *text,
					 const struct candidate *previous)
{
	return (struct candidate_source){
		.text = text,
		.text_bytes = strlen(text),
		.path = "policy.yml",
		.directory = folder,
		.feed_cache = cache,
		.previous = previous,
	};
}

/* Read what must stand, with exactly one warning in @line that holds @words, or none.
 */
static struct candidate *read_with(const struct candidate_source *source, uint32_t line,
				   const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate *candidate = NULL;

	if (candidate_read(source, numbering, &candidate, &faults) < 0)
		fail_msg("%s", faults.count ? faults.list[0].text : "no fault");
	assert_int_equal(faults.count, words ? 1 : 0);
	if (words) {
		assert_true(faults.list[0].warning);
		assert_int_equal(faults.list[0].position.line, line);
		if (!strstr(faults.list[0].text, words))
			fail_msg("\"%s\" is not in: %s", words, faults.list[0].text);
	}
	return candidate;
}

static struct candidate *read_text(const char *text, const struct candidate *previous,
				   const char *words)
{
	struct candidate_source source = source_of(text, previous);

	return read_with(&source, 3, words);
}

#define KEEP                                                                           \
	"version: 1\nfeeds:\n  bad: { file: list }\nban: bad\ndefaults: { input: "     \
	"allow }\n"

static void a_policy_is_read_with_its_feeds_and_compiled(void **state)
{
	auto_candidate struct candidate *made = NULL;

	(void)state;
	write_list("10.0.0.1\n2001:db8::/32\n");
	made = read_text(KEEP, NULL, NULL);
	expect_addresses(&made->feeds[0], "10.0.0.1 2001:db8::/32 ");
	assert_string_equal(made->text, KEEP);
	assert_string_equal(made->directory, folder);
	assert_true(made->feed_times[0] > 0);
	assert_int_equal(made->feed_reports[0].entries, 2);
	assert_non_null(made->image);
	assert_ptr_equal(made->image->sets[0].addresses, &made->feeds[0]);
	assert_int_equal(candidate_find_feed(made, "bad"), 0);
	assert_int_equal(candidate_find_feed(made, "good"), -1);
	assert_int_equal(candidate_find_feed(NULL, "bad"), -1);
}

static void the_last_good_list_stays_when_the_next_is_broken(void **state)
{
	static const char *const broken[] = { "", "# nothing\n", "<html>\n" };
	auto_candidate struct candidate *before = NULL;

	(void)state;
	write_list("10.0.0.1\n10.0.0.9\n");
	before = read_text(KEEP, NULL, NULL);
	before->feed_times[0] = 1234;
	before->feed_generations[0] = 5;
	before->static_generation = 6;
	for (size_t i = 0; i <= ARRAY_SIZE(broken); i++) {
		auto_candidate struct candidate *after = NULL;
		struct candidate_source source = source_of(KEEP, before);
		auto_faults struct faults faults = FAULTS_NULL;

		if (i < ARRAY_SIZE(broken))
			write_list(broken[i]);
		else
			unlink(list);
		assert_int_equal(candidate_read(&source, numbering, &after, &faults),
				 0);
		assert_int_equal(faults.errors, 0);
		assert_non_null(strstr(faults.list[faults.count - 1].text,
				       "the last good list stays"));
		assert_int_equal(faults.list[0].position.line, 3);
		expect_addresses(&after->feeds[0], "10.0.0.1 10.0.0.9 ");
		assert_int_equal(after->feed_times[0], 1234);
		assert_int_equal(after->feed_generations[0], 5);
		assert_int_equal(after->static_generation, 6);
	}
}

static void a_list_that_is_kept_holds_nothing_it_must_never_hold(void **state)
{
	auto_candidate struct candidate *before = NULL, *after = NULL;

	(void)state;
	write_list("10.0.0.1\n10.0.0.9\n");
	before = read_text(KEEP, NULL, NULL);
	unlink(list);
	after = read_text("version: 1\nfeeds:\n  bad: { file: list, never: [10.0.0.9] "
			  "}\nban: bad\ndefaults: { input: allow }\n",
			  before, "the last good list stays");
	expect_addresses(&after->feeds[0], "10.0.0.1 ");
}

static void without_an_earlier_list_a_broken_feed_is_empty(void **state)
{
	auto_candidate struct candidate *first = NULL, *second = NULL;

	(void)state;
	first = read_text(KEEP, NULL, "there is no earlier list, so it is empty");
	assert_true(address_set_empty(&first->feeds[0]));
	assert_int_equal(first->feed_times[0], 0);
	/* Nor is there one the next time. */
	second = read_text(KEEP, first, "there is no earlier list, so it is empty");
	assert_int_equal(second->feed_times[0], 0);
}

static void a_feed_that_must_not_break_refuses_the_policy(void **state)
{
	static const char text[] =
		"version: 1\nfeeds:\n  bad:\n    file: list\n"
		"    on_error: fail\nban: bad\ndefaults: { input: allow }\n";
	struct candidate_source source = source_of(text, NULL);
	auto_candidate struct candidate *before = NULL;
	struct candidate *after = NULL;
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	write_list("10.0.0.1\n");
	before = read_text(text, NULL, NULL);
	unlink(list);
	source.previous = before;
	assert_int_equal(candidate_read(&source, numbering, &after, &faults), -EINVAL);
	assert_null(after);
	assert_int_equal(faults.errors, 1);
	assert_int_equal(faults.list[0].position.line, 3);
	assert_int_equal(faults.list[0].position.column, 3);
	assert_non_null(strstr(faults.list[0].text, "feed bad: "));
}

static void broken_lines_are_told_and_left_out(void **state)
{
	auto_candidate struct candidate *made = NULL;

	(void)state;
	write_list("10.0.0.1\nexample.org\n\x1b[31m\n");
	made = read_text(KEEP, NULL,
			 "feed bad: 2 broken lines were left out: line 2, "
			 "\"example.org\" and others");
	expect_addresses(&made->feeds[0], "10.0.0.1 ");
}

static void warnings_stand_in_the_order_of_the_policy(void **state)
{
	struct candidate_source source = source_of(
		KEEP "rules:\n  - { id: a, from: any, to: host, allow: all }\n"
		     "ports: { spare: { tcp: 1 } }\n",
		NULL);
	auto_candidate struct candidate *made = NULL;
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	assert_int_equal(candidate_read(&source, numbering, &made, &faults), 0);
	assert_int_equal(faults.count, 2);
	assert_int_equal(faults.list[0].position.line, 3);
	assert_int_equal(faults.list[1].position.line, 8);
}

static void copies_of_lists_outlive_the_agent(void **state)
{
	auto_candidate struct candidate *before = NULL, *after = NULL;

	(void)state;
	write_list("10.0.0.1-10.0.0.9\n2001:db8::/32\n");
	before = read_text(KEEP, NULL, NULL);
	assert_int_equal(candidate_keep_feeds(before, cache, NULL), 0);
	unlink(list);
	after = read_text(KEEP, NULL, "the last good list stays");
	assert_true(address_set_equal(&before->feeds[0], &after->feeds[0]));
	assert_string_equal(before->image->tag, after->image->tag);
	assert_int_equal(after->feed_times[0], 0);
}

static void an_empty_list_that_was_good_is_good_as_a_copy(void **state)
{
	static const char text[] = "version: 1\nfeeds:\n  bad: { file: list, on_empty: "
				   "allow }\nban: bad\ndefaults: { input: allow }\n";
	auto_candidate struct candidate *before = NULL, *after = NULL;

	(void)state;
	write_list("");
	before = read_text(text, NULL, NULL);
	assert_int_equal(candidate_keep_feeds(before, cache, NULL), 0);
	unlink(list);
	after = read_text(KEEP, NULL, "the last good list stays");
	assert_true(address_set_empty(&after->feeds[0]));
}

static void only_what_changed_is_copied(void **state)
{
	auto_candidate struct candidate *empty = NULL, *first = NULL, *second = NULL;
	char copy[80];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/bad", cache);
	empty = read_text(KEEP, NULL, "no earlier list");
	assert_int_equal(candidate_keep_feeds(empty, cache, NULL), 0);
	assert_int_equal(access(copy, F_OK), -1);
	write_list("10.0.0.1\n");
	first = read_text(KEEP, NULL, NULL);
	second = read_text(KEEP, first, NULL);
	assert_int_equal(candidate_keep_feeds(first, cache, empty), 0);
	assert_int_equal(access(copy, F_OK), 0);
	unlink(copy);
	assert_int_equal(candidate_keep_feeds(second, cache, first), 0);
	assert_int_equal(access(copy, F_OK), -1);
	assert_int_equal(candidate_keep_feeds(first, "/nonexistent", NULL), -ENOENT);
	assert_int_equal(candidate_keep_feeds(second, cache, first), 0);
	assert_int_equal(access(copy, F_OK), 0);
}

static void the_next_life_reads_its_copies_alone(void **state)
{
	auto_candidate struct candidate *before = NULL, *after = NULL;
	struct candidate_source source = source_of(KEEP, NULL);

	(void)state;
	write_list("10.0.0.1\n");
	before = read_text(KEEP, NULL, NULL);
	assert_int_equal(candidate_keep_feeds(before, cache, NULL), 0);
	write_list("10.0.0.2\n");
	source.feeds_from_cache = true;
	after = read_with(&source, 0, NULL);
	expect_addresses(&after->feeds[0], "10.0.0.1 ");
	assert_string_equal(before->image->tag, after->image->tag);
}

static void only_lists_that_are_due_are_read_again(void **state)
{
	auto_candidate struct candidate *before = NULL, *after = NULL, *later = NULL;
	struct candidate_source source;
	bool due = false;

	(void)state;
	write_list("10.0.0.1\nnonsense\n");
	before = read_text(KEEP, NULL, "1 broken lines");
	write_list("10.0.0.2\n");
	source = source_of(KEEP, before);
	source.feeds_due = &due;
	after = read_with(&source, 0, NULL);
	expect_addresses(&after->feeds[0], "10.0.0.1 ");
	assert_int_equal(after->feed_times[0], before->feed_times[0]);
	assert_int_equal(after->feed_reports[0].bad_lines, 1);
	assert_string_equal(before->image->tag, after->image->tag);
	due = true;
	later = read_with(&source, 0, NULL);
	expect_addresses(&later->feeds[0], "10.0.0.2 ");
}

static void a_policy_that_is_wrong_leaves_nothing(void **state)
{
	struct candidate_source source =
		source_of("version: 1\nrules:\n  - { id: a, from: nowhere, to: host, "
			  "allow: all }\n",
			  NULL);
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate *made = NULL;

	(void)state;
	assert_int_equal(candidate_read(&source, numbering, &made, &faults), -EINVAL);
	assert_null(made);
	assert_int_equal(faults.errors, 1);
	assert_int_equal(faults.list[0].position.line, 3);
}

static void any_bytes_can_be_a_policy(void **state)
{
	struct candidate_source source = source_of("", NULL);
	auto_faults struct faults faults = FAULTS_NULL;
	struct candidate *made = NULL;

	(void)state;
	source.text = NULL;
	assert_int_equal(candidate_read(&source, numbering, &made, &faults), -EINVAL);
	source.text = "a\0b";
	source.text_bytes = 3;
	assert_int_equal(candidate_read(&source, numbering, &made, &faults), -EINVAL);
	assert_null(made);
}

static void the_optimiser_can_be_left_out(void **state)
{
	static const char text[] =
		"version: 1\nrules:\n"
		"  - { id: a, from: any, to: host, allow: { tcp: 1 } }\n"
		"  - { id: b, from: any, to: host, drop: { tcp: 2 } }\n";
	struct candidate_source source = source_of(text, NULL);
	auto_candidate struct candidate *plain = NULL, *made = NULL;

	(void)state;
	made = read_with(&source, 0, NULL);
	source.plain = true;
	plain = read_with(&source, 0, NULL);
	assert_non_null(strstr(made->image->rules, "th dport vmap"));
	assert_null(strstr(plain->image->rules, "th dport vmap"));
}

static void a_new_generation_renames_the_sets(void **state)
{
	auto_candidate struct candidate *made = NULL;
	auto_faults struct faults faults = FAULTS_NULL;

	(void)state;
	write_list("10.0.0.1\n");
	made = read_text(KEEP, NULL, NULL);
	assert_string_equal(made->image->sets[0].name, "f.bad.4.0");
	made->feed_generations[0] = 7;
	assert_int_equal(candidate_compile(made, numbering, &faults), 0);
	assert_string_equal(made->image->sets[0].name, "f.bad.4.7");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_policy_is_read_with_its_feeds_and_compiled),
		TEST(the_last_good_list_stays_when_the_next_is_broken),
		TEST(a_list_that_is_kept_holds_nothing_it_must_never_hold),
		TEST(without_an_earlier_list_a_broken_feed_is_empty),
		TEST(a_feed_that_must_not_break_refuses_the_policy),
		TEST(broken_lines_are_told_and_left_out),
		TEST(warnings_stand_in_the_order_of_the_policy),
		TEST(copies_of_lists_outlive_the_agent),
		TEST(an_empty_list_that_was_good_is_good_as_a_copy),
		TEST(only_what_changed_is_copied),
		TEST(the_next_life_reads_its_copies_alone),
		TEST(only_lists_that_are_due_are_read_again),
		TEST(a_policy_that_is_wrong_leaves_nothing),
		TEST(any_bytes_can_be_a_policy),
		TEST(the_optimiser_can_be_left_out),
		TEST(a_new_generation_renames_the_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
