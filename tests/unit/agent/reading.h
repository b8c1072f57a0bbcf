/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for a test, and candidates from texts. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/candidate.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "compile/numbering.h"

static char directory[] = "/tmp/vigil-test-XXXXXX";

static inline int make_directory(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static inline const char *in_directory(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static inline void put_file(const char *name, const char *text)
{
	assert_int_equal(file_replace(in_directory(name), text, strlen(text)), 0);
}

static inline int read_candidate(const char *text, const struct candidate *previous,
				 struct numbering *numbering, struct candidate **ret,
				 struct faults *faults)
{
	const struct candidate_source source = {
		.text = text,
		.text_bytes = strlen(text),
		.path = "policy.yml",
		.directory = directory,
		.feed_cache = directory,
		.previous = previous,
	};

	return candidate_read(&source, numbering, ret, faults);
}
