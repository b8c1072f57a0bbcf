/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of commands. Dispatch, usage, man pages and completions all come from
 * it, so none of them can say something else than the others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* errors were found, or the answer could not be given */
	EXIT_MISUSED = 2,
	EXIT_DIFFERS =
		3, /* something would change, and the caller asks by --exit-code */
};

enum option_id {
	OPTION_POLICY,
	OPTION_NO_KERNEL,
	OPTION_NO_FEEDS,
	OPTION_PLAIN,
	OPTION_ELEMENTS,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_RULE,
	OPTION_DENIED,
	OPTION_SRC,
	OPTION_DST,
	OPTION_PORT,
	OPTION_PROTOCOL,
	OPTION_TOP,
	OPTION_LIMIT,
	OPTION_FOLLOW,
	OPTION_UNUSED,
	OPTION_IN,
	OPTION_OUT,
	OPTION_FLOW_STATE, /* spelt as OPTION_STATE; no command takes both */
	OPTION_TIMES,
	OPTION_AT,
	OPTION_ONLY,
	OPTION_ALL,
	OPTION_EXIT_CODE,
	OPTION_WAIT,
	OPTION_STATE,
	OPTION_RUN,
	OPTION_JSON,
	OPTION_COLOR,
	OPTION_HELP,
	OPTION_COUNT,
};

/* What a shell may offer in the place of a value. */
enum value_kind { VALUE_NONE, VALUE_TEXT, VALUE_FILE, VALUE_DIRECTORY, VALUE_COMMAND };

struct option_spec {
	const char *name;  /* without the dashes */
	char letter;       /* or 0 */
	const char *value; /* its name in usage; NULL for an option without a value */
	enum value_kind kind;
	const char *const
		*choices; /* NULL-terminated, or NULL when any value will do */
	const char *help; /* one sentence without a full stop */
};

extern const struct option_spec option_specs[OPTION_COUNT];

/* A command line, taken apart. Strings are borrowed from argv. */
struct arguments {
	const struct command *command;    /* NULL: none was given */
	const char *values[OPTION_COUNT]; /* NULL: not given; "" without a value */
	const char *operand;              /* or NULL */
	const char *former; /* the one before it where there are two, or NULL */
};

struct example {
	const char *line;
	const char *meaning;
};

enum { EXAMPLES_MAX = 5 };

struct command {
	const char *name;
	const char *summary; /* what it does, no full stop */
	const char *operand; /* name of its one optional operand, or NULL */
	const char *former;  /* name of one that may stand before that, or NULL */
	enum value_kind operand_kind;
	uint64_t options;    /* bit N: takes option N */
	const char *details; /* paragraphs, parted by a blank line; plain text */
	const char *fails;   /* when it exits with EXIT_FAILED, as a clause */
	struct example examples[EXAMPLES_MAX]; /* up to the first without a line */
	int (*run)(const struct arguments *arguments);
};

extern const struct command commands[];
extern const size_t command_count;

/** command_find() - Return: the command of that name, or NULL. */
const struct command *command_find(const char *name);

/** command_takes() - Whether @command takes an option. */
bool command_takes(const struct command *command, enum option_id option);

/* Each in a file of its own name; returns an enum exit_code. */
int cmd_check(const struct arguments *arguments);
int cmd_explain(const struct arguments *arguments);
int cmd_test(const struct arguments *arguments);
int cmd_compile(const struct arguments *arguments);
int cmd_plan(const struct arguments *arguments);
int cmd_apply(const struct arguments *arguments);
int cmd_status(const struct arguments *arguments);
int cmd_flows(const struct arguments *arguments);
int cmd_rules(const struct arguments *arguments);
int cmd_feeds(const struct arguments *arguments);
int cmd_help(const struct arguments *arguments);
int cmd_version(const struct arguments *arguments);
