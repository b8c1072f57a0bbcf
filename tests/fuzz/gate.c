/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate: no input crashes it, and none that it admits holds what must not pass. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line, size_t size)
{
	static const char *const verbs[] = { "add ", "create ", "delete ", "flush " };
	char *copy = strndup(line, size);
	size_t verb = 0;

	assert(copy);
	while (verb < 4 && strncmp(copy, verbs[verb], strlen(verbs[verb])) != 0)
		verb++;
	assert(verb < 4 && strstr(copy, " inet vigil"));
	for (const char *c = copy; *c; c++)
		assert(*c >= ' ' && *c <= '~' && !strchr("$#\\'`()?%~", *c));
	/* A second statement could only follow a separator outside braces. */
	assert(!strchr(copy, ';') || strchr(copy, '{') < strchr(copy, ';'));
	assert(!strrchr(copy, ';') || strrchr(copy, '}') > strrchr(copy, ';'));
	assert(!strstr(copy, "include \""));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct helper_reply reply = { 0 };
	char *script = strndup((const char *)data, size);

	assert(script);
	if (gate_check(script, &reply) == 0)
		for (char *line = script, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			assert(end);
			check_line(line, (size_t)(end - line));
		}
	else
		assert(reply.text[0] && memchr(reply.text, 0, sizeof(reply.text)));
	free(script);
	return 0;
}
