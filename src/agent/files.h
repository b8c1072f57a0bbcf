/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of what the agent makes, for whoever looks for it. */
#pragma once

/* in the run directory */
#define HELPER_NAME "helper.sock"
#define CONTROL_NAME "agent.sock"

/* in the state directory */
#define DATABASE_NAME "flows.db"
#define NUMBERS_NAME "numbers"
#define COMMITTED_NAME "committed.json"
#define FEEDS_NAME "feeds"
