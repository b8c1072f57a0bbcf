/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes through libnftables: scripts that passed the gate, and one listing. */
#pragma once

#include "helper/worker.h"

/* A refused script of more lines is answered without the line at fault. */
enum { RULESET_LINES_SEARCHED = 20000 };

/** ruleset_apply() - In a worker: one script, one transaction. -EINVAL when refused. */
void ruleset_apply(const struct work *work, struct helper_reply *reply);
