/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs in place of vigil-agent, with its unit's sandbox, descriptors and state
 * directory. What to do stands in the file "orders" there: a word, a number, and
 * "locked" when it shall give up first what the agent gives up. What it saw goes to the
 * file "seen", and then it is ready. As root and without a unit the same attempts
 * succeed, which shows that they are real.
 */
#include "tests/vm/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/helper.h"
#include "agent/lockdown.h"
#include "base/cleanup.h"

struct orders {
	char words[64], how[16];
	int number;
	FILE *seen;
};

void note(FILE *seen, const char *expectation, const char *what, int error)
{
	const char *name = error < 0 ? sigabbrev_np(-error) : strerrorname_np(error);

	if (error == 0)
		fprintf(seen, "%s\t%s\tdone\n", expectation, what);
	else
		fprintf(seen, "%s\t%s\t%s%s\n", expectation, what,
			error < 0 ? "SIG" : "", name ? name : "?");
	fflush(seen);
}

static void give_up_privileges(void)
{
	if (lockdown_drop() < 0 || lockdown_filter() < 0) {
		fputs("hostile: no lockdown\n", stderr);
		_exit(1);
	}
}

static int perform(const struct attempt *attempt, pid_t somebody)
{
	long a[6];

	if (attempt->perform)
		return attempt->perform();
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = attempt->arguments[i] == SOMEBODY ? somebody
							 : attempt->arguments[i];
	return syscall(attempt->call, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno
									      : 0;
}

/* Each in a process of its own, as some attempts end it or make it another. */
static int attempt_in_child(const struct attempt *attempt, const struct orders *orders)
{
	int ends[2], error = 0, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		if (strcmp(orders->how, "locked") == 0)
			give_up_privileges();
		error = perform(attempt, orders->number);
		_exit(write(ends[1], &error, sizeof(error)) != sizeof(error));
	}
	close(ends[1]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		error = errno;
	else if (WIFSIGNALED(status))
		error = -WTERMSIG(status);
	/* Nothing to read, and a good end: it went on as another program. */
	else if (read(ends[0], &error, sizeof(error)) < 0 || WEXITSTATUS(status))
		error = ECHILD;
	close(ends[0]);
	return attempt->past && error == attempt->past ? 0 : error;
}

static void do_attempts(const struct orders *orders)
{
	const struct attempt *const lists[] = { attempts_on_files, attempts_on_calls };
	bool locked = strcmp(orders->how, "locked") == 0;

	files_prepare(orders->number);
	calls_prepare();
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct attempt *a = lists[i]; a->what; a++)
			note(orders->seen, a->filtered && !locked ? "open" : "never",
			     a->what, attempt_in_child(a, orders));
}

enum { PASSED_MAX = 32 };

/* Descriptors that the unit passes under a name. Return: how many. */
static size_t take_passed(const char *name, int fds[static PASSED_MAX])
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names);
	size_t taken = 0;

	for (int i = 0; i < count && taken < PASSED_MAX; i++)
		if (strcmp(names[i], name) == 0)
			fds[taken++] = SD_LISTEN_FDS_START + i;
	return taken;
}

/* Who is passed no connection to the helper makes one. */
static int connect_helper(void)
{
	int fds[PASSED_MAX];

	return take_passed("helper", fds) ? fds[0] : helper_connect(HELPER_SOCKET_PATH);
}

/* In this order. */
static const struct {
	const char *word;
	void (*perform)(FILE *seen);
	void (*ask)(int fd, FILE *seen);
} duties[] = {
	{ "reach", files_reach, NULL },
	{ "processes", exhaust_processes, NULL },
	{ "threads", exhaust_threads, NULL },
	{ "disk", exhaust_disk, NULL },
	{ "memory", exhaust_memory, NULL },
	{ "ask", NULL, helper_ask },
	{ "refused", NULL, helper_refused },
	{ "sockets", NULL, helper_sockets },
	{ "pin", NULL, helper_pin },
	{ "open-host", NULL, helper_open_host },
	{ "poison-store", NULL, helper_poison_store },
	{ "flood", NULL, helper_flood },
};

static bool ordered(const struct orders *orders, const char *word)
{
	char words[sizeof(orders->words)], *rest = words, *next;

	memcpy(words, orders->words, sizeof(words));
	while ((next = strsep(&rest, "+")))
		if (strcmp(next, word) == 0)
			return true;
	return false;
}

static void do_duties(const struct orders *orders)
{
	int helper = connect_helper(), spare[PASSED_MAX];
	size_t spare_count = take_passed("spare", spare);
	bool greeted = false;

	if (strcmp(orders->how, "locked") == 0)
		give_up_privileges();
	if (ordered(orders, "endings"))
		helper_endings(spare, spare_count, orders->seen);
	for (size_t i = 0; i < ARRAY_SIZE(duties); i++) {
		if (!ordered(orders, duties[i].word))
			continue;
		if (duties[i].ask && !greeted)
			greeted = helper_hello(helper, NULL) == 0;
		if (duties[i].perform)
			duties[i].perform(orders->seen);
		else if (greeted)
			duties[i].ask(helper, orders->seen);
		else
			note(orders->seen, "holds", "is greeted by the helper",
			     ENOTCONN);
	}
}

static bool read_orders(struct orders *orders)
{
	const char *directory = getenv("STATE_DIRECTORY");
	auto_file FILE *file = NULL;

	if (!directory || chdir(directory) < 0)
		return false;
	file = fopen("orders", "re");
	if (!file || fscanf(file, "%63s %d %15s", orders->words, &orders->number,
			    orders->how) < 2)
		return false;
	/* Who is started once more, after a failure, is not to do it again. */
	unlink("orders");
	orders->seen = fopen("seen", "we");
	return orders->seen;
}

/* On duty until the manager ends it, as one that wants to stay. */
static void linger(void)
{
	sd_notify(0, "READY=1");
	while (getppid() == 1) {
		sd_notify(0, "WATCHDOG=1");
		sleep(1);
	}
}

int main(void)
{
	struct orders orders = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (!read_orders(&orders)) {
		fputs("hostile: no orders in $STATE_DIRECTORY\n", stderr);
		return 2;
	}
	if (ordered(&orders, "attempts"))
		do_attempts(&orders);
	do_duties(&orders);
	fclose(orders.seen);
	linger();
	return 0;
}
