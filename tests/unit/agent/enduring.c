/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/enduring.h"

#include "reading.h"

#include <errno.h>

#define POLICY                                                                         \
	"version: 1\n"                                                                 \
	"zones: {wan: [eth0]}\n"                                                       \
	"feeds: {bad: {file: list.txt}}\n"                                             \
	"ban: [bad]\n"                                                                 \
	"rules: [{id: ssh, from: wan, to: host, allow: ssh}]\n"

static struct candidate *enforced(struct numbering *numbering)
{
	struct candidate *candidate = NULL;
	struct faults faults = FAULTS_NULL;

	put_file("list.txt", "192.0.2.0/24\n2001:db8::1\n");
	assert_int_equal(read_candidate(POLICY, NULL, numbering, &candidate, &faults),
			 0);
	candidate->feed_generations[0] = 7;
	candidate->utc_offset_s = 3600;
	assert_int_equal(candidate_compile(candidate, numbering, &faults), 0);
	faults_done(&faults);
	return candidate;
}

static int read_back(struct numbering *numbering, struct candidate **ret)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", in_directory("committed"));
	return enduring_read(path, directory, numbering, ret);
}

static void keep(const struct candidate *candidate)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", in_directory("committed"));
	assert_int_equal(enduring_write(candidate, path, directory, NULL), 0);
}

static void a_new_life_makes_the_very_image_again(void **state)
{
	struct numbering *numbering = numbering_new();
	auto_candidate struct candidate *before = enforced(numbering);
	auto_candidate struct candidate *after = NULL;

	(void)state;
	keep(before);
	unlink(in_directory("list.txt"));
	assert_int_equal(read_back(numbering, &after), 0);
	assert_string_equal(after->image->tag, before->image->tag);
	assert_string_equal(after->text, before->text);
	assert_string_equal(after->directory, before->directory);
	assert_int_equal(after->feed_generations[0], 7);
	numbering_free(numbering);
}

static void what_gives_another_image_is_not_believed(void **state)
{
	struct numbering *numbering = numbering_new();
	auto_candidate struct candidate *before = enforced(numbering);
	auto_candidate struct candidate *after = NULL;

	(void)state;
	keep(before);
	put_file("bad", "192.0.2.0/25\n");
	assert_int_equal(read_back(numbering, &after), -ESTALE);
	unlink(in_directory("bad"));
	assert_int_equal(read_back(numbering, &after), -ENOENT);
	assert_null(after);
	numbering_free(numbering);
}

static void nothing_kept_and_damage_are_told_apart(void **state)
{
	static const char *const damaged[] = { "",
					       "{",
					       "[]",
					       "{}",
					       "{\"path\": 1}",
					       "{\"path\":\"a\",\"directory\":\"b\","
					       "\"text\":\"version: 9\",\"tag\":\"c\","
					       "\"plain\":false}" };
	struct numbering *numbering = numbering_new();
	auto_candidate struct candidate *after = NULL;

	(void)state;
	assert_int_equal(read_back(numbering, &after), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		put_file("committed", damaged[i]);
		assert_int_equal(read_back(numbering, &after), -EINVAL);
	}
	assert_null(after);
	numbering_free(numbering);
}

#define in_a_directory(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_directory(a_new_life_makes_the_very_image_again),
		in_a_directory(what_gives_another_image_is_not_believed),
		in_a_directory(nothing_kept_and_damage_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
