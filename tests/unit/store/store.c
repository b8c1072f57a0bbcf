/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sample.h"

static void fill(const char *path, const char *text, size_t size_bytes)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size_bytes), size_bytes);
	close(fd);
}

static void make_good_database(void)
{
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	for (uint32_t i = 0; i < 2000; i++)
		put_connection(rows, 1, i, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	aggregate_free(rows);
	store_close(store);
}

static bool exists(const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", database, suffix);
	return access(path, F_OK) == 0;
}

static void remove_suffix(const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", database, suffix);
	unlink(path);
}

static void sets_aside_what_is_no_database(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store;
	bool set_aside;
	char why[256];

	(void)state;
	for (int i = 1; i <= 11; i++) {
		fill(database, "This is a letter and not a database, whatever it says.",
		     54);
		assert_int_equal(store_open(database, &store, &set_aside, why), 0);
		assert_true(set_aside);
		assert_int_equal(store_state(store), STORE_READY);
		put_connection(rows, 1, 1, 22, 1);
		assert_int_equal(write_rows(store, rows, START, true, 0), 0);
		store_close(store);
	}
	assert_true(exists(".corrupt-1"));
	assert_true(exists(".corrupt-9"));
	assert_false(exists(".corrupt-10"));
	aggregate_free(rows);
}

static void damage(const char *path, long at)
{
	char garbage[4096];
	int fd = open(path, O_WRONLY);

	memset(garbage, 0xa5, sizeof(garbage));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
	close(fd);
}

static void sets_aside_what_turns_out_corrupt_and_writes_all_the_same(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store;

	(void)state;
	make_good_database();
	for (long page = 2; page < 30; page++)
		damage(database, page * 4096);
	store = open_store();
	for (uint32_t i = 0; i < 3000; i++)
		put_connection(rows, 1, i * 7, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	assert_true(store_was_set_aside(store));
	assert_int_equal(store_state(store), STORE_READY);
	assert_true(exists(".corrupt-1"));
	assert_int_equal(ask("SELECT sum(flows) FROM flows"), 3000);
	store_close(store);
	aggregate_free(rows);
}

static void sets_aside_only_once(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store;

	(void)state;
	fill(database, "no database", 11);
	store = open_store();
	assert_int_equal(store_state(store), STORE_READY);
	unlink(database);
	fill(database, "again no database", 17);
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), -EAGAIN);
	assert_int_equal(store_state(store), STORE_BROKEN);
	assert_non_null(strstr(store_why(store), "move it away"));
	assert_int_equal(aggregate_counts(rows).rows, 1);
	store_close(store);
	aggregate_free(rows);
}

/* Whatever is done with it, the file stays as it is, byte for byte. */
static void expect_untouched(enum store_state expected, const char *word)
{
	struct aggregate *rows = new_rows();
	auto_free char *before = NULL, *after = NULL;
	size_t before_bytes, after_bytes;
	struct store *store;
	bool set_aside;
	char why[256];

	assert_int_equal(file_read(database, 1 << 24, &before, &before_bytes), 0);
	assert_int_equal(store_open(database, &store, &set_aside, why), 0);
	assert_false(set_aside);
	assert_int_equal(store_state(store), expected);
	assert_non_null(strstr(why, word));
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), -EAGAIN);
	assert_int_equal(store_retain(store, START, 1, 1), -EAGAIN);
	assert_int_equal(aggregate_counts(rows).rows, 1);
	store_close(store);
	assert_int_equal(file_read(database, 1 << 24, &after, &after_bytes), 0);
	assert_int_equal(before_bytes, after_bytes);
	assert_memory_equal(before, after, before_bytes);
	aggregate_free(rows);
}

static void does_not_touch_a_newer_database(void **state)
{
	(void)state;
	make_good_database();
	run_sql("PRAGMA user_version = 2");
	expect_untouched(STORE_NEWER, "newer Vigil");
}

static void does_not_touch_a_newer_database_that_was_left_open(void **state)
{
	struct store *store = open_store();
	sqlite3 *other;
	pid_t child;

	(void)state;
	store_close(store);
	child = fork();
	if (child == 0) {
		sqlite3_open(database, &other);
		sqlite3_exec(other, "PRAGMA user_version = 2", NULL, NULL, NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	assert_true(exists("-wal"));
	expect_untouched(STORE_NEWER, "newer Vigil");
	assert_true(exists("-wal"));
}

static void does_not_touch_another_programs_database(void **state)
{
	(void)state;
	run_sql("CREATE TABLE bookmarks (url)");
	expect_untouched(STORE_BROKEN, "another program");
	run_sql("PRAGMA application_id = 1; PRAGMA user_version = 1");
	expect_untouched(STORE_BROKEN, "another program");
}

/* Version 0 with our mark was never made by anybody. */
static void does_not_touch_an_older_version_that_never_was(void **state)
{
	char sql[64];

	(void)state;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", STORE_APPLICATION_ID);
	run_sql(sql);
	expect_untouched(STORE_BROKEN, "another program");
}

static void takes_an_empty_file(void **state)
{
	struct store *store;

	(void)state;
	fill(database, "", 0);
	store = open_store();
	assert_int_equal(store_state(store), STORE_READY);
	store_close(store);
}

static void says_what_is_wrong_with_the_folder(void **state)
{
	struct aggregate *rows = new_rows();
	struct store *store;

	(void)state;
	strcat(folder, "/nowhere");
	snprintf(database, sizeof(database), "%s/flows.db", folder);
	store = open_store();
	assert_int_equal(store_state(store), STORE_BROKEN);
	assert_non_null(strstr(store_why(store), "No such file"));
	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), -EAGAIN);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	store_close(store);
	aggregate_free(rows);
	*strrchr(folder, '/') = '\0';
}

/* What follows needs a place of its own: run @body as a child that nobody else sees. */
static void in_child(void (*body)(void))
{
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		body();
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

#define child_expects(condition)                                                       \
	do {                                                                           \
		if (!(condition)) {                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,             \
				#condition);                                           \
			_exit(1);                                                      \
		}                                                                      \
	} while (0)

static void write_as_nobody(void)
{
	struct aggregate *rows = new_rows();
	struct store *store;
	bool set_aside;
	char why[256];

	child_expects(geteuid() != 0 ||
		      (setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
		       setresuid(65534, 65534, 65534) == 0));
	child_expects(store_open(database, &store, &set_aside, why) == 0);
	child_expects(!set_aside);
	child_expects(store_state(store) == STORE_READ_ONLY);
	put_connection(rows, 1, 1, 22, 1);
	child_expects(write_rows(store, rows, START, true, 0) == -EAGAIN);
	child_expects(store_state(store) == STORE_READ_ONLY);
	child_expects(strstr(store_why(store), "can't be written"));
	child_expects(aggregate_counts(rows).rows == 1);
	store_close(store);
	aggregate_free(rows);
}

static void says_that_it_may_not_write(void **state)
{
	(void)state;
	make_good_database();
	chmod(database, 0444);
	chmod(folder, 0555);
	in_child(write_as_nobody);
	chmod(folder, 0777);
	in_child(write_as_nobody);
	chmod(database, 0666);
	remove_suffix("-wal");
	remove_suffix("-shm");
	chmod(folder, 0555);
	in_child(write_as_nobody);
	unlink(database);
	in_child(write_as_nobody);
	chmod(folder, 0700);
}

static bool mount_here(const char *options)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", folder, "tmpfs", 0, options) == 0;
}

static void write_until_full(void)
{
	struct aggregate *rows = new_rows();
	struct store *store;
	char ballast[256];
	int result = 0;

	if (!mount_here("size=2m"))
		_exit(77);
	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	fill(ballast, ballast, sizeof(ballast));
	child_expects(truncate(ballast, 0) == 0);
	store = open_store();
	for (uint32_t i = 0; !result && i < 100; i++) {
		for (uint32_t j = 0; j < 2000; j++)
			put_connection(rows, 1, i * 2000 + j, 22, 1);
		result = write_rows(store, rows, START + i * 60, true, 0);
	}
	child_expects(result == -EAGAIN);
	child_expects(store_state(store) == STORE_FULL);
	child_expects(strstr(store_why(store), "make room"));
	child_expects(aggregate_counts(rows).rows == 2000);
	child_expects(ask("SELECT count(*) FROM pragma_integrity_check"
			  " WHERE integrity_check = 'ok'") == 1);
	child_expects(ask("SELECT count(*) % 2000 FROM flows") == 0);
	child_expects(mount("none", folder, NULL, MS_REMOUNT, "size=16m") == 0);
	child_expects(write_rows(store, rows, START + 6000, true, 0) == 0);
	child_expects(store_state(store) == STORE_READY);
	store_close(store);
	aggregate_free(rows);
}

static void outlives_a_full_disk(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(write_until_full);
}

static void write_to_read_only(void)
{
	struct aggregate *rows = new_rows();
	struct store *store;

	if (!mount_here("size=2m"))
		_exit(77);
	make_good_database();
	child_expects(mount("none", folder, NULL, MS_REMOUNT | MS_RDONLY, "") == 0);
	store = open_store();
	child_expects(store_state(store) == STORE_READ_ONLY);
	put_connection(rows, 1, 1, 22, 1);
	child_expects(write_rows(store, rows, START, true, 0) == -EAGAIN);
	child_expects(mount("none", folder, NULL, MS_REMOUNT, "") == 0);
	child_expects(write_rows(store, rows, START, true, 0) == 0);
	store_close(store);
	aggregate_free(rows);
}

static void outlives_a_read_only_disk(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(write_to_read_only);
}

static void has_a_name_for_each_state(void **state)
{
	(void)state;
	assert_string_equal(store_state_name(STORE_READY), "ready");
	assert_string_equal(store_state_name(STORE_BROKEN), "broken");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_folder(sets_aside_what_is_no_database),
		test_with_folder(
			sets_aside_what_turns_out_corrupt_and_writes_all_the_same),
		test_with_folder(sets_aside_only_once),
		test_with_folder(does_not_touch_a_newer_database),
		test_with_folder(does_not_touch_a_newer_database_that_was_left_open),
		test_with_folder(does_not_touch_another_programs_database),
		test_with_folder(does_not_touch_an_older_version_that_never_was),
		test_with_folder(takes_an_empty_file),
		test_with_folder(says_what_is_wrong_with_the_folder),
		test_with_folder(says_that_it_may_not_write),
		test_with_folder(outlives_a_full_disk),
		test_with_folder(outlives_a_read_only_disk),
		cmocka_unit_test(has_a_name_for_each_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
