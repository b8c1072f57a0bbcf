/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vigil-agent. */
#pragma once

struct options {
	const char *policy; /* file */
	const char *state;  /* directory, kept over restarts */
	const char *run;    /* directory of the sockets */
};

/**
 * options_parse() - Read the command line; answers --help and --version itself
 *
 * Return: 0 to go on, 1 when it was answered, -EINVAL when it is wrong (told on
 * stderr).
 */
int options_parse(int argc, char **argv, struct options *ret);
