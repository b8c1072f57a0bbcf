/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/lib/vigil"
#endif

int program_find_helper(char **ret)
{
	static const char *const places[] = { "", "/../libexec/vigil",
					      "/../lib/vigil" };
	char directory[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	char *slash;

	directory[size > 0 ? size : 0] = '\0';
	slash = strrchr(directory, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		char *path;

		if (asprintf(&path, "%.*s%s/vigil-helper", (int)(slash - directory),
			     directory, places[i]) < 0)
			return -ENOMEM;
		if (access(path, X_OK) == 0) {
			*ret = path;
			return 0;
		}
		free(path);
	}
	if (access(LIBEXECDIR "/vigil-helper", X_OK) < 0)
		return -ENOENT;
	*ret = strdup(LIBEXECDIR "/vigil-helper");
	return *ret ? 0 : -ENOMEM;
}
