/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is told (sd_notify(3)). All does nothing without one. */
#pragma once

void manager_ready(void);
void manager_reloading(void);
void manager_stopping(void);
void manager_status(const char *sentence);

/** manager_keep() - Have it hold a descriptor over a restart, under a name. */
void manager_keep(int fd, const char *name);

/** manager_forget() - Have it close what it holds under a name. */
void manager_forget(const char *name);
