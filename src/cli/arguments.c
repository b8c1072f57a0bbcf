/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fault.h"

static const char *const colors[] = { "auto", "always", "never", NULL };
static const char *const tops[] = { "rule",     "src",  "dst",       "port",
				    "protocol", "zone", "direction", NULL };

const struct option_spec option_specs[OPTION_COUNT] = {
	[OPTION_POLICY] = { "policy", 'p', "FILE", VALUE_FILE, NULL,
			    "the policy file to work on, the same as POLICY" },
	[OPTION_NO_KERNEL] = { "no-kernel", 0, NULL, VALUE_NONE, NULL,
			       "leave out the trial load into a throwaway kernel "
			       "namespace" },
	[OPTION_NO_FEEDS] = { "no-feeds", 0, NULL, VALUE_NONE, NULL,
			      "leave out the files of feeds: they need not be here" },
	[OPTION_PLAIN] = { "plain", 0, NULL, VALUE_NONE, NULL,
			   "leave the optimiser out: one rule after the other" },
	[OPTION_ELEMENTS] = { "elements", 0, NULL, VALUE_NONE, NULL,
			      "print what the named sets hold instead of the script" },
	[OPTION_SINCE] = { "since", 0, "TIME", VALUE_TEXT, NULL,
			   "from this time on: 30m, 1h30m, 7d, today, yesterday, now, "
			   "2025-01-31, 14:30, @1700000000" },
	[OPTION_UNTIL] = { "until", 0, "TIME", VALUE_TEXT, NULL,
			   "before this time, written in the same ways" },
	[OPTION_RULE] = { "rule", 0, "ID", VALUE_TEXT, NULL,
			  "only what this rule decided" },
	[OPTION_DENIED] = { "denied", 0, NULL, VALUE_NONE, NULL,
			    "only packets that were denied" },
	[OPTION_SRC] = { "src", 0, "ADDRESS", VALUE_TEXT, NULL,
			 "only from this address, prefix or range" },
	[OPTION_DST] = { "dst", 0, "ADDRESS", VALUE_TEXT, NULL,
			 "only to this address, prefix or range" },
	[OPTION_PORT] = { "port", 0, "PORT", VALUE_TEXT, NULL,
			  "only to this port, by number or by the name of a service "
			  "that has one (for ICMP: of this type)" },
	[OPTION_PROTOCOL] = { "protocol", 0, "NAME", VALUE_TEXT, NULL,
			      "only of this protocol, by name or number" },
	[OPTION_TOP] = { "top", 0, "FIELD", VALUE_TEXT, tops,
			 "add up by rule, src, dst, port, protocol, zone or direction, "
			 "the largest first" },
	[OPTION_LIMIT] = { "limit", 0, "NUMBER", VALUE_TEXT, NULL,
			   "at most this many lines, 0 for all (default: 100, with "
			   "--json all)" },
	[OPTION_FOLLOW] = { "follow", 0, NULL, VALUE_NONE, NULL,
			    "show flows as the agent sees them, until interrupted" },
	[OPTION_UNUSED] = { "unused", 0, NULL, VALUE_NONE, NULL,
			    "only rules that never matched" },
	[OPTION_WAIT] = { "wait", 0, NULL, VALUE_NONE, NULL,
			  "wait for the end of a reload that is under way, and say "
			  "only how it ended" },
	[OPTION_STATE] = { "state", 0, "DIR", VALUE_DIRECTORY, NULL,
			   "where the agent keeps its state (default: " STATE_DIRECTORY
			   ")" },
	[OPTION_RUN] = { "run", 0, "DIR", VALUE_DIRECTORY, NULL,
			 "where the agent's socket is (default: " RUN_DIRECTORY ")" },
	[OPTION_JSON] = { "json", 0, NULL, VALUE_NONE, NULL,
			  "answer in JSON, for programs" },
	[OPTION_COLOR] = { "color", 0, "WHEN", VALUE_TEXT, colors,
			   "when to use colours: always, never or auto; auto, the "
			   "default, is on a terminal unless NO_COLOR is set" },
	[OPTION_HELP] = { "help", 'h', NULL, VALUE_NONE, NULL, "show this help" },
};

int arguments_complain(char problem[static PROBLEM_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(problem, PROBLEM_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

static int complain_unknown(char *problem, const char *what, const char *dashes,
			    const char *word, const char *const *candidates)
{
	const char *near = nearest_word(word, candidates);

	if (near)
		return arguments_complain(problem,
					  "unknown %s '%s%s', did you mean '%s%s'?",
					  what, dashes, word, dashes, near);
	return arguments_complain(problem, "unknown %s '%s%s'", what, dashes, word);
}

static int find_option(const char *name, size_t length)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_specs[i].name) == length &&
		    memcmp(option_specs[i].name, name, length) == 0)
			return i;
	return -1;
}

static int unknown_option(const char *name, size_t length,
			  const struct command *command, char *problem)
{
	const char *names[OPTION_COUNT + 1];
	char word[64];
	size_t count = 0;

	snprintf(word, sizeof(word), "%.*s", (int)(length < 63 ? length : 63), name);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (!command || command_takes(command, (enum option_id)i))
			names[count++] = option_specs[i].name;
	names[count] = NULL;
	return complain_unknown(problem, "option", "--", word, names);
}

/* One reading of a command line. */
struct reading {
	char *const *next;
	char *const *end;
	struct arguments *ret;
	char *problem;
};

static int set_option(struct reading *reading, int option, const char *value)
{
	const struct option_spec *spec = &option_specs[option];

	if (!spec->value && value)
		return arguments_complain(reading->problem, "--%s takes no value",
					  spec->name);
	if (spec->value && !value) {
		if (reading->next == reading->end)
			return arguments_complain(reading->problem,
						  "--%s needs a value: --%s %s",
						  spec->name, spec->name, spec->value);
		value = *reading->next++;
	}
	if (reading->ret->values[option] && spec->value)
		return arguments_complain(reading->problem, "--%s is given twice",
					  spec->name);
	reading->ret->values[option] = value ? value : "";
	return 0;
}

static int read_long(struct reading *reading, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	int option = find_option(text, length);

	if (option < 0)
		return unknown_option(text, length, reading->ret->command,
				      reading->problem);
	return set_option(reading, option, equals ? equals + 1 : NULL);
}

static int read_letters(struct reading *reading, const char *letters)
{
	for (; *letters; letters++) {
		int option = 0;

		while (option < OPTION_COUNT && option_specs[option].letter != *letters)
			option++;
		if (option == OPTION_COUNT && strchr("vV", *letters))
			return arguments_complain(
				reading->problem,
				"unknown option '-%c', did you mean '--version'?",
				*letters);
		if (option == OPTION_COUNT)
			return arguments_complain(reading->problem,
						  "unknown option '-%c'", *letters);
		if (option_specs[option].value)
			return set_option(reading, option,
					  letters[1] ? letters + 1 : NULL);
		reading->ret->values[option] = "";
	}
	return 0;
}

static int read_word(struct reading *reading, const char *word)
{
	struct arguments *ret = reading->ret;
	const char *names[32];
	size_t count = 0;

	if (ret->command && (!ret->command->operand || ret->operand))
		return arguments_complain(reading->problem,
					  "vigil %s does not take '%s'",
					  ret->command->name, word);
	if (ret->command) {
		ret->operand = word;
		return 0;
	}
	ret->command = command_find(word);
	if (ret->command)
		return 0;
	for (size_t i = 0; i < command_count && count < 31; i++)
		names[count++] = commands[i].name;
	names[count] = NULL;
	return complain_unknown(reading->problem, "command", "", word, names);
}

static int check_choice(int option, const char *value, char *problem)
{
	const struct option_spec *spec = &option_specs[option];
	struct buffer list = BUFFER_NULL;
	char what[32];

	if (!spec->choices || !value)
		return 0;
	for (size_t i = 0; spec->choices[i]; i++)
		if (strcmp(spec->choices[i], value) == 0)
			return 0;
	snprintf(what, sizeof(what), "value of --%s", spec->name);
	if (nearest_word(value, spec->choices))
		return complain_unknown(problem, what, "", value, spec->choices);
	for (size_t i = 0; spec->choices[i]; i++)
		buffer_printf(&list, "%s%s", i ? ", " : "", spec->choices[i]);
	arguments_complain(problem, "unknown %s '%.64s'; it takes %s", what, value,
			   list.data ? list.data : "");
	buffer_done(&list);
	return -EINVAL;
}

static int check_together(const struct arguments *arguments, char *problem)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (!arguments->values[i])
			continue;
		if (arguments->command &&
		    !command_takes(arguments->command, (enum option_id)i))
			return arguments_complain(
				problem, "vigil %s does not take --%s",
				arguments->command->name, option_specs[i].name);
		if (check_choice(i, arguments->values[i], problem))
			return -EINVAL;
	}
	if (arguments->operand && arguments->values[OPTION_POLICY])
		return arguments_complain(
			problem, "the policy is given twice: '%s' and --policy",
			arguments->operand);
	return 0;
}

/* Help is owed even to a command line that is otherwise wrong. */
static bool asks_for_help(int count, char *const *arguments)
{
	for (int i = 1; i < count && strcmp(arguments[i], "--") != 0; i++)
		if (strcmp(arguments[i], "--help") == 0 ||
		    strcmp(arguments[i], "-h") == 0)
			return true;
	return false;
}

int arguments_parse(int count, char *const *arguments, struct arguments *ret,
		    char problem[static PROBLEM_MAX])
{
	bool help = asks_for_help(count, arguments);
	struct reading reading = {
		.next = arguments + (count > 0),
		.end = arguments + count,
		.ret = ret,
		.problem = problem,
	};
	bool words_only = false;
	int error = 0;

	*ret = (struct arguments){ 0 };
	problem[0] = '\0';
	while (!error && reading.next < reading.end) {
		const char *word = *reading.next++;

		if (!words_only && strcmp(word, "--") == 0)
			words_only = true;
		else if (!words_only && strcmp(word, "--version") == 0 && !ret->command)
			ret->command = command_find("version");
		else if (!words_only && strncmp(word, "--", 2) == 0)
			error = read_long(&reading, word + 2);
		else if (!words_only && word[0] == '-' && word[1])
			error = read_letters(&reading, word + 1);
		else
			error = read_word(&reading, word);
	}
	if (!error)
		error = check_together(ret, problem);
	if (help) {
		ret->values[OPTION_HELP] = "";
		return 0;
	}
	return error;
}

const char *arguments_policy(const struct arguments *arguments)
{
	if (arguments->operand)
		return arguments->operand;
	if (arguments->values[OPTION_POLICY])
		return arguments->values[OPTION_POLICY];
	return POLICY_PATH;
}

static char *join(const char *directory, const char *fallback, const char *name)
{
	char *path;

	if (!directory)
		directory = fallback;
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

char *arguments_state_path(const struct arguments *arguments, const char *name)
{
	return join(arguments->values[OPTION_STATE], STATE_DIRECTORY, name);
}

char *arguments_run_path(const struct arguments *arguments, const char *name)
{
	return join(arguments->values[OPTION_RUN], RUN_DIRECTORY, name);
}
