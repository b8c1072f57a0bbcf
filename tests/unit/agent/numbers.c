/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/numbers.h"

#include "reading.h"

#include <sys/stat.h>

static void numbering_cleanup(struct numbering **numbering)
{
	numbering_free(*numbering);
}

#define auto_numbering auto_call(numbering_cleanup)
#define auto_numbers auto_call(numbers_done)

static char path[256];

static struct numbers_file a_file(void)
{
	snprintf(path, sizeof(path), "%s", in_directory("numbers"));
	return (struct numbers_file){ .path = path };
}

static void expect_file(const char *wanted)
{
	auto_free char *text = NULL;
	size_t size_bytes;

	assert_int_equal(file_read(path, 1 << 20, &text, &size_bytes), 0);
	assert_string_equal(text, wanted);
}

static void assign(struct numbering *numbering, const char *id)
{
	assert_true(numbering_assign(numbering, id, DIRECTION_INPUT, "wan", "", 99) >
		    0);
}

static void what_is_kept_is_read_in_the_next_life(void **state)
{
	auto_numbers struct numbers_file file = a_file(), next = a_file();
	auto_numbering struct numbering *before = numbering_new();
	auto_numbering struct numbering *after = numbering_new();

	(void)state;
	assert_int_equal(numbers_read(&file, before), 0);
	assign(before, "ssh");
	assert_int_equal(numbers_keep(&file, before), 0);
	expect_file("1 input wan - ssh\n");
	assert_int_equal(numbers_read(&next, after), 0);
	assert_string_equal(numbering_find(after, 1)->id, "ssh");
}

static ino_t inode(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void only_what_differs_is_written(void **state)
{
	auto_numbers struct numbers_file file = a_file();
	auto_numbering struct numbering *numbering = numbering_new();
	ino_t before;

	(void)state;
	put_file("numbers", "7 input wan - ssh\n");
	before = inode();
	assert_int_equal(numbers_read(&file, numbering), 0);
	assert_int_equal(numbers_keep(&file, numbering), 0);
	assert_int_equal(inode(), before);
	assign(numbering, "dns");
	assert_int_equal(numbers_keep(&file, numbering), 0);
	assert_int_not_equal(inode(), before);
	before = inode();
	assert_int_equal(numbers_keep(&file, numbering), 0);
	assert_int_equal(inode(), before);
}

static void what_could_not_be_written_is_tried_again(void **state)
{
	auto_numbers struct numbers_file file = a_file();
	auto_numbering struct numbering *numbering = numbering_new();
	char away[64];

	(void)state;
	put_file("numbers", "7 input wan - ssh\n");
	assert_int_equal(numbers_read(&file, numbering), 0);
	snprintf(away, sizeof(away), "%s.away", directory);
	assert_int_equal(rename(directory, away), 0);
	assert_int_equal(numbers_keep(&file, numbering), 0);
	assign(numbering, "dns");
	assert_int_equal(numbers_keep(&file, numbering), -ENOENT);
	assert_int_equal(numbers_keep(&file, numbering), -ENOENT);
	assert_int_equal(rename(away, directory), 0);
	expect_file("7 input wan - ssh\n");
	assert_int_equal(numbers_keep(&file, numbering), 0);
	expect_file("1 input wan - dns\n7 input wan - ssh\n");
}

static void damage_and_a_failure_to_read_are_told_apart(void **state)
{
	auto_numbers struct numbers_file file = a_file();
	auto_numbering struct numbering *numbering = numbering_new();

	(void)state;
	put_file("numbers", "7 input wan\n");
	assert_int_equal(numbers_read(&file, numbering), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(numbers_read(&file, numbering), -EISDIR);
}

#define in_a_directory(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_directory(what_is_kept_is_read_in_the_next_life),
		in_a_directory(only_what_differs_is_written),
		in_a_directory(what_could_not_be_written_is_tried_again),
		in_a_directory(damage_and_a_failure_to_read_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
