/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/quote.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"

enum { QUOTED_BYTES = 48 }; /* more is cut */

struct quoted quote(const char *text)
{
	char shown[QUOTED_BYTES + 1];
	struct quoted quoted;

	text_copy_printable(shown, sizeof(shown), text);
	snprintf(quoted.text, sizeof(quoted.text), "\"%s%s\"", shown,
		 strlen(text) > QUOTED_BYTES ? "..." : "");
	return quoted;
}

struct quoted did_you_mean(const char *word, const char *const *candidates)
{
	const char *nearest = candidates ? nearest_word(word, candidates) : NULL;
	struct quoted hint = { "" };

	if (nearest)
		snprintf(hint.text, sizeof(hint.text), "; did you mean \"%s\"?",
			 nearest);
	return hint;
}
