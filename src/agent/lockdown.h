/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the agent gives up before it receives anything from the helper. */
#pragma once

/**
 * lockdown_drop() - Drop all capabilities, for good
 *
 * Return: 0, or -EPERM when some are left.
 */
int lockdown_drop(void);

/**
 * lockdown_filter() - Admit only the system calls that the agent needs from now on
 *
 * For this process and every thread it makes. Anything else fails with EPERM.
 *
 * Return: 0 or -errno.
 */
int lockdown_filter(void);
