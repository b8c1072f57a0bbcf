/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/quote.h"

#include <stdbool.h>
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

struct quoted as_list(const char *text)
{
	static const char gaps[] = ", \t";
	struct quoted list;
	size_t used = 0;

	for (text += strspn(text, gaps); *text; text += strspn(text, gaps)) {
		size_t size = strcspn(text, gaps);

		if (used + size + sizeof(", ..., ]") > sizeof(list.text)) {
			used = (size_t)(stpcpy(list.text + used,
					       used ? ", ..." : "[...") -
					list.text);
			break;
		}
		used = (size_t)(stpcpy(list.text + used, used ? ", " : "[") -
				list.text);
		memcpy(list.text + used, text, size);
		used += size;
		text += size;
	}
	strcpy(list.text + used, used ? "]" : "[]");
	return list;
}

struct quoted filled_in(const char *before, const char *text, const char *otherwise,
			const char *after)
{
	struct quoted filled;
	bool fits = text && *text && strlen(text) <= QUOTED_BYTES / 2;

	snprintf(filled.text, sizeof(filled.text), "%s%s%s", before,
		 fits ? text : otherwise, after);
	return filled;
}
