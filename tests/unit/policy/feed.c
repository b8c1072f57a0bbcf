/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "policy/feed.h"
#include "reading.h"

static const struct feed plain = { .name = "bad",
				   .file = "bad.txt",
				   .max_entries = 10 };

static void expect(const char *text, const char *wanted, size_t bad_lines)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	struct feed_report report;

	assert_int_equal(feed_read(&plain, text, strlen(text), &set, &report), 0);
	expect_addresses(&set, wanted);
	assert_int_equal(report.bad_lines, bad_lines);
	assert_string_equal(report.problem, "");
}

static void reads_lists_as_they_come(void **state)
{
	(void)state;
	expect("10.0.0.1\n", "10.0.0.1 ", 0);
	expect("10.0.0.1", "10.0.0.1 ", 0);
	expect("10.0.0.1\r\n\r\n  2001:db8::/32\t\r\n", "10.0.0.1 2001:db8::/32 ", 0);
	expect("# head\n;head\n10.0.0.1 # why\n10.0.1.0/24;SBL\n  # tail",
	       "10.0.0.1 10.0.1.0/24 ", 0);
	expect("10.0.0.1-10.0.0.3\n10.0.0.2\n10.0.0.4\n10.0.0.4\n",
	       "10.0.0.1-10.0.0.4 ", 0);
	expect("\xef\xbb\xbf"
	       "10.0.0.1\n",
	       "10.0.0.1 ", 0);
}

/* Lists in the wild do that, and what they mean is plain. */
static void masks_host_bits(void **state)
{
	(void)state;
	expect("10.0.0.5/24\n2001:db8::1/32\n", "10.0.0.0/24 2001:db8::/32 ", 0);
}

static void skips_and_reports_broken_lines(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	const char text[] = "10.0.0.1\nexample.org\n10.0.0.300 # c\n\0x\n\x1b[31m\n"
			    "10.0.0.2 10.0.0.3\n10.0.0.9-10.0.0.1\n";
	struct feed_report report;

	(void)state;
	assert_int_equal(feed_read(&plain, text, sizeof(text) - 1, &set, &report), 0);
	expect_addresses(&set, "10.0.0.1 ");
	assert_int_equal(report.entries, 1);
	assert_int_equal(report.bad_lines, 6);
	assert_int_equal(report.bad[0].line, 2);
	assert_string_equal(report.bad[0].text, "example.org");
	assert_string_equal(report.bad[1].text, "10.0.0.300");
	assert_int_equal(report.bad[2].line, 4);
	assert_string_equal(report.bad[2].text, "?x");
	assert_string_equal(report.bad[3].text, "?[31m");
}

static void shows_only_the_first_broken_lines(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_buffer struct buffer text = BUFFER_NULL;
	struct feed_report report;

	(void)state;
	buffer_text(&text, "10.0.0.1\n");
	for (int i = 0; i < 1000; i++)
		buffer_printf(&text,
			      "broken-%d-and-so-long-that-it-will-have-to-be-cut-"
			      "somewhere-before-its-end\n",
			      i);
	assert_int_equal(feed_read(&plain, text.data, text.size_bytes, &set, &report),
			 0);
	assert_int_equal(report.bad_lines, 1000);
	assert_int_equal(report.bad[9].line, 11);
	assert_int_equal(strlen(report.bad[9].text), 63);
}

static void expect_problem(const struct feed *feed, const char *text, size_t size_bytes,
			   const char *words)
{
	struct address_set set = ADDRESS_SET_NULL;
	struct feed_report report;

	assert_int_equal(feed_read(feed, text, size_bytes, &set, &report), -EINVAL);
	assert_null(set.v4);
	if (!strstr(report.problem, words))
		fail_msg("%s", report.problem);
}

static void refuses_what_is_no_list(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	for (int i = 0; i < 1001; i++)
		buffer_text(&text, "<html>\n");
	buffer_text(&text, "10.0.0.1\n");
	expect_problem(&plain, text.data, text.size_bytes,
		       "1001 of its 1002 lines are not addresses, the first is line 1: "
		       "<html>");
}

static void a_tenth_of_broken_lines_is_borne(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_buffer struct buffer text = BUFFER_NULL;
	struct feed feed = plain;
	struct feed_report report;

	(void)state;
	feed.max_entries = 100000;
	for (int i = 0; i < 2000; i++)
		buffer_printf(&text, "broken\n");
	for (int i = 0; i < 20000; i++)
		buffer_printf(&text, "10.0.%d.%d\n", i >> 8, i & 255);
	assert_int_equal(feed_read(&feed, text.data, text.size_bytes, &set, &report),
			 0);
	assert_int_equal(report.entries, 20000);
	assert_int_equal(report.merged, 19999);
}

static void refuses_more_entries_than_asked_for(void **state)
{
	(void)state;
	expect_problem(&plain,
		       "1.1.1.1\n1.1.1.1\n1.1.1.1\n1.1.1.1\n1.1.1.1\n1.1.1.1\n"
		       "1.1.1.1\n1.1.1.1\n1.1.1.1\n1.1.1.1\n1.1.1.1\n",
		       88, "it has more than 10 entries");
}

static void an_empty_list_is_refused_unless_allowed(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	struct feed feed = plain;
	struct feed_report report;

	(void)state;
	expect_problem(&plain, "", 0, "it holds no address");
	expect_problem(&plain, "# nothing\n", 10, "it holds no address");
	expect_problem(&plain, "a\nb\n", 4,
		       "2 of its 2 lines are not addresses, the first is line 1: a");
	feed.allow_empty = true;
	assert_int_equal(feed_read(&feed, "", 0, &set, &report), 0);
	assert_int_equal(feed_read(&feed, NULL, 0, &set, &report), 0);
	assert_true(address_set_empty(&set));
}

static void never_takes_entries_out(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_address_set struct address_set never = ADDRESS_SET_NULL;
	struct feed feed = plain;
	struct feed_report report;

	(void)state;
	address_set_add(&never,
			(struct address_range){ FAMILY_IPV4, 0x0a000000, 0x0a0000ff });
	address_set_finish(&never);
	feed.never = never;
	assert_int_equal(
		feed_read(&feed, "10.0.0.1\n10.0.0.9\n10.0.1.1\n", 27, &set, &report),
		0);
	expect_addresses(&set, "10.0.1.1 ");
	assert_int_equal(report.removed_by_never, 2);
}

static void loads_beside_the_policy_or_from_anywhere(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	char folder[] = "/tmp/vigil-feed-XXXXXX";
	struct feed feed = plain;
	struct feed_report report;
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/bad.txt", folder);
	assert_int_equal(file_replace(path, "10.0.0.1\n", 9), 0);
	assert_int_equal(feed_load(&feed, folder, &set, &report), 0);
	expect_addresses(&set, "10.0.0.1 ");
	address_set_done(&set);
	feed.file = path;
	assert_int_equal(feed_load(&feed, "/nonexistent", &set, &report), 0);
	unlink(path);
	assert_int_equal(feed_load(&feed, folder, &set, &report), -ENOENT);
	assert_non_null(strstr(report.problem, "No such file"));
	rmdir(folder);
}

static void reads_a_million_lines_quickly(void **state)
{
	auto_address_set struct address_set set = ADDRESS_SET_NULL;
	auto_buffer struct buffer text = BUFFER_NULL;
	struct feed feed = plain;
	struct feed_report report;
	struct timespec start, end;

	(void)state;
	feed.max_entries = 1000000;
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t value = i * 2654435761u;

		buffer_printf(&text, "%u.%u.%u.%u\n", value >> 24, value >> 16 & 255,
			      value >> 8 & 255, value & 255);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	assert_int_equal(feed_read(&feed, text.data, text.size_bytes, &set, &report),
			 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_int_equal(report.entries, 1000000);
	print_message("%.3f s\n", (double)(end.tv_sec - start.tv_sec) +
					  (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	/* A tenth of a second; the bound leaves room for sanitizers. */
	assert_true(end.tv_sec - start.tv_sec < 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lists_as_they_come),
		cmocka_unit_test(masks_host_bits),
		cmocka_unit_test(skips_and_reports_broken_lines),
		cmocka_unit_test(shows_only_the_first_broken_lines),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(a_tenth_of_broken_lines_is_borne),
		cmocka_unit_test(refuses_more_entries_than_asked_for),
		cmocka_unit_test(an_empty_list_is_refused_unless_allowed),
		cmocka_unit_test(never_takes_entries_out),
		cmocka_unit_test(loads_beside_the_policy_or_from_anywhere),
		cmocka_unit_test(reads_a_million_lines_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
