/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>

#include "sample.h"

static struct store *make_database(void)
{
	struct store *store = open_store();
	struct aggregate *rows = new_rows();

	put_connection(rows, 1, 1, 22, 1);
	assert_int_equal(write_rows(store, rows, START, true, 0), 0);
	aggregate_free(rows);
	return store;
}

static int summarize(const char *word)
{
	struct store_summary summary;
	char why[256] = "";
	int result = store_summarize(database, &summary, why);

	if (word && !strstr(why, word)) {
		fprintf(stderr, "unexpected: %s\n", why);
		return 1;
	}
	if (result == 0 && summary.rows != 1)
		return 1;
	return result;
}

/* As somebody who may only read. Return: as summarize(), 0 or -errno. */
static int summarize_as_nobody(const char *word)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		     setresuid(65534, 65534, 65534) < 0))
			_exit(255);
		_exit(-summarize(word));
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Who owns the files may read them, and only root can be somebody else. */
static void need_others(void)
{
	if (geteuid() != 0)
		skip();
}

static void says_that_there_is_none_yet(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(summarize("is vigil-agent running?"), -ENOENT);
	fd = open(database, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(summarize("is vigil-agent running?"), -ENOENT);
}

static void reads_while_the_agent_writes(void **state)
{
	struct store *store = make_database();

	(void)state;
	assert_int_equal(summarize(NULL), 0);
	store_close(store);
}

static void reads_the_log_without_writing_to_the_folder(void **state)
{
	struct store *store;
	char path[256];

	(void)state;
	need_others();
	store = make_database();
	chmod(folder, 0755);
	chmod(database, 0644);
	assert_int_equal(summarize_as_nobody("you may not read"), -EACCES);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", database, i ? "-wal" : "-shm");
		assert_int_equal(chmod(path, 0644), 0);
	}
	assert_int_equal(summarize_as_nobody(NULL), 0);
	store_close(store);
}

static void reads_what_was_closed_without_writing_to_the_folder(void **state)
{
	(void)state;
	store_close(make_database());
	chmod(folder, 0555);
	chmod(database, 0444);
	assert_int_equal(summarize_as_nobody(NULL), 0);
	chmod(folder, 0700);
}

static void says_what_to_do_after_a_crash(void **state)
{
	pid_t child = fork();
	char path[256];

	(void)state;
	if (child == 0) {
		make_database();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	snprintf(path, sizeof(path), "%s-shm", database);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s-wal", database);
	assert_int_equal(chmod(path, 0444), 0);
	chmod(folder, 0555);
	chmod(database, 0444);
	assert_int_equal(summarize_as_nobody("start vigil-agent"), -EACCES);
	chmod(folder, 0700);
	assert_int_equal(summarize(NULL), 0);
}

static void says_who_may_read(void **state)
{
	(void)state;
	need_others();
	store_close(make_database());
	chmod(folder, 0755);
	chmod(database, 0600);
	assert_int_equal(summarize_as_nobody("you may not read"), -EACCES);
	chmod(folder, 0700);
	assert_int_equal(summarize_as_nobody("you may not read"), -EACCES);
}

static void tells_other_schemas_apart(void **state)
{
	(void)state;
	store_close(make_database());
	run_sql("PRAGMA user_version = 7");
	assert_int_equal(summarize("schema 7, this one knows 1"), -EPROTO);
	run_sql("PRAGMA application_id = 3");
	assert_int_equal(summarize("another program"), -EPROTO);
}

/* The agent may have been taken over, and root reads what it wrote. */
static void computes_nothing_that_the_file_says(void **state)
{
	static const char *const instead[] = {
		("CREATE VIEW flows AS WITH RECURSIVE c(x) AS "
		 "(VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"),
		"CREATE VIRTUAL TABLE flows USING fts5(x)",
		"CREATE TABLE flows (minute, x AS (hex(zeroblob(400000000))))",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(instead) / sizeof(instead[0]); i++) {
		store_close(make_database());
		run_sql("DROP VIEW readable; DROP TABLE flows");
		run_sql(instead[i]);
		/* Without a refusal the first would go on for ever. */
		alarm(20);
		assert_int_equal(summarize("another program"), -EPROTO);
		alarm(0);
		unlink(database);
	}
	store_close(make_database());
	run_sql("CREATE VIEW mine AS SELECT * FROM flows; CREATE TABLE more (x)");
	assert_int_equal(summarize(NULL), 0);
}

static void says_that_it_is_corrupt(void **state)
{
	int fd = open(database, O_CREAT | O_WRONLY, 0600);

	(void)state;
	assert_int_equal(write(fd, "not a database at all", 21), 21);
	close(fd);
	assert_int_equal(summarize("corrupt"), -EUCLEAN);
}

static void takes_a_path_with_special_characters(void **state)
{
	struct stat file;

	(void)state;
	snprintf(database, sizeof(database), "%s/50%% #1?mode=memory.db", folder);
	store_close(make_database());
	assert_int_equal(stat(database, &file), 0);
	assert_int_equal(summarize(NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_with_folder(says_that_there_is_none_yet),
		test_with_folder(reads_while_the_agent_writes),
		test_with_folder(reads_the_log_without_writing_to_the_folder),
		test_with_folder(reads_what_was_closed_without_writing_to_the_folder),
		test_with_folder(says_what_to_do_after_a_crash),
		test_with_folder(says_who_may_read),
		test_with_folder(tells_other_schemas_apart),
		test_with_folder(computes_nothing_that_the_file_says),
		test_with_folder(says_that_it_is_corrupt),
		test_with_folder(takes_a_path_with_special_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
