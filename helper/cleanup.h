/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound release of a descriptor. */
#pragma once

#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define auto_fd __attribute__((cleanup(cleanup_fd)))

/* Hand ownership of a descriptor over: yields it and leaves -1 behind. */
#define take_fd(fd)                                                                    \
	({                                                                             \
		int taken_ = (fd);                                                     \
		(fd) = -1;                                                             \
		taken_;                                                                \
	})
