/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the helper gives up before it reads a byte from anyone.
 *
 * Theory of operation. The helper is started under its own uid with CAP_NET_ADMIN,
 * ambient or, where a container engine gives no ambient one, by its file. It keeps that
 * one, permitted and effective, and neither inheritable nor ambient nor (where it may
 * take it out) in the bounding set: no program that it could start would hold it. It
 * can't start one: no_new_privs, and a seccomp filter that ends the process at the
 * first system call the helper does not need. There is no open(), exec(), ptrace(),
 * unshare() or setns() in it, no executable mapping, and no socket but
 * NETLINK_NETFILTER. libnftables tries to read some files and the resolver to connect;
 * those calls fail with an error instead, and both cope. The workers inherit all of it,
 * and add limits on memory, processes and time.
 */
#pragma once

/**
 * lockdown_check() - Whether the helper may run: not as root, with CAP_NET_ADMIN, on a
 * kernel with nf_tables
 *
 * Return: NULL, or a sentence that says why not.
 */
const char *lockdown_check(void);

/** lockdown() - Give up everything else, for good. Return: 0 or -errno. */
int lockdown(void);
