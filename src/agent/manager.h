/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is told (sd_notify(3)). All does nothing without one. */
#pragma once

#include <stdbool.h>

/** manager_waits() - Whether there is one that is told. */
bool manager_waits(void);

void manager_ready(void);
void manager_reloading(void);

/** manager_stopping() - @well: not for a failure, whose status is to stay. */
void manager_stopping(bool well);

/** manager_status() - @sentence may hold anything. */
void manager_status(const char *sentence);

/** manager_keep() - Have it hold a descriptor over a restart, under a name. */
void manager_keep(int fd, const char *name);

/** manager_forget() - Have it close what it holds under a name. */
void manager_forget(const char *name);
