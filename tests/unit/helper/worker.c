/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int payload(void)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);

	assert_int_equal(write(fd, "text", 4), 4);
	return fd;
}

static struct helper_reply run(void (*perform)(const struct work *work,
					       struct helper_reply *reply))
{
	struct helper_reply reply = { 0 };
	struct work work = { .perform = perform, .fd = payload(), .payload_bytes = 4 };

	worker_run(&work, &reply);
	close(work.fd);
	return reply;
}

static void tell_payload(const struct work *work, struct helper_reply *reply)
{
	memcpy(reply->text, work->payload, work->payload_bytes);
	reply->line = 7;
}

static void leave(const struct work *work, struct helper_reply *reply)
{
	(void)work;
	(void)reply;
	_exit(0);
}

static void die(const struct work *work, struct helper_reply *reply)
{
	(void)work;
	(void)reply;
	raise(SIGKILL);
}

static void run_out_of_time(const struct work *work, struct helper_reply *reply)
{
	(void)work;
	(void)reply;
	raise(SIGALRM);
}

static void count_descriptors(const struct work *work, struct helper_reply *reply)
{
	(void)work;
	for (int fd = STDERR_FILENO + 1; fd < WORKER_FDS_MAX; fd++)
		reply->line += fcntl(fd, F_GETFD) >= 0;
}

static size_t open_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < WORKER_FDS_MAX; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void hands_over_what_the_work_answers(void **state)
{
	struct helper_reply reply = run(tell_payload);

	(void)state;
	assert_int_equal(reply.status, 0);
	assert_int_equal(reply.line, 7);
	assert_string_equal(reply.text, "text");
}

static void refuses_for_a_worker_that_ends_without_an_answer(void **state)
{
	(void)state;
	assert_int_equal(run(leave).status, -EIO);
	assert_int_equal(run(die).status, -EIO);
	assert_int_equal(run(run_out_of_time).status, -ETIME);
}

static void leaves_a_worker_its_payload_and_its_answer_alone(void **state)
{
	int extra[8];

	(void)state;
	for (size_t i = 0; i < 8; i++)
		extra[i] = dup(STDERR_FILENO);
	assert_int_equal(run(count_descriptors).line, 2);
	for (size_t i = 0; i < 8; i++)
		close(extra[i]);
}

static void keeps_no_descriptor_whatever_happens(void **state)
{
	size_t before = open_descriptors();

	(void)state;
	run(tell_payload);
	run(leave);
	run(die);
	assert_int_equal(open_descriptors(), before);
}

/* In a process of its own, whose user may start no other. */
static int try_without_processes(void)
{
	struct rlimit none = { 0, 0 };
	size_t before;
	int refused = 0;

	if ((geteuid() == 0 && setuid(65534) < 0) || setrlimit(RLIMIT_NPROC, &none) < 0)
		return 1;
	before = open_descriptors();
	for (int i = 0; i < 50; i++)
		refused += run(tell_payload).status == -EAGAIN;
	return refused == 50 && open_descriptors() == before ? 0 : 2;
}

static void loses_nothing_when_no_worker_can_be_started(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(try_without_processes());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_over_what_the_work_answers),
		cmocka_unit_test(refuses_for_a_worker_that_ends_without_an_answer),
		cmocka_unit_test(leaves_a_worker_its_payload_and_its_answer_alone),
		cmocka_unit_test(keeps_no_descriptor_whatever_happens),
		cmocka_unit_test(loses_nothing_when_no_worker_can_be_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
