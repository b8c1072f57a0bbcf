/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Masquerading and port forwards. */
#pragma once

struct build;

/** nat_emit() - The NAT chains, where the policy translates anything. */
void nat_emit(struct build *build);
