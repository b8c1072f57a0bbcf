/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink datagrams and attributes, read with every length checked against what is
 * left. Values are copied out byte by byte, so nothing depends on alignment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/decode.h"

/* A piece of somebody else's memory; @at is NULL when it is not there. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

/* One nfnetlink message, without its headers. */
struct message {
	uint8_t type;   /* within the subsystem */
	uint16_t flags; /* NLM_F_* */
	uint8_t family; /* AF_* */
	struct bytes attributes;
};

enum message_result { MESSAGE_TAKEN, MESSAGE_SKIPPED, MESSAGE_MALFORMED };

/**
 * netlink_each() - Hand every message of one subsystem over
 * @subsystem: NFNL_SUBSYS_*; messages of others are skipped
 *
 * Return: the whole summary; control messages are dealt with here.
 */
struct decode_summary netlink_each(
	const void *data, size_t size_bytes, uint8_t subsystem,
	enum message_result (*on_message)(const struct message *message, void *context),
	void *context);

/**
 * netlink_split() - Sort attributes by their type
 * @table: @count places, of which each gets the contents of the last attribute of that
 * type, or NULL; types of @count and above are ignored
 *
 * Return: whether all lengths fit.
 */
bool netlink_split(struct bytes attributes, struct bytes *table, size_t count);

/** bytes_be16(), bytes_be32(), bytes_be64() - A number in network byte order. Return:
 * whether it is there and has exactly its size; else @ret is unchanged. */
bool bytes_be16(struct bytes bytes, uint16_t *ret);
bool bytes_be32(struct bytes bytes, uint32_t *ret);
bool bytes_be64(struct bytes bytes, uint64_t *ret);

/** bytes_text() - A NUL-terminated string. Return: it, borrowed, or NULL. */
const char *bytes_text(struct bytes bytes);

/** address_from_wire() - From 4 or 16 bytes in network byte order at @at. */
struct address address_from_wire(enum family family, const uint8_t *at);
