/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil: everything a person types. */
#include <signal.h>
#include <time.h>

#include "cli/terminal.h"

int main(int argc, char **argv)
{
	struct arguments arguments;
	char problem[PROBLEM_MAX];
	int error = arguments_parse(argc, argv, &arguments, problem);

	tzset();
	/* A reader that goes away is an error of write(2), not the end of us: a trial
	 * may be under way that has to be ended. */
	signal(SIGPIPE, SIG_IGN);
	if (error)
		return terminal_misuse(arguments.command, problem);
	if (arguments_has(&arguments, OPTION_HELP))
		return cmd_help(&arguments);
	if (!arguments.command) {
		cmd_help(&arguments);
		return EXIT_MISUSED;
	}
	return arguments.command->run(&arguments);
}
