/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct name rejecting = {
	.decider = { "no-smtp", "forward", "lan", "wan", "reject" },
	.known = true,
	.logged = true,
};

static struct flow packet(const char *source, const char *destination)
{
	struct flow flow = { .event = FLOW_PACKET,
			     .denied = true,
			     .protocol = 6,
			     .source_port = 40000,
			     .port = 25 };

	assert_int_equal(address_parse(source, &flow.source), 0);
	assert_int_equal(address_parse(destination, &flow.destination), 0);
	return flow;
}

/* What goes to stderr between the two. */
static FILE *begin(int *saved)
{
	FILE *file = tmpfile();

	fflush(stderr);
	*saved = dup(STDERR_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	return file;
}

static void end(FILE *file, int saved, char *out, size_t out_bytes)
{
	ssize_t got;

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	got = pread(fileno(file), out, out_bytes - 1, 0);
	out[got < 0 ? 0 : got] = '\0';
	fclose(file);
}

static void writes_a_line_that_a_person_reads(void **state)
{
	struct flow four = packet("192.0.2.1", "198.51.100.2");
	struct flow six = packet("2001:db8::1", "2001:db8::2");
	struct journal journal = { 0 };
	char text[512];
	FILE *file;
	int saved;

	(void)state;
	six.protocol = 58;
	six.source_port = 0;
	file = begin(&saved);
	journal_packet(&journal, &four, &rejecting);
	journal_packet(&journal, &six, &rejecting);
	end(file, saved, text, sizeof(text));
	assert_string_equal(text,
			    "<5>reject no-smtp: tcp 192.0.2.1:40000 -> 198.51.100.2:25 "
			    "(forward, from lan, to wan)\n"
			    "<5>reject no-smtp: icmpv6 2001:db8::1 -> 2001:db8::2 "
			    "(forward, from lan, to wan)\n");
}

static void leaves_out_and_counts_what_is_too_much(void **state)
{
	struct flow flow = packet("192.0.2.1", "198.51.100.2");
	struct journal journal = { 0 };
	struct timespec second = { .tv_sec = 1, .tv_nsec = 100000000 };
	static char text[65536];
	FILE *file;
	int saved;

	(void)state;
	file = begin(&saved);
	for (int i = 0; i < 1000; i++)
		journal_packet(&journal, &flow, &rejecting);
	nanosleep(&second, NULL);
	journal_packet(&journal, &flow, &rejecting);
	end(file, saved, text, sizeof(text));
	assert_int_equal(journal.lines + journal.left_out, 1001);
	/* A second may have ended on the way. */
	assert_in_range(journal.lines, 21, 41);
	assert_non_null(strstr(text, "packets of rules that log were left out here"));
}

static void beyond_its_limit_a_rule_that_allows_drops(void **state)
{
	struct flow flow = packet("192.0.2.1", "198.51.100.2");
	const struct name allowing = { .decider = { "ssh", "input", "wan", "",
						    "allow" } };

	(void)state;
	assert_string_equal(journal_verdict(&flow, &allowing), "drop");
	flow.denied = false;
	assert_string_equal(journal_verdict(&flow, &allowing), "allow");
	assert_string_equal(journal_verdict(&flow, &rejecting), "reject");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_line_that_a_person_reads),
		cmocka_unit_test(leaves_out_and_counts_what_is_too_much),
		cmocka_unit_test(beyond_its_limit_a_rule_that_allows_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
