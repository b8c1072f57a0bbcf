/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/draft.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/numbers.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/terminal.h"

int draft_read_text(const struct arguments *arguments, struct draft *ret)
{
	ret->path = arguments_policy(arguments);
	if (strcmp(ret->path, POLICY_PATH) == 0 && access(ret->path, F_OK) < 0 &&
	    errno == ENOENT)
		return faults_add(
			&ret->faults, (struct position){ 0 },
			"there is no policy yet; /usr/share/doc/vigil/examples "
			"has some to begin with");
	return policy_load(ret->path, false, &ret->text, &ret->text_bytes,
			   &ret->faults);
}

/* The agent's numbers, so that what is printed is what it would load. A list that is
 * not there or not ours to read is no error: then there are no numbers to keep. */
static int read_numbers(const struct arguments *arguments, struct numbering *numbering)
{
	auto_free char *path = NULL, *text = NULL;
	size_t size_bytes;
	int error;

	if (!command_takes(arguments->command, OPTION_STATE))
		return 0;
	path = arguments_state_path(arguments, NUMBERS_NAME);
	if (!path)
		return -ENOMEM;
	error = file_read(path, NUMBERS_BYTES_MAX, &text, &size_bytes);
	if (error)
		return error == -ENOMEM ? error : 0;
	error = numbering_read(numbering, text, size_bytes);
	if (error == -EINVAL)
		terminal_error("%s is not understood, so numbers are given out anew",
			       path);
	return error == -EINVAL ? 0 : error;
}

int draft_read(const struct arguments *arguments, struct draft *ret)
{
	struct candidate_source source = {
		.plain = arguments_has(arguments, OPTION_PLAIN),
		.without_feeds = arguments_has(arguments, OPTION_NO_FEEDS),
	};
	auto_free char *directory = NULL;
	int error = draft_read_text(arguments, ret);

	if (error)
		return error;
	directory = file_directory(ret->path);
	ret->numbering = numbering_new();
	if (!directory || !ret->numbering)
		return -ENOMEM;
	error = read_numbers(arguments, ret->numbering);
	if (error)
		return error;
	source.text = ret->text;
	source.text_bytes = ret->text_bytes;
	source.path = ret->path;
	source.directory = directory;
	return candidate_read(&source, ret->numbering, &ret->candidate, &ret->faults);
}

static void count_faults(const struct faults *faults, struct buffer *out)
{
	size_t warnings = faults->count - faults->errors;

	if (faults->errors)
		buffer_printf(out, "%zu error%s", faults->errors,
			      faults->errors == 1 ? "" : "s");
	if (warnings)
		buffer_printf(out, "%s%zu warning%s", faults->errors ? ", " : "",
			      warnings, warnings == 1 ? "" : "s");
	if (faults->count)
		buffer_text(out, "\n");
}

const char *draft_name(const struct draft *draft)
{
	return strcmp(draft->path, "-") == 0 ? STANDARD_INPUT : draft->path;
}

int draft_show_faults(const struct draft *draft, const struct arguments *arguments)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	faults_render(&draft->faults, draft_name(draft), draft->text, draft->text_bytes,
		      terminal_color(arguments, STDERR_FILENO), &out);
	count_faults(&draft->faults, &out);
	if (out.error)
		return terminal_no_memory();
	if (out.size_bytes)
		fwrite(out.data, 1, out.size_bytes, stderr);
	return draft->faults.errors ? EXIT_FAILED : EXIT_DONE;
}

json_t *draft_json_faults(const struct draft *draft)
{
	const struct faults *faults = &draft->faults;
	json_t *list = json_array();
	char file[PATH_MAX];

	/* A path may be any bytes, JSON may not. */
	text_copy_printable(file, sizeof(file), draft_name(draft));
	for (size_t i = 0; list && i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];
		json_t *item =
			json_pack("{s:s, s:s, s:i, s:i, s:s}", "file", file, "severity",
				  fault->warning ? "warning" : "error", "line",
				  (int)fault->position.line, "column",
				  (int)fault->position.column, "text", fault->text);

		if (!item || json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

void draft_done(struct draft *draft)
{
	candidate_free(draft->candidate);
	numbering_free(draft->numbering);
	free(draft->text);
	faults_done(&draft->faults);
	*draft = (struct draft)DRAFT_NULL;
}
