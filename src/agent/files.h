/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the agent's files are by default, and the names of what it makes. */
#pragma once

#define POLICY_PATH "/etc/vigil/policy.yml"
#define STATE_DIRECTORY "/var/lib/vigil"
#define RUN_DIRECTORY "/run/vigil"

/* in the run directory */
#define HELPER_NAME "helper.sock"
#define CONTROL_NAME "agent.sock"

/* in the state directory */
#define DATABASE_NAME "flows.db"
#define NUMBERS_NAME "numbers"
#define COMMITTED_NAME "committed.json"
#define FEEDS_NAME "feeds"
