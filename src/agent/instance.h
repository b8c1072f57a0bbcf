/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One agent for a state directory: two would undo each other's work. */
#pragma once

/**
 * instance_claim() - Hold the lock of a state directory for as long as this process
 * lives
 * @state: the directory
 *
 * What stands in the way is logged, with the pid of the agent that was first.
 *
 * Return: a descriptor to keep open, or -errno (-EBUSY: another agent has it).
 */
int instance_claim(const char *state);
