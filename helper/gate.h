/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: which scripts may reach libnftables.
 *
 * A script is lines, each ended by a newline, each one statement, words apart by one
 * blank:
 *
 *   add|delete|flush table inet vigil
 *   add rule inet vigil NAME WORD...
 *   add chain|set|counter inet vigil NAME, with "{ ... }" where it needs one
 *   delete chain|set|counter inet vigil NAME
 *   flush chain|set inet vigil NAME
 *
 * gate.c has the grammar as a table. The words of a rule are those listed there,
 * numbers, addresses that inet_pton(3) knows, and names where a name must stand: after
 * "jump", "goto" and "@", in quotes after "counter name", and in quotes an interface's
 * right after "iifname" or "oifname" or in the braces that follow one. "log" is always
 * "log prefix "TEXT" group 22087[ snaplen N]"; "set" follows only "ct mark" and
 * "meta nftrace".
 *
 * So another table, an included file, a definition, a variable, a comment, or a second
 * statement on a line cannot be spelled, nor a host name but one of the listed words
 * ("ip saddr established"): that libnftables looks up no host at all is the work of the
 * seccomp filter, which leaves it no socket for it. Nor can what would reach past a
 * firewall's business: queue, dup, fwd, tproxy, socket, synproxy, flow offload, helpers
 * of connection tracking, rewriting of packets other than NAT, packet marks (they
 * choose routes), and logging to the kernel's own log or to a group of someone else.
 */
#pragma once

#include "helper/protocol.h"

enum {
	GATE_SET_SIZE_MAX = 1024 * 1024, /* of sets that packets fill */
};

/**
 * gate_check() - Whether a script is in the subset
 * @reply:  gets the line at fault, the status and a sentence; the number of lines when
 *          nothing is
 *
 * Return: 0 or -EINVAL.
 */
int gate_check(const char *script, struct helper_reply *reply);
