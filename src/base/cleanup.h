/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound release of what a function owns. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define auto_call(function) __attribute__((cleanup(function)))
#define auto_free auto_call(cleanup_free)
#define auto_fd auto_call(cleanup_fd)
#define auto_file auto_call(cleanup_file)

/* Hand ownership of a pointer over: yields it and leaves NULL behind. */
#define take(pointer)                                                                  \
	({                                                                             \
		__typeof__(pointer) taken_ = (pointer);                                \
		(pointer) = NULL;                                                      \
		taken_;                                                                \
	})

/* Hand ownership of a descriptor over: yields it and leaves -1 behind. */
#define take_fd(fd)                                                                    \
	({                                                                             \
		int taken_ = (fd);                                                     \
		(fd) = -1;                                                             \
		taken_;                                                                \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
