/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between vigil-helper and whoever asks it: one SOCK_SEQPACKET packet is
 * one request or one reply. Both ends are the same machine, so numbers are in host byte
 * order. A packet of any other length than its header says, an unknown operation, a
 * wrong number of descriptors, or a request out of order ends the connection. A refused
 * ruleset is an answer and leaves the kernel as it was.
 */
#pragma once

#include <stdint.h>

#define HELPER_SOCKET_PATH "/run/vigil/helper.sock"

enum {
	HELPER_VERSION = 1,
	HELPER_SCRIPT_MAX = 16 * 1024 * 1024,
	HELPER_ELEMENTS_MAX = 160 * 1024 * 1024,
	HELPER_TEXT_MAX = 256,
	HELPER_SET_NAME_MAX = 128, /* with the NUL */
	HELPER_FDS_MAX = 3,
	HELPER_LOG_GROUP = 22087,
	HELPER_LOG_BYTES = 128, /* of each packet logged, at most */
	HELPER_TAG_DIGITS = 32,
};

/* The chain "at.TAG" has no rules and is never jumped to: its name tells what is
 * committed. */
#define HELPER_TAG_PREFIX "at."

enum helper_op {
	HELPER_HELLO = 1,   /* first, and once: no descriptor */
	HELPER_APPLY = 2,   /* one descriptor: a memfd, see enum helper_payload */
	HELPER_OBSERVE = 3, /* no descriptor; the reply carries those asked for */
	HELPER_DUMP = 4,    /* no descriptor; the reply carries one */
};

/*
 * A payload is a memfd sealed against writing, growing, shrinking and further sealing,
 * whose size is exactly the one in the request.
 */
enum helper_payload {
	/* Statements of the canonical subset (helper/gate.h), one a line: one
	   transaction. */
	HELPER_SCRIPT = 1,
	/*
	 * Blocks of elements: one netlink batch, all or nothing. -EMSGSIZE when it is
	 * larger than the kernel lets the helper send at once (in a user namespace that
	 * is 2 * net.core.wmem_max, and a range takes 40 or 64 bytes).
	 */
	HELPER_ELEMENTS = 2,
};

enum helper_dump {
	HELPER_DUMP_CONNTRACK = 1, /* a netlink socket on which the dump is under way */
	/* The same: NFT_MSG_NEWOBJ of table inet vigil's counters, ... */
	HELPER_DUMP_COUNTERS = 2,
	HELPER_DUMP_SETS = 3,   /* ... NFT_MSG_NEWSET of its sets, without elements */
	HELPER_DUMP_CHAINS = 4, /* ... NFT_MSG_NEWCHAIN of all tables of family inet:
				   the kernel knows no narrower question */
};

struct helper_request {
	uint32_t op;
	uint32_t version; /* HELLO: HELPER_VERSION; else 0 */
	/* APPLY: enum helper_payload; DUMP: enum helper_dump; OBSERVE: the wanted
	   descriptors, 1 << HELPER_FD_* each; else 0 */
	uint32_t kind;
	uint32_t reserved;   /* 0 */
	uint64_t size_bytes; /* APPLY: of the payload; else 0 */
};

/*
 * OBSERVE's descriptors, in this order. Whoever still holds some from before a restart
 * asks for the others only: the kernel gives a log group to one socket at a time, and
 * answers EBUSY for a second.
 */
enum {
	HELPER_FD_CONNTRACK = 0, /* NEW and DESTROY of conntrack */
	HELPER_FD_LOG = 1,       /* nflog group HELPER_LOG_GROUP, in copy-packet mode */
	/*
	 * nf_tables notifications. While such a socket is open, in whatever namespace,
	 * the kernel makes one for every element of every batch, which costs it about
	 * 15 kB of memory a range and several times the time: close it before a large
	 * change and ask for it again afterwards.
	 */
	HELPER_FD_TABLES = 2,
	HELPER_FD_ALL = 7, /* the mask of all three */
};

struct helper_reply {
	uint32_t op;      /* of the request */
	int32_t status;   /* 0 or -errno */
	uint32_t line;    /* APPLY of a script: line at fault, counted from 1; else 0 */
	uint32_t version; /* HELLO: HELPER_VERSION; else 0 */
	uint64_t size_bytes;        /* HELLO: HELPER_ELEMENTS_MAX; else 0 */
	char text[HELPER_TEXT_MAX]; /* NUL-terminated printable ASCII; empty on success
				     */
};

enum helper_element_op {
	HELPER_ADD = 1,
	HELPER_DELETE = 2,
	HELPER_TAG_ADD = 3, /* @set is a tag's 32 hex digits, no keys */
	HELPER_TAG_DELETE = 4,
};

/*
 * A block header, followed by @count ranges of two keys of @key_bytes each: first and
 * last address, both included, in network byte order, ascending, not overlapping and
 * not touching. The block is padded with zeros to a multiple of 8 bytes.
 */
struct helper_block {
	uint32_t op;
	uint32_t key_bytes; /* 4 or 16; 0 for tags */
	uint32_t count;
	uint32_t reserved;             /* 0 */
	char set[HELPER_SET_NAME_MAX]; /* name in table inet vigil, NUL-terminated and
					  -padded */
};
