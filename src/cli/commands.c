/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <string.h>

#include "base/cleanup.h"

#define BIT(option) (UINT64_C(1) << (option))

#define EVERY (BIT(OPTION_COLOR) | BIT(OPTION_HELP))
/* Taken also where only one of the places is looked at, so that an alias can name both.
 */
#define WORKS (EVERY | BIT(OPTION_STATE) | BIT(OPTION_RUN))
#define ANSWERS (WORKS | BIT(OPTION_JSON))
#define SELECTS                                                                        \
	(BIT(OPTION_SINCE) | BIT(OPTION_UNTIL) | BIT(OPTION_RULE) |                    \
	 BIT(OPTION_DENIED) | BIT(OPTION_SRC) | BIT(OPTION_DST) | BIT(OPTION_PORT) |   \
	 BIT(OPTION_PROTOCOL))

const struct command commands[] = {
	{
		.name = "check",
		.summary = "say all that is wrong with a policy, and try it on the kernel",
		.operand = "POLICY",
		.operand_kind = VALUE_FILE,
		.options = ANSWERS | BIT(OPTION_POLICY) | BIT(OPTION_NO_KERNEL) |
			   BIT(OPTION_NO_FEEDS),
		.details =
			"Reads the policy and the feeds it names, and reports every "
			"error with its place and a caret. Where there is none, the "
			"policy is compiled and loaded into a throwaway user and "
			"network namespace by vigil-helper itself, so that this kernel "
			"answers whether it takes it. Nothing on the host is touched, "
			"and no privilege is needed or used.\n\n"
			"Without a POLICY it is /etc/vigil/policy.yml. "
			"POLICY may be '-' for standard input; feeds with relative "
			"paths then begin in the current directory, else in the "
			"policy's.",
		.fails = "there are errors",
		.examples = {
			{ "vigil check policy.yml", "read, compile and try it" },
			{ "vigil check --no-kernel policy.yml",
			  "where user namespaces are not allowed" },
			{ "vigil check --no-kernel --no-feeds policy.yml",
			  "a policy of another machine" },
			{ "vigil check --json policy.yml", "for an editor" },
		},
		.run = cmd_check,
	},
	{
		.name = "explain",
		.summary = "say which rule decides about a packet, and by which way",
		.operand = "PACKET",
		.operand_kind = VALUE_TEXT,
		.options = EVERY | BIT(OPTION_JSON) | BIT(OPTION_POLICY) |
			   BIT(OPTION_IN) | BIT(OPTION_OUT) | BIT(OPTION_FLOW_STATE) |
			   BIT(OPTION_TIMES) | BIT(OPTION_AT),
		.details =
			"Loads the policy into a throwaway user and network namespace, "
			"makes the interfaces of its zones there, sends the packet, and "
			"reads the kernel's own trace of the rules it met. Nothing on "
			"the host is touched, no privilege is needed, and no packet "
			"leaves the machine.\n\n"
			"PACKET is 'PROTOCOL SOURCE -> DESTINATION', in quotes. An end "
			"is host (this machine), host@ADDRESS, any (an address that "
			"the policy knows nothing of) or ADDRESS, with :PORT behind "
			"it; an IPv6 address with a port stands in brackets. TCP flags "
			"(ack, syn+fin) or an ICMP type may follow.",
		.fails = "the policy has errors or there is no verdict; a verdict of "
			 "any kind is a success",
		.examples = {
			{ "vigil explain 'tcp 203.0.113.9 -> host:22' --in wan",
			  "who decides about ssh from there" },
			{ "vigil explain 'udp 10.0.1.5 -> 8.8.8.8:53' --in lan --out wan",
			  "forwarded traffic" },
			{ "vigil explain 'icmpv6 any -> host echo-request' -p new.yml",
			  "of another policy" },
			{ "vigil explain 'tcp host -> [2001:db8::1]:443' --state "
			  "established",
			  "a packet of a connection that is there" },
			{ "vigil explain 'tcp any -> host:22' --count 9",
			  "what a limit does" },
		},
		.run = cmd_explain,
	},
	{
		.name = "test",
		.summary = "try the packets of a policy's tests on the kernel",
		.operand = "POLICY",
		.operand_kind = VALUE_FILE,
		.options = EVERY | BIT(OPTION_JSON) | BIT(OPTION_POLICY) |
			   BIT(OPTION_AT) | BIT(OPTION_ONLY),
		.details =
			"Sends the packet of each entry of the policy's 'tests' as "
			"'vigil explain' does, all in one throwaway namespace, and "
			"compares the kernel's verdict and the rule that decided with "
			"what the entry expects. No test sees connections or limits of "
			"another.\n\n"
			"The output is TAP, which test runners read. --at is the time "
			"of those tests that name none.",
		.fails = "a test fails, or the policy has errors",
		.examples = {
			{ "vigil test policy.yml", "all of them" },
			{ "vigil test --only ssh policy.yml",
			  "those with ssh in their name" },
			{ "vigil test --only 3 --json policy.yml", "the third, for a program" },
		},
		.run = cmd_test,
	},
	{
		.name = "compile",
		.summary = "print the nftables script that a policy becomes",
		.operand = "POLICY",
		.operand_kind = VALUE_FILE,
		.options = WORKS | BIT(OPTION_POLICY) | BIT(OPTION_PLAIN) |
			   BIT(OPTION_ELEMENTS),
		.details =
			"Prints exactly the script that makes the policy in a kernel "
			"that has no table 'inet vigil' yet. What the named sets hold "
			"does not go through scripts; --elements prints it. "
			"Without a POLICY it is that of /etc/vigil/policy.yml.\n\n"
			"The numbers by which rules are known in connection marks are "
			"those of the agent where its state can be read. Elsewhere "
			"they are given out anew in the order of the policy, so the "
			"same policy always gives the same script.",
		.fails = "the policy has errors",
		.examples = {
			{ "vigil compile policy.yml", "the script" },
			{ "diff <(vigil compile --plain p.yml) <(vigil compile p.yml)",
			  "what the optimiser does" },
			{ "vigil compile --elements policy.yml",
			  "the sets, one range a line" },
		},
		.run = cmd_compile,
	},
	{
		.name = "plan",
		.summary = "say what a policy would change: rules, and exactly which traffic",
		.operand = "POLICY",
		.former = "OLD",
		.operand_kind = VALUE_FILE,
		.options = ANSWERS | BIT(OPTION_POLICY) | BIT(OPTION_ALL) |
			   BIT(OPTION_EXIT_CODE),
		.details =
			"Compares a POLICY with the one in force, which the agent "
			"tells, or with the file OLD. First comes what was edited: "
			"rules, groups, zones, feeds, translations and defaults. Then "
			"comes which traffic would be allowed, denied, limited or "
			"redirected that is not so now, worked out exactly over all "
			"packets that open a connection, with the rules that decide "
			"and a packet to try. Rules that can never match, or change "
			"nothing, are warned of. Nothing is changed.\n\n"
			"Without a POLICY it is /etc/vigil/policy.yml. With "
			"--exit-code the exit status is 3 when anything would change.",
		.fails = "a policy has errors, or the agent can't be reached",
		.examples = {
			{ "vigil plan policy.yml", "against what is in force" },
			{ "vigil plan old.yml new.yml", "two files, without an agent" },
			{ "vigil plan --exit-code --json old.yml new.yml",
			  "for a program that reviews changes" },
		},
		.run = cmd_plan,
	},
	{
		.name = "apply",
		.summary = "make the host enforce its policy as it is now, or another one",
		.operand = "POLICY",
		.operand_kind = VALUE_FILE,
		.options = ANSWERS | BIT(OPTION_POLICY),
		.details =
			"Without a POLICY, as operand or by --policy, the agent reads "
			"its own policy file again. With one, its text is sent to the agent and enforced until "
			"the agent reads its own file again: by another 'vigil apply', "
			"by a reload, or when it starts.\n\n"
			"All or nothing: when there are errors they are shown, and "
			"what was in force stays in force. The agent itself opens the feeds: "
			"relative paths begin in the directory of the POLICY that was "
			"given, and the agent must be able to read them there. '-' "
			"reads the policy from standard input.",
		.fails = "the policy has errors, the kernel refuses it, or the agent "
			 "can't be reached",
		.examples = {
			{ "vigil apply", "after /etc/vigil/policy.yml was changed" },
			{ "vigil apply trial.yml", "try another one for now" },
		},
		.run = cmd_apply,
	},
	{
		.name = "status",
		.summary = "show what is in force and how the agent is",
		.options = ANSWERS | BIT(OPTION_WAIT),
		.details =
			"Shows the policy in force, what the agent sees and may have "
			"missed, and how much is remembered. When the agent can't be "
			"reached it says so and shows what the database tells.\n\n"
			"With --wait it answers when no policy is on its way into the "
			"kernel any more, in one sentence: what is enforced or, on "
			"standard error, why the last reload failed.",
		.fails = "the agent can't be reached, or the policy is not in force",
		.examples = {
			{ "vigil status", "for a person" },
			{ "vigil status --wait", "how the last reload ended" },
			{ "vigil status --json | jq .events",
			  "for a program" },
		},
		.run = cmd_status,
	},
	{
		.name = "flows",
		.summary = "show who spoke with whom, and who was turned away",
		.options = ANSWERS | SELECTS |
			   BIT(OPTION_TOP) | BIT(OPTION_LIMIT) | BIT(OPTION_FOLLOW),
		.details =
			"Reads the database, newest first, a line for each minute and "
			"each set of source, destination, port and rule. It needs no "
			"agent, only the right to read the database; --follow asks the "
			"agent instead.\n\n"
			"Columns are shortened or left out where the terminal is too "
			"narrow for them; --json always has everything. A '-' in the "
			"place of bytes means that the kernel did not count them, and "
			"a '*' behind a time that the minute is not over or that "
			"events of it were lost.",
		.fails = "the database can't be read, or, with --follow, the agent can't "
			 "be reached",
		.examples = {
			{ "vigil flows --since 1h --rule ssh",
			  "who came in by rule ssh in the last hour" },
			{ "vigil flows --denied --top src --since today",
			  "who was turned away most today" },
			{ "vigil flows --dst 10.20.0.0/28 --port 5432",
			  "who speaks to the databases" },
			{ "vigil flows --follow --denied",
			  "what is being turned away now" },
		},
		.run = cmd_flows,
	},
	{
		.name = "rules",
		.summary = "show each rule with its packets, bytes and when it last matched",
		.options = ANSWERS | BIT(OPTION_UNUSED),
		.details =
			"Packets and bytes come from the kernel's counters and count "
			"from when the rule was first loaded; flows and the time of "
			"the last match come from the database and reach back as far "
			"as it remembers. When the agent can't be reached, only what "
			"the database knows is shown.",
		.fails = "the agent can't be reached",
		.examples = {
			{ "vigil rules", "all of them, in the policy's order" },
			{ "vigil rules --unused", "candidates for removal" },
		},
		.run = cmd_rules,
	},
	{
		.name = "feeds",
		.summary = "show the address lists, their sizes, ages and errors",
		.options = ANSWERS,
		.details =
			"Shows each feed of the policy in force: how many ranges are "
			"in force, when they were read, and what was wrong with the "
			"file when it was read last.",
		.fails = "the agent can't be reached, or a feed has an error",
		.examples = { { "vigil feeds", "all of them" } },
		.run = cmd_feeds,
	},
	{
		.name = "help",
		.summary = "tell about a command",
		.operand = "COMMAND",
		.operand_kind = VALUE_COMMAND,
		.options = EVERY,
		.details = "Without a COMMAND, lists them all.",
		.fails = NULL,
		.examples = { { "vigil help flows", "the same as vigil flows --help" } },
		.run = cmd_help,
	},
	{
		.name = "version",
		.summary = "print the version",
		.options = EVERY,
		.details = "Prints the program's name and version.",
		.fails = NULL,
		.run = cmd_version,
	},
};

const size_t command_count = ARRAY_SIZE(commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

bool command_takes(const struct command *command, enum option_id option)
{
	return (command->options & BIT(option)) != 0;
}
