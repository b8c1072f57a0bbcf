/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reading.h"

#define WITH_FEED                                                                      \
	"version: 1\n"                                                                 \
	"zones: {wan: [eth0]}\n"                                                       \
	"feeds: {bad: {file: list.txt}}\n"                                             \
	"ban: [bad]\n"
#define STRICT                                                                         \
	"version: 1\n"                                                                 \
	"zones: {wan: [eth0]}\n"                                                       \
	"feeds: {bad: {file: list.txt, on_error: fail}}\n"                             \
	"ban: [bad]\n"

struct attempt {
	struct numbering *numbering;
	struct candidate *candidate;
	struct faults faults;
	int error;
};

static struct attempt try_to_read(const char *text, const struct candidate *previous)
{
	struct attempt attempt = { .numbering = numbering_new() };

	assert_non_null(attempt.numbering);
	attempt.error = read_candidate(text, previous, attempt.numbering,
				       &attempt.candidate, &attempt.faults);
	return attempt;
}

static void attempt_done(struct attempt *attempt)
{
	candidate_free(attempt->candidate);
	numbering_free(attempt->numbering);
	faults_done(&attempt->faults);
}

#define auto_attempt auto_call(attempt_done)

static bool has(const struct attempt *attempt, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address_set_contains(&attempt->candidate->feeds[0], address);
}

static void compiles_a_policy_and_keeps_its_text(void **state)
{
	auto_attempt struct attempt attempt =
		try_to_read("version: 1\nzones: {wan: [eth0]}\n", NULL);

	(void)state;
	assert_int_equal(attempt.error, 0);
	assert_string_equal(attempt.candidate->text,
			    "version: 1\nzones: {wan: [eth0]}\n");
	assert_int_equal(strlen(attempt.candidate->image->tag), 32);
}

static void refuses_a_bad_policy_with_its_faults(void **state)
{
	auto_attempt struct attempt attempt =
		try_to_read("version: 2\nzone: {}\n", NULL);

	(void)state;
	assert_int_equal(attempt.error, -EINVAL);
	assert_null(attempt.candidate);
	assert_true(attempt.faults.errors >= 2);
}

static void tells_of_broken_lines_and_goes_on(void **state)
{
	auto_attempt struct attempt attempt = { 0 };

	(void)state;
	put_file("list.txt", "192.0.2.1\nnonsense\n");
	attempt = try_to_read(WITH_FEED, NULL);
	assert_int_equal(attempt.error, 0);
	assert_true(has(&attempt, "192.0.2.1"));
	assert_int_equal(attempt.faults.count, 1);
	assert_true(attempt.faults.list[0].warning);
	assert_int_equal(attempt.faults.list[0].position.line, 3);
	assert_non_null(strstr(attempt.faults.list[0].text, "line 2"));
}

static void keeps_the_last_good_list_of_what_is_in_force(void **state)
{
	auto_attempt struct attempt first = { 0 }, second = { 0 };

	(void)state;
	put_file("list.txt", "192.0.2.1\n");
	first = try_to_read(WITH_FEED, NULL);
	put_file("list.txt", "");
	second = try_to_read(WITH_FEED, first.candidate);
	assert_int_equal(second.error, 0);
	assert_true(has(&second, "192.0.2.1"));
	assert_non_null(strstr(second.faults.list[0].text, "last good list stays"));
	assert_true(second.candidate->feed_reports[0].problem[0] != '\0');
	assert_int_equal(second.candidate->feed_times[0],
			 first.candidate->feed_times[0]);
}

static void takes_out_of_the_kept_list_what_must_never_be_in_it(void **state)
{
	auto_attempt struct attempt first = { 0 }, second = { 0 };

	(void)state;
	put_file("list.txt", "192.0.2.0/30\n");
	first = try_to_read(WITH_FEED, NULL);
	unlink(in_directory("list.txt"));
	second = try_to_read("version: 1\n"
			     "zones: {wan: [eth0]}\n"
			     "feeds: {bad: {file: list.txt, never: [192.0.2.1]}}\n"
			     "ban: [bad]\n",
			     first.candidate);
	assert_int_equal(second.error, 0);
	assert_true(has(&second, "192.0.2.2"));
	assert_false(has(&second, "192.0.2.1"));
}

static void keeps_copies_for_the_next_life(void **state)
{
	auto_attempt struct attempt first = { 0 }, second = { 0 };

	(void)state;
	put_file("list.txt", "192.0.2.1\n2001:db8::/32\n198.51.100.3-198.51.100.9\n");
	first = try_to_read(WITH_FEED, NULL);
	assert_int_equal(candidate_keep_feeds(first.candidate, directory, NULL), 0);
	unlink(in_directory("list.txt"));
	second = try_to_read(WITH_FEED, NULL);
	assert_int_equal(second.error, 0);
	assert_true(address_set_equal(&first.candidate->feeds[0],
				      &second.candidate->feeds[0]));
	assert_string_equal(first.candidate->image->tag, second.candidate->image->tag);
}

static void goes_on_with_an_empty_list_where_there_never_was_one(void **state)
{
	auto_attempt struct attempt attempt = try_to_read(WITH_FEED, NULL);

	(void)state;
	assert_int_equal(attempt.error, 0);
	assert_true(address_set_empty(&attempt.candidate->feeds[0]));
	assert_non_null(strstr(attempt.faults.list[0].text, "so it is empty"));
	/* And does not take that for a good one later. */
	assert_int_equal(candidate_keep_feeds(attempt.candidate, directory, NULL), 0);
	assert_int_equal(access(in_directory("bad"), F_OK), -1);
}

static void fails_where_the_policy_wants_it_to(void **state)
{
	auto_attempt struct attempt attempt = try_to_read(STRICT, NULL);

	(void)state;
	assert_int_equal(attempt.error, -EINVAL);
	assert_int_equal(attempt.faults.errors, 1);
	assert_int_equal(attempt.faults.list[0].position.line, 3);
}

static void does_not_write_a_feed_again_that_is_the_same(void **state)
{
	auto_attempt struct attempt attempt = { 0 };

	(void)state;
	put_file("list.txt", "192.0.2.1\n");
	attempt = try_to_read(WITH_FEED, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(candidate_keep_feeds(attempt.candidate, directory,
						      attempt.candidate),
				 0);
		assert_int_equal(unlink(in_directory("bad")), i ? -1 : 0);
	}
}

#define in_a_directory(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_directory(compiles_a_policy_and_keeps_its_text),
		in_a_directory(refuses_a_bad_policy_with_its_faults),
		in_a_directory(tells_of_broken_lines_and_goes_on),
		in_a_directory(keeps_the_last_good_list_of_what_is_in_force),
		in_a_directory(takes_out_of_the_kept_list_what_must_never_be_in_it),
		in_a_directory(keeps_copies_for_the_next_life),
		in_a_directory(goes_on_with_an_empty_list_where_there_never_was_one),
		in_a_directory(fails_where_the_policy_wants_it_to),
		in_a_directory(does_not_write_a_feed_again_that_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
