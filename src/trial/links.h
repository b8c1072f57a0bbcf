/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces of a trial: each one end of a veth pair, whose other end lies in a
 * network namespace of its own, so that nothing but what is tried passes. No neighbour
 * has to answer, and no filter of reverse paths is on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

enum { LINKS_MAX = 1024, LINK_NAME_MAX = 16 };

struct link {
	char name[LINK_NAME_MAX];
	uint32_t index; /* in the trial's namespace */
	uint32_t peer;  /* in the one outside */
};

struct mnl_socket;

struct links {
	struct mnl_socket *inside, *outside; /* of rtnetlink */
	int outside_namespace;
	int wire;                  /* sends at the far ends */
	int fence;                 /* receives at ours what was sent as a fence */
	bool forwards4, forwards6; /* whether packets can pass through at all */
	struct link *list;
	size_t count;
	uint32_t sequence;
};

#define LINKS_NULL                                                                     \
	{                                                                              \
		.outside_namespace = -1, .wire = -1, .fence = -1                       \
	}

/**
 * links_open() - Prepare the namespace the caller is in
 * @network: that namespace, to come back to it
 *
 * Return: 0 or -errno; close it either way.
 */
int links_open(int network, struct links *ret);

/** links_get() - An interface by name, made when it is not there yet. Return: 0 or
 *  -errno. */
int links_get(struct links *links, const char *name, const struct link **ret);

/** links_address(), links_no_address() - Make an address this machine's, on a link, and
 *  take it away. Return: 0 or -errno. */
int links_address(struct links *links, const struct link *link, struct address address);
int links_no_address(struct links *links, const struct link *link,
		     struct address address);

/** links_route() - Send packets to an address out by a link. Return: 0 or -errno. */
int links_route(struct links *links, const struct link *link, struct address address);

/**
 * links_send() - Have a packet come in
 *
 * Returns when the kernel has dealt with it, as far as it does so at once.
 *
 * Return: 0 or -errno.
 */
int links_send(struct links *links, const struct link *link, const void *packet,
	       size_t size_bytes, enum family family);

void links_close(struct links *links);
