/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static char folder[] = "/tmp/vigil-test-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(in_folder("file"));
	unlink(in_folder("fifo"));
	return rmdir(folder);
}

static void reads_back_what_it_replaced(void **state)
{
	const char *path = in_folder("file");
	auto_free char *text = NULL;
	size_t size_bytes;
	struct stat st;

	(void)state;
	assert_int_equal(file_replace(path, "old", 3), 0);
	assert_int_equal(file_replace(path, "a\0b", 3), 0);
	assert_int_equal(file_read(path, 3, &text, &size_bytes), 0);
	assert_int_equal(size_bytes, 3);
	assert_memory_equal(text, "a\0b", 4);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access(in_folder("file.new"), F_OK), -1);
}

static void refuses_a_file_beyond_the_bound_before_reading_it(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes;

	(void)state;
	assert_int_equal(file_replace(in_folder("file"), "abcd", 4), 0);
	assert_int_equal(file_read(in_folder("file"), 3, &text, &size_bytes), -EFBIG);
	/* A sparse terabyte: reading it would not end. */
	assert_int_equal(truncate(in_folder("file"), 1ll << 40), 0);
	assert_int_equal(file_read(in_folder("file"), 1 << 20, &text, &size_bytes),
			 -EFBIG);
	assert_int_equal(file_read("/dev/zero", 1 << 20, &text, &size_bytes), -EFBIG);
	assert_null(text);
}

static void tells_why_a_file_cannot_be_read(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes;

	(void)state;
	assert_int_equal(file_read(folder, 10, &text, &size_bytes), -EISDIR);
	assert_int_equal(file_read("/nonexistent/file", 10, &text, &size_bytes),
			 -ENOENT);
	assert_int_equal(file_replace("/nonexistent/file", "", 0), -ENOENT);
}

static void a_fifo_without_a_writer_is_empty(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes = 1;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(file_read(in_folder("fifo"), 10, &text, &size_bytes), 0);
	assert_int_equal(size_bytes, 0);
}

static void a_pipe_is_not_waited_for_where_only_a_file_will_do(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes;
	char path[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(file_read_regular(path, 10, &text, &size_bytes), -ESPIPE);
	assert_int_equal(file_read_regular("/dev/zero", 10, &text, &size_bytes),
			 -ESPIPE);
	assert_int_equal(file_replace(in_folder("file"), "a", 1), 0);
	assert_int_equal(file_read_regular(in_folder("file"), 10, &text, &size_bytes),
			 0);
	assert_string_equal(text, "a");
	close(ends[0]);
	close(ends[1]);
}

static void a_file_named_like_a_new_one_is_left_alone(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes;

	(void)state;
	assert_int_equal(file_replace(in_folder("file.new"), "b", 1), 0);
	assert_int_equal(file_replace(in_folder("file"), "a", 1), 0);
	assert_int_equal(file_read(in_folder("file.new"), 10, &text, &size_bytes), 0);
	assert_string_equal(text, "b");
	assert_int_equal(unlink(in_folder("file.new")), 0);
}

static void a_file_is_in_its_directory(void **state)
{
	static const char *const pairs[][2] = {
		{ "/a/b/c", "/a/b" }, { "/a", "/" }, { "a", "." }, { "a/b", "a" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		auto_free char *directory = file_directory(pairs[i][0]);

		assert_string_equal(directory, pairs[i][1]);
	}
}

static void waits_for_a_slow_writer_of_a_pipe(void **state)
{
	auto_free char *text = NULL;
	size_t size_bytes;
	char path[64];
	int ends[2];
	pid_t writer;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer = fork();
	if (writer == 0) {
		usleep(50000);
		_exit(write(ends[1], "late", 4) != 4);
	}
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(file_read(path, 10, &text, &size_bytes), 0);
	assert_string_equal(text, "late");
	close(ends[0]);
	waitpid(writer, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_it_replaced),
		cmocka_unit_test(refuses_a_file_beyond_the_bound_before_reading_it),
		cmocka_unit_test(tells_why_a_file_cannot_be_read),
		cmocka_unit_test(a_fifo_without_a_writer_is_empty),
		cmocka_unit_test(a_pipe_is_not_waited_for_where_only_a_file_will_do),
		cmocka_unit_test(a_file_named_like_a_new_one_is_left_alone),
		cmocka_unit_test(a_file_is_in_its_directory),
		cmocka_unit_test(waits_for_a_slow_writer_of_a_pipe),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
