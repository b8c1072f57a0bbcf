/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall against everything that is malformed, out of order or not allowed. After
 * each test another table is as it was, byte for byte, and the same helper still
 * serves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/cleanup.h"
#include "helper/wire.h"
#include "tests/kernel/harness.h"

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static const char table[] = "add table inet vigil\n"
			    "add chain inet vigil mine\n"
			    "add counter inet vigil ssh\n";

static struct {
	char directory[64], path[96];
	pid_t pid;
	char *others; /* what is in the kernel besides our table */
	struct helper_refusal refusal;
} wall;

static char *list_others(void)
{
	return harness_capture(
		"nft -a list table ip other; nft -a list table inet other");
}

static int connect_and_greet(void)
{
	int fd = helper_connect(wall.path);

	assert_true(fd >= 0);
	assert_int_equal(helper_hello(fd, &wall.refusal), 0);
	return fd;
}

static int start(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)state;
	harness_must(
		"nft -f - <<'END'\n"
		"table inet other {\n"
		"set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }\n"
		"chain c { type filter hook input priority 5; ip saddr @s drop; }\n"
		"}\n"
		"table ip other {\nchain c { counter accept; }\n}\nEND");
	wall.others = list_others();
	strcpy(wall.directory, "/tmp/vigil-wall-XXXXXX");
	assert_non_null(mkdtemp(wall.directory));
	chmod(wall.directory, 0755);
	snprintf(wall.path, sizeof(wall.path), "%s/s", wall.directory);
	strcpy(address.sun_path, wall.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(wall.path, 0666), 0);
	assert_int_equal(listen(fd, 16), 0);
	wall.pid = harness_helper_on(fd);
	close(fd);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(wall.path);
	rmdir(wall.directory);
	free(wall.others);
	return harness_end(wall.pid);
}

/* After each test. */
static int still_well(void **state)
{
	auto_free char *others = list_others();

	(void)state;
	close(connect_and_greet());
	assert_string_equal(others, wall.others);
	assert_int_equal(kill(wall.pid, 0), 0);
	return 0;
}

static bool hung_up(int fd)
{
	struct helper_reply reply;
	int fds[HELPER_FDS_MAX];
	size_t count;
	int error = wire_receive(fd, &reply, sizeof(reply), fds, &count);

	return error == -ECONNRESET;
}

static int make_memfd(const void *data, size_t size_bytes, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size_bytes), size_bytes);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Return: the reply's status, or -ECONNRESET when there was none. */
static int send_request(int fd, struct helper_request request, const int *fds,
			size_t count)
{
	struct helper_reply reply;
	int got[HELPER_FDS_MAX], error;

	assert_int_equal(wire_send(fd, &request, sizeof(request), fds, count), 0);
	error = wire_receive(fd, &reply, sizeof(reply), got, &count);
	while (!error && count > 0)
		close(got[--count]);
	return error ? error : reply.status;
}

static void wants_a_hello_first_and_once(void **state)
{
	struct helper_request hello = { HELPER_HELLO, HELPER_VERSION, 0, 0, 0 };
	struct helper_request dump = { HELPER_DUMP, 0, HELPER_DUMP_COUNTERS, 0, 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		auto_fd int fd = helper_connect(wall.path);

		if (i == 1)
			assert_int_equal(send_request(fd, hello, NULL, 0), 0);
		assert_int_equal(send_request(fd, i ? hello : dump, NULL, 0),
				 -ECONNRESET);
	}
}

static void says_which_version_it_speaks(void **state)
{
	struct helper_request hello = { HELPER_HELLO, HELPER_VERSION + 1, 0, 0, 0 };
	struct helper_request dump = { HELPER_DUMP, 0, HELPER_DUMP_COUNTERS, 0, 0 };
	auto_fd int fd = helper_connect(wall.path);

	(void)state;
	assert_int_equal(send_request(fd, hello, NULL, 0), -EPROTO);
	hello.version = HELPER_VERSION;
	assert_int_equal(send_request(fd, hello, NULL, 0), 0);
	assert_int_equal(send_request(fd, dump, NULL, 0), 0);
}

static void hangs_up_on_packets_of_any_other_size(void **state)
{
	char packet[256] = { 0 };

	(void)state;
	for (size_t size = 0; size <= sizeof(packet); size++) {
		auto_fd int fd = connect_and_greet();
		struct helper_request request = { HELPER_DUMP, 0, HELPER_DUMP_COUNTERS,
						  0, 0 };

		if (size == sizeof(request))
			continue;
		memcpy(packet, &request, sizeof(request));
		assert_int_equal(send(fd, packet, size, 0), size);
		assert_true(hung_up(fd));
	}
}

static void hangs_up_on_malformed_requests(void **state)
{
	const struct {
		struct helper_request request;
		size_t fds;
	} bad[] = {
		{ { 0, 0, 0, 0, 0 }, 0 },
		{ { 99, 0, 0, 0, 0 }, 0 },
		{ { UINT32_MAX, 0, 1, 0, 0 }, 0 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 5 }, 0 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 5 }, 2 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 5 }, 3 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, 0 }, 1 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 0, HELPER_SCRIPT_MAX + 1 }, 1 },
		{ { HELPER_APPLY, 0, HELPER_ELEMENTS, 0, UINT64_MAX }, 1 },
		{ { HELPER_APPLY, 0, 99, 0, 5 }, 1 },
		{ { HELPER_APPLY, 0, HELPER_SCRIPT, 1, 5 }, 1 },
		{ { HELPER_OBSERVE, 0, 0, 0, 0 }, 0 },
		{ { HELPER_OBSERVE, 0, 8, 0, 0 }, 0 },
		{ { HELPER_OBSERVE, 0, 1, 0, 0 }, 1 },
		{ { HELPER_OBSERVE, 0, 1, 0, 1 }, 0 },
		{ { HELPER_DUMP, 0, 0, 0, 0 }, 0 },
		{ { HELPER_DUMP, 0, 99, 0, 0 }, 0 },
		{ { HELPER_DUMP, 1, 1, 0, 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_fd int fd = connect_and_greet();
		int fds[] = { fd, fd, fd };

		if (send_request(fd, bad[i].request, fds, bad[i].fds) != -ECONNRESET)
			fail_msg("request %zu was answered", i);
	}
}

/* Whatever is sent as a payload that is none, it is refused and nothing happens. */
static void expect_bad_payload(int payload, size_t size_bytes, const char *what)
{
	struct helper_request request = { HELPER_APPLY, 0, HELPER_SCRIPT, 0,
					  size_bytes };
	auto_fd int fd = connect_and_greet();

	if (send_request(fd, request, &payload, 1) != -EBADF)
		fail_msg("taken as a payload: %s", what);
	assert_int_equal(helper_dump(fd, 99, NULL), -ECONNRESET);
	close(payload);
}

static void refuses_descriptors_that_are_no_sealed_memfd(void **state)
{
	static const char text[] = "add table inet vigil\n";
	const size_t size = sizeof(text) - 1;
	int ends[2], seals[] = { 0,
				 ALL_SEALS & ~F_SEAL_SEAL,
				 ALL_SEALS & ~F_SEAL_SHRINK,
				 ALL_SEALS & ~F_SEAL_GROW,
				 ALL_SEALS & ~F_SEAL_WRITE,
				 (ALL_SEALS & ~F_SEAL_WRITE) | F_SEAL_FUTURE_WRITE };

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, size), size);
	expect_bad_payload(ends[0], size, "a pipe");
	close(ends[1]);
	expect_bad_payload(open("/dev/zero", O_RDONLY), size, "a device");
	expect_bad_payload(open("/proc/self/exe", O_RDONLY), size, "a file");
	expect_bad_payload(open("/", O_RDONLY | O_DIRECTORY), size, "a directory");
	expect_bad_payload(open("/", O_PATH), size, "a path");
	expect_bad_payload(socket(AF_UNIX, SOCK_STREAM, 0), size, "a socket");
	for (size_t i = 0; i < ARRAY_SIZE(seals); i++)
		expect_bad_payload(make_memfd(text, size, seals[i]), size,
				   "a memfd that can change");
	expect_bad_payload(make_memfd(text, size, ALL_SEALS), size - 1,
			   "a larger memfd");
	expect_bad_payload(make_memfd(text, size, ALL_SEALS), size + 1,
			   "a smaller memfd");
	expect_bad_payload(make_memfd("", 0, ALL_SEALS), 1, "an empty memfd");
}

static void applies_a_script_and_answers_with_the_line_at_fault(void **state)
{
	static const char wrong[] = "add chain inet vigil other\n"
				    "add rule inet vigil other accept\n"
				    "add rule inet vigil other jump nowhere\n"
				    "add rule inet vigil other accept\n"
				    "add rule inet vigil other drop\n";
	auto_fd int fd = connect_and_greet();

	(void)state;
	assert_int_equal(helper_apply_script(fd, table, strlen(table), &wall.refusal),
			 0);
	harness_must("nft list chain inet vigil mine");
	assert_int_equal(helper_apply_script(fd, wrong, strlen(wrong), &wall.refusal),
			 -EINVAL);
	assert_int_equal(wall.refusal.line, 3);
	assert_non_null(strstr(wall.refusal.text, "No such file"));
	assert_int_not_equal(harness_run("nft list chain inet vigil other 2>&-"), 0);
}

static void refuses_scripts_that_reach_beyond_the_table(void **state)
{
	static const char *const scripts[] = {
		"flush ruleset\n",
		"delete table inet other\n",
		"add rule inet other c drop\n",
		"add rule ip other c drop\n",
		"flush chain inet other c\n",
		"add chain inet vigil x\nflush ruleset\n",
		"add chain inet vigil x; flush ruleset\n",
		"add set inet vigil x { type bogus; flush ruleset; }\n",
		"include \"/etc/shadow\"\n",
		"define x = 1\n",
		"add rule inet vigil mine accept # \n",
		"add rule inet vigil mine ip saddr example.org accept\n",
		"add rule inet vigil mine iifname \"\n",
		"add rule inet vigil mine queue\n",
		"add rule inet vigil mine log\n",
		"add table inet vigil",
		"\n",
		"add table inet vig\xc3\xafl\n",
	};
	static const char nul[] = "add table inet vigil\n\0flush ruleset\n";
	auto_fd int fd = connect_and_greet();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		if (helper_apply_script(fd, scripts[i], strlen(scripts[i]),
					&wall.refusal) != -EINVAL)
			fail_msg("applied: %s", scripts[i]);
	assert_int_equal(helper_apply_script(fd, nul, sizeof(nul) - 1, &wall.refusal),
			 -EINVAL);
}

static void serves_eight_and_lets_the_ninth_wait(void **state)
{
	struct helper_request hello = { HELPER_HELLO, HELPER_VERSION, 0, 0, 0 };
	struct helper_reply reply;
	int served[8], fds[HELPER_FDS_MAX], late;
	size_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(served); i++)
		served[i] = connect_and_greet();
	late = helper_connect(wall.path);
	assert_int_equal(wire_send(late, &hello, sizeof(hello), NULL, 0), 0);
	assert_int_equal(recv(late, &reply, sizeof(reply), MSG_DONTWAIT), -1);
	for (size_t i = 0; i < ARRAY_SIZE(served); i++)
		close(served[i]);
	assert_int_equal(wire_receive(late, &reply, sizeof(reply), fds, &count), 0);
	assert_int_equal(reply.status, 0);
	close(late);
}

static void hangs_up_on_one_who_does_not_read(void **state)
{
	struct helper_request dump = { HELPER_DUMP, 0, HELPER_DUMP_COUNTERS, 0, 0 };
	auto_fd int fd = connect_and_greet();
	int error = 0;

	(void)state;
	for (int i = 0; i < 100000 && error != -EPIPE && error != -ECONNRESET; i++)
		error = wire_send(fd, &dump, sizeof(dump), NULL, 0);
	assert_true(error == -EPIPE || error == -ECONNRESET);
}

static void turns_other_users_away_whatever_the_mode(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (harness_in_userns()) /* there is only one user in it */
		skip();
	pid = fork();
	if (pid == 0) {
		struct helper_refusal refusal;
		int fd, error;

		if (setresgid(65533, 65533, 65533) || setresuid(65533, 65533, 65533))
			_exit(1);
		fd = helper_connect(wall.path);
		error = helper_hello(fd, &refusal);
		_exit(error != -EACCES || strcmp(refusal.text, "this socket is not for "
							       "you"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void holds_one_capability_and_a_filter(void **state)
{
	static const char *const lines[] = {
		"^CapInh:.*0000000000000000$",
		"^CapPrm:.*0000000000001000$",
		"^CapEff:.*0000000000001000$",
		"^CapAmb:.*0000000000000000$",
		"^NoNewPrivs:.*1$",
		"^Seccomp:.*2$",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		harness_must("grep -q '%s' /proc/%d/status", lines[i], (int)wall.pid);
	harness_must("test $(cut -d' ' -f2 /proc/%d/statm) -lt 1280 || "
		     "grep -q asan /proc/%d/maps",
		     (int)wall.pid, (int)wall.pid);
}

static void does_not_start_as_root_or_without_its_capability(void **state)
{
	const char *helper = harness_path("vigil-helper");

	(void)state;
	if (!harness_in_userns())
		harness_must(
			"! %s 2>&1 | grep -q '^<3>vigil-helper: .*not run as root'; "
			"%s 2>&1 | grep -q '^<3>vigil-helper: .*not run as root'",
			helper, helper);
	harness_must("setpriv --reuid %d --bounding-set -net_admin --inh-caps -all "
		     "--ambient-caps -all %s 2>&1 | "
		     "grep '^<3>vigil-helper: .*CAP_NET_ADMIN' >/dev/null",
		     HARNESS_UID, helper);
}

/* A kernel that knows no nf_tables answers so to who asks for its sockets. */
static void start_without_nf_tables(int error_log)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int ends[2];

	assert_true(dup2(error_log, STDERR_FILENO) >= 0);
	assert_int_equal(
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT),
				 SCMP_SYS(socket), 2,
				 SCMP_CMP(0, SCMP_CMP_EQ, AF_NETLINK, 0),
				 SCMP_CMP(2, SCMP_CMP_EQ, NETLINK_NETFILTER, 0)),
		0);
	assert_int_equal(seccomp_load(filter), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	waitpid(harness_helper_on(ends[1]), NULL, 0);
	_exit(0);
}

static void says_that_the_kernel_has_no_nf_tables(void **state)
{
	char said[256] = "";
	int log = memfd_create("log", 0);
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		start_without_nf_tables(log);
	waitpid(pid, NULL, 0);
	assert_true(pread(log, said, sizeof(said) - 1, 0) > 0);
	assert_string_equal(said, "<3>vigil-helper: not started: this kernel has no "
				  "nf_tables, or does not let it be used here\n");
	close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(wants_a_hello_first_and_once, still_well),
		cmocka_unit_test_teardown(says_which_version_it_speaks, still_well),
		cmocka_unit_test_teardown(hangs_up_on_packets_of_any_other_size,
					  still_well),
		cmocka_unit_test_teardown(hangs_up_on_malformed_requests, still_well),
		cmocka_unit_test_teardown(refuses_descriptors_that_are_no_sealed_memfd,
					  still_well),
		cmocka_unit_test_teardown(
			applies_a_script_and_answers_with_the_line_at_fault,
			still_well),
		cmocka_unit_test_teardown(refuses_scripts_that_reach_beyond_the_table,
					  still_well),
		cmocka_unit_test_teardown(serves_eight_and_lets_the_ninth_wait,
					  still_well),
		cmocka_unit_test_teardown(hangs_up_on_one_who_does_not_read,
					  still_well),
		cmocka_unit_test_teardown(turns_other_users_away_whatever_the_mode,
					  still_well),
		cmocka_unit_test_teardown(holds_one_capability_and_a_filter,
					  still_well),
		cmocka_unit_test_teardown(says_that_the_kernel_has_no_nf_tables,
					  still_well),
		cmocka_unit_test_teardown(
			does_not_start_as_root_or_without_its_capability, still_well),
	};

	alarm(300); /* rather than wait for an answer that does not come */
	harness_enter();
	return cmocka_run_group_tests(tests, start, stop);
}
