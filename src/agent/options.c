/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "agent/files.h"

static const char usage[] =
	"Usage: vigil-agent [OPTION]...\n"
	"Keep the kernel at what the policy says, and remember what it lets through.\n"
	"\n"
	"  -p, --policy FILE   the policy (" POLICY_PATH ")\n"
	"      --state DIR     what is kept over restarts (" STATE_DIRECTORY ")\n"
	"      --run DIR       sockets (" RUN_DIRECTORY ")\n"
	"  -h, --help          show this\n"
	"      --version       show the version\n"
	"\n"
	"SIGHUP reads the policy again. SIGTERM ends the agent; the rules stay in "
	"force.\n";

enum { OPTION_STATE = 256, OPTION_RUN, OPTION_VERSION };

static const struct option known[] = {
	{ "policy", required_argument, NULL, 'p' },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "run", required_argument, NULL, OPTION_RUN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

static int parse_one(int option, struct options *ret)
{
	switch (option) {
	case 'p':
		ret->policy = optarg;
		return 0;
	case OPTION_STATE:
		ret->state = optarg;
		return 0;
	case OPTION_RUN:
		ret->run = optarg;
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 1;
	case OPTION_VERSION:
		puts("vigil-agent " VERSION);
		return 1;
	default:
		fputs("Try 'vigil-agent --help'.\n", stderr);
		return -EINVAL;
	}
}

int options_parse(int argc, char **argv, struct options *ret)
{
	int option;

	*ret = (struct options){
		.policy = POLICY_PATH,
		.state = STATE_DIRECTORY,
		.run = RUN_DIRECTORY,
	};
	while ((option = getopt_long(argc, argv, "p:h", known, NULL)) != -1) {
		int result = parse_one(option, ret);

		if (result)
			return result;
	}
	if (optind < argc) {
		fprintf(stderr,
			"vigil-agent: unexpected argument '%s'\n"
			"Try 'vigil-agent --help'.\n",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}
