/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "cli/question.h"

static const char gateway[] =
	"version: 1\n"
	"zones: { wan: eth0, lan: [eth1, \"br-*\"], dmz: eth2 }\n"
	"nat: [forward: { id: nas, from: wan, tcp: 8443, to: \"10.0.1.5:443\" }]\n";

/* Somebody's ssh to this machine. */
static struct witness ssh(void)
{
	struct witness witness = {
		.direction = DIRECTION_INPUT,
		.in_interface = "eth0",
		.in_zone = "wan",
		.out_zone = "",
		.source = { FAMILY_IPV4, 0xcb007109 },
		.destination = { FAMILY_IPV4, 0xc633640a },
		.any_destination = true,
		.protocol = IPPROTO_TCP,
		.port = 22,
	};

	return witness;
}

/* @wanted: the command, or NULL where there is none. */
static void expect(const struct witness *witness, const char *path, const char *wanted)
{
	auto_policy struct policy *policy = NULL;
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;
	struct question question;

	assert_int_equal(policy_read(gateway, sizeof(gateway) - 1, &policy, &faults),
			 0);
	assert_int_equal(question_make(witness, policy, &question), wanted != NULL);
	if (!wanted) {
		assert_int_equal(question.word_count, 0);
		return;
	}
	question_write(&question, path, &out);
	assert_string_equal(out.data, wanted);
}

static void asks_about_a_packet_to_this_machine(void **state)
{
	struct witness witness = ssh();

	(void)state;
	expect(&witness, NULL, "vigil explain 'tcp 203.0.113.9 -> host:22' --in eth0");
	witness.any_destination = false;
	expect(&witness, "new.yml",
	       "vigil explain 'tcp 203.0.113.9 -> host@198.51.100.10:22' --in eth0 "
	       "-p new.yml");
	witness.timed = true;
	witness.week_s = ((6 * 24 + 22) * 60 + 5) * 60;
	expect(&witness, "-",
	       "vigil explain 'tcp 203.0.113.9 -> host@198.51.100.10:22' --in eth0 "
	       "--at 'Sat 22:05' -p -");
}

static void a_group_is_not_this_machines_own_address(void **state)
{
	struct witness witness = ssh();

	(void)state;
	witness.any_destination = false;
	witness.destination.value = 0xe00000fb;
	witness.protocol = IPPROTO_UDP;
	expect(&witness, NULL,
	       "vigil explain 'udp 203.0.113.9 -> 224.0.0.251:22' --in eth0");
}

static void an_interface_of_no_zone_has_no_name(void **state)
{
	struct witness witness = ssh();

	(void)state;
	witness.direction = DIRECTION_FORWARD;
	witness.in_zone = "";
	strcpy(witness.out_interface, "eth2");
	witness.out_zone = "dmz";
	witness.protocol = IPPROTO_ICMP;
	witness.port = 8;
	expect(&witness, NULL,
	       "vigil explain 'icmp 203.0.113.9 -> 198.51.100.10 echo-request' --in "
	       "none --out eth2");
}

static void a_way_out_is_said_where_the_new_policy_forwards(void **state)
{
	struct witness witness = ssh();

	(void)state;
	strcpy(witness.out_interface, "eth1");
	witness.out_zone = "lan";
	/* Only the old one forwards this. */
	expect(&witness, NULL, "vigil explain 'tcp 203.0.113.9 -> host:22' --in eth0");
	witness.port = 8443;
	expect(&witness, NULL,
	       "vigil explain 'tcp 203.0.113.9 -> host:8443' --in eth0 --out eth1");
	witness.out_interface[0] = '\0';
	expect(&witness, NULL,
	       "vigil explain 'tcp 203.0.113.9 -> host:8443' --in eth0 --out none");
}

static void does_not_ask_what_a_trial_could_not_answer(void **state)
{
	struct witness witness = ssh();

	(void)state;
	witness.unknown_feed = true;
	expect(&witness, NULL, NULL);
	witness.unknown_feed = false;
	witness.source.value = 0xe0000001;
	expect(&witness, NULL, NULL);
	witness = ssh();
	witness.any_destination = false;
	witness.destination = witness.source;
	expect(&witness, NULL, NULL);
	/* A trial would take that for one to this machine. */
	witness = ssh();
	witness.direction = DIRECTION_FORWARD;
	strcpy(witness.out_interface, "eth1");
	witness.out_zone = "lan";
	witness.destination.value = 0xe00000fb;
	expect(&witness, NULL, NULL);
}

static void a_shell_takes_each_word_as_it_is(void **state)
{
	struct witness witness = ssh();

	(void)state;
	strcpy(witness.in_interface, "br-0");
	witness.in_zone = "lan";
	expect(&witness, "it's my $HOME.yml",
	       "vigil explain 'tcp 203.0.113.9 -> host:22' --in br-0 "
	       "-p 'it'\\''s my $HOME.yml'");
	expect(&witness, "a\033[31m;b",
	       "vigil explain 'tcp 203.0.113.9 -> host:22' --in br-0 -p 'a?[31m;b'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_about_a_packet_to_this_machine),
		cmocka_unit_test(a_group_is_not_this_machines_own_address),
		cmocka_unit_test(an_interface_of_no_zone_has_no_name),
		cmocka_unit_test(a_way_out_is_said_where_the_new_policy_forwards),
		cmocka_unit_test(does_not_ask_what_a_trial_could_not_answer),
		cmocka_unit_test(a_shell_takes_each_word_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
