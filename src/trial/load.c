/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trial/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/helper.h"
#include "base/cleanup.h"

/* A piece is never cut below this, which is a few statements. */
enum { PIECE_MIN_BYTES = 4096 };

/* Whole lines, at most @max_bytes of them; the first one whatever its size. */
static size_t piece_of(const char *text, size_t size_bytes, size_t max_bytes)
{
	size_t used = 0;

	while (used < size_bytes) {
		const char *feed = memchr(text + used, '\n', size_bytes - used);
		size_t line =
			feed ? (size_t)(feed - text) + 1 - used : size_bytes - used;

		if (used > 0 && used + line > max_bytes)
			break;
		used += line;
	}
	return used;
}

/* libnftables tells by a word what the kernel told by a number. */
static bool too_large(int error, const struct helper_refusal *refusal)
{
	return error == -EMSGSIZE || strstr(refusal->text, strerror(EMSGSIZE));
}

static int refused(char *problem, int error, const struct helper_refusal *refusal,
		   const char *script, size_t size_bytes)
{
	const char *line = script, *end = script + size_bytes;

	for (uint32_t i = 1; i < refusal->line && line < end; i++) {
		const char *feed = memchr(line, '\n', (size_t)(end - line));

		line = feed ? feed + 1 : end;
	}
	snprintf(problem, LOAD_TEXT_MAX, "the kernel refused the rules: %s",
		 refusal->text[0] ? refusal->text : strerror(-error));
	if (refusal->line && line < end) {
		size_t used = strlen(problem);

		snprintf(problem + used, LOAD_TEXT_MAX - used, " (%.*s)",
			 (int)strcspn(line, "\n"), line);
	}
	return error;
}

static int send_script(int helper, const char *script, size_t size_bytes, char *problem)
{
	size_t max_bytes = size_bytes;

	while (size_bytes > 0) {
		struct helper_refusal refusal = { 0 };
		size_t piece = piece_of(script, size_bytes, max_bytes);
		int error = helper_apply_script(helper, script, piece, &refusal);

		if (error && too_large(error, &refusal) && piece > PIECE_MIN_BYTES) {
			max_bytes = piece / 2;
			continue;
		}
		if (error)
			return refused(problem, error, &refusal, script, piece);
		script += piece;
		size_bytes -= piece;
	}
	return 0;
}

static int send_step(int helper, const struct step *step, char *problem)
{
	struct helper_refusal refusal = { 0 };
	int error;

	if (step->kind == STEP_SCRIPT)
		return send_script(helper, step->data, step->size_bytes, problem);
	error = helper_apply_elements(helper, step->data, step->size_bytes, false,
				      &refusal);
	if (error)
		snprintf(problem, LOAD_TEXT_MAX,
			 "the kernel refused the elements of a set: %s",
			 refusal.text[0] ? refusal.text : strerror(-error));
	return error;
}

int load_image(int helper, const struct image *image, struct inventory *held,
	       char problem[static LOAD_TEXT_MAX])
{
	struct transition transition = { 0 };
	int error = transition_again(held, image, &transition);

	if (error)
		snprintf(problem, LOAD_TEXT_MAX, "the rules can't be loaded: %s",
			 strerror(-error));
	for (size_t i = 0; i < transition.step_count && !error; i++)
		error = send_step(helper, &transition.steps[i], problem);
	transition_done(&transition);
	if (error)
		return error;
	inventory_done(held);
	return inventory_of_image(image, held);
}
