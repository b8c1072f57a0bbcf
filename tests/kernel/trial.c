/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The throwaway namespaces of src/trial. This program plays the helper as well: started
 * with a passed descriptor it says over it what it finds itself to be.
 */
#include "trial/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { PASSED_FD = 3, CAP_NET_ADMIN_BIT = 12 };

/* What the one inside saw. */
struct findings {
	uid_t uid;
	gid_t gid;
	unsigned long long effective, ambient;
	ino_t network;
	unsigned int interfaces;
	bool listen_pid_is_mine;
	bool other_descriptors;
};

static unsigned long long read_capabilities(const char *field)
{
	unsigned long long value = ~0ull;
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtoull(line + strlen(field) + 1, NULL, 16);
	if (status)
		fclose(status);
	return value;
}

static unsigned int count_interfaces(void)
{
	struct if_nameindex *list = if_nameindex();
	unsigned int count = 0;

	while (list && list[count].if_index)
		count++;
	if_freenameindex(list);
	return count;
}

static int play_helper(void)
{
	const char *pid = getenv("LISTEN_PID");
	struct findings findings = {
		.uid = getuid(),
		.gid = getgid(),
		.effective = read_capabilities("CapEff:"),
		.ambient = read_capabilities("CapAmb:"),
		.interfaces = count_interfaces(),
		.listen_pid_is_mine = pid && atoi(pid) == getpid(),
	};
	struct stat st;
	char byte;

	for (int fd = PASSED_FD + 1; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			findings.other_descriptors = true;
	if (stat("/proc/self/ns/net", &st) == 0)
		findings.network = st.st_ino;
	fputs("first line\n<4>last words\n", stderr);
	/* Stays whatever becomes of the other end, so that only a signal ends it. */
	(void)!send(PASSED_FD, &findings, sizeof(findings), MSG_NOSIGNAL);
	while (recv(PASSED_FD, &byte, 1, 0) > 0)
		;
	pause();
	return 0;
}

static int start(struct trial *trial)
{
	char problem[TRIAL_TEXT_MAX];
	int error = trial_start("/proc/self/exe", trial, problem);

	if (error == -EOPNOTSUPP)
		skip();
	if (error)
		print_error("%s\n", problem);
	return error;
}

static void the_helper_has_net_admin_in_a_network_of_its_own(void **state)
{
	auto_trial struct trial trial = TRIAL_NULL;
	struct findings findings = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(start(&trial), 0);
	assert_int_equal(recv(trial.helper, &findings, sizeof(findings), 0),
			 sizeof(findings));
	assert_int_not_equal(findings.uid, 0);
	assert_int_not_equal(findings.gid, 0);
	assert_int_equal(findings.effective, 1ull << CAP_NET_ADMIN_BIT);
	assert_int_equal(findings.ambient, 1ull << CAP_NET_ADMIN_BIT);
	assert_int_equal(findings.interfaces, 1);
	assert_true(findings.listen_pid_is_mine);
	assert_false(findings.other_descriptors);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_not_equal(findings.network, st.st_ino);
	assert_int_equal(fstat(trial.network, &st), 0);
	assert_int_equal(findings.network, st.st_ino);
}

static void what_it_says_last_is_kept(void **state)
{
	auto_trial struct trial trial = TRIAL_NULL;
	char words[TRIAL_TEXT_MAX];
	struct findings findings;

	(void)state;
	assert_int_equal(start(&trial), 0);
	assert_string_equal(trial_last_words(&trial, words) ? "" : "-", "");
	assert_int_equal(recv(trial.helper, &findings, sizeof(findings), 0),
			 sizeof(findings));
	assert_string_equal(trial_last_words(&trial, words), "last words");
}

static void its_end_ends_the_helper(void **state)
{
	struct trial trial = TRIAL_NULL;
	pid_t pid;

	(void)state;
	assert_int_equal(start(&trial), 0);
	pid = trial.pid;
	trial_end(&trial);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(trial.helper, -1);
	/* A second time is harmless. */
	trial_end(&trial);
}

/* A trial in a process of its own, which is then killed. */
static pid_t abandon_a_trial(void)
{
	struct trial trial = TRIAL_NULL;
	int pipes[2];
	pid_t child, helper = 0;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		char problem[TRIAL_TEXT_MAX];

		if (trial_start("/proc/self/exe", &trial, problem) < 0)
			_exit(1);
		if (write(pipes[1], &trial.pid, sizeof(trial.pid)) < 0)
			_exit(1);
		pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &helper, sizeof(helper)) != sizeof(helper))
		helper = 0;
	close(pipes[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return helper;
}

static void it_does_not_outlive_who_started_it(void **state)
{
	pid_t helper = abandon_a_trial();

	(void)state;
	if (!helper)
		skip();
	for (int i = 0; i < 500 && kill(helper, 0) == 0; i++) {
		/* A zombie until whoever adopted it looks. */
		char path[64], text[256] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)helper);
		file = fopen(path, "r");
		if (file && fgets(text, sizeof(text), file) && strstr(text, ") Z"))
			i = 500;
		if (file)
			fclose(file);
		if (i == 500)
			return;
		usleep(10000);
	}
	assert_int_equal(kill(helper, 0), -1);
}

static void says_why_it_can_not_start(void **state)
{
	struct trial trial = TRIAL_NULL;
	char problem[TRIAL_TEXT_MAX] = "";
	int error = trial_start("/nonexistent/helper", &trial, problem);

	(void)state;
	if (error == -EOPNOTSUPP)
		skip();
	assert_int_equal(error, -ENOENT);
	assert_string_equal(problem,
			    "can't run /nonexistent/helper: No such file or directory");
	assert_int_equal(trial.pid, -1);
	assert_int_equal(trial_start("/", &trial, problem), -EACCES);
}

static void leaves_no_descriptor_and_no_child_behind(void **state)
{
	int before = dup(0), after;

	(void)state;
	close(before);
	for (int i = 0; i < 3; i++) {
		struct trial trial = TRIAL_NULL;

		assert_int_equal(start(&trial), 0);
		trial_end(&trial);
	}
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_helper_has_net_admin_in_a_network_of_its_own),
		cmocka_unit_test(what_it_says_last_is_kept),
		cmocka_unit_test(its_end_ends_the_helper),
		cmocka_unit_test(it_does_not_outlive_who_started_it),
		cmocka_unit_test(says_why_it_can_not_start),
		cmocka_unit_test(leaves_no_descriptor_and_no_child_behind),
	};

	if (getenv("LISTEN_FDS"))
		return play_helper();
	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
