/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the sentences that faults are made of. */
#pragma once

/* Live until the end of the expression that calls quote() or did_you_mean(). */
struct quoted {
	char text[80];
};

/** quote() - The text in double quotes, cut with "..." when it is long. */
struct quoted quote(const char *text);

/** did_you_mean() - "; did you mean "WORD"?" or nothing. @candidates: NULL-terminated.
 */
struct quoted did_you_mean(const char *word, const char *const *candidates);

/** as_list() - Words between blanks and commas as a YAML list: "[80, 443]". */
struct quoted as_list(const char *text);

/** filled_in() - @text between @before and @after; @otherwise in its place when it is
 * NULL, empty or long. */
struct quoted filled_in(const char *before, const char *text, const char *otherwise,
			const char *after);
