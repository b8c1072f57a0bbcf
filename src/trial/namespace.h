/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel to try things on: vigil-helper in a fresh user and network namespace of its
 * own, reached over a socket pair. It needs no privilege and touches nothing of the
 * host.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* One running trial. The descriptors are close-on-exec. */
struct trial {
	pid_t pid;   /* of vigil-helper, the namespaces' first process */
	int helper;  /* connected to it; helper_hello() has not been said yet */
	int user;    /* its user namespace, for setns(2), before @network */
	int network; /* its network namespace */
	int log;     /* memfd with what it wrote to standard error */
};

#define TRIAL_NULL                                                                     \
	{                                                                              \
		.pid = -1, .helper = -1, .user = -1, .network = -1, .log = -1          \
	}

enum { TRIAL_TEXT_MAX = 256 };

/**
 * trial_start() - Make the namespaces and start the helper in them
 * @program: path of vigil-helper
 * @ret:     set on success only; end it with trial_end()
 * @problem: a sentence without a full stop, on failure
 *
 * The helper runs as a uid of its own inside (the caller's outside) and holds
 * CAP_NET_ADMIN over the new network namespace alone. It is killed when the thread
 * that started it ends.
 *
 * Return: 0, -EOPNOTSUPP when this system gives no user namespaces to this caller,
 * or -errno (-ENOENT: @program is not there).
 */
int trial_start(const char *program, struct trial *ret,
		char problem[static TRIAL_TEXT_MAX]);

/**
 * trial_last_words() - The last line the helper wrote to standard error
 *
 * Return: @out, without its "<N>" prefix; "" when it wrote nothing.
 */
char *trial_last_words(const struct trial *trial, char out[static TRIAL_TEXT_MAX]);

/** trial_end() - End the helper and with it both namespaces. Harmless on TRIAL_NULL. */
void trial_end(struct trial *trial);

#define auto_trial __attribute__((cleanup(trial_end)))
