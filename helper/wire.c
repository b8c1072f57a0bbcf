/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for all the descriptors of a valid packet; the kernel drops what is more. */
#define CONTROL                                                                        \
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)]

int wire_send(int fd, const void *data, size_t size_bytes, const int *fds,
	      size_t fd_count)
{
	struct iovec part = { (void *)data, size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	CONTROL = { 0 };
	struct cmsghdr *header = (void *)control;

	if (fd_count > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof(int) * fd_count),
					    SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
	}
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int wire_receive(int fd, void *data, size_t size_bytes, int fds[static HELPER_FDS_MAX],
		 size_t *fd_count)
{
	struct iovec part = { data, size_bytes };
	CONTROL = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header = (void *)control;
	ssize_t got;

	message.msg_control = control;
	/* Exact, as padding would let one more in. Only one SCM_RIGHTS fits. */
	message.msg_controllen = CMSG_LEN(sizeof(int) * HELPER_FDS_MAX);
	got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return -errno;
	*fd_count = 0;
	if (message.msg_controllen > 0 && header->cmsg_type == SCM_RIGHTS)
		*fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(header), *fd_count * sizeof(int));
	if ((size_t)got == size_bytes &&
	    !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	while (*fd_count > 0)
		close(fds[--*fd_count]);
	return got == 0 ? -ECONNRESET : -EPROTO;
}

bool wire_request_valid(const struct helper_request *request, size_t fd_count)
{
	static const uint32_t last_kind[] = { [HELPER_APPLY] = HELPER_ELEMENTS,
					      [HELPER_OBSERVE] = HELPER_FD_ALL,
					      [HELPER_DUMP] = HELPER_DUMP_CHAINS };
	uint32_t op = request->op, kind = request->kind;
	bool apply = op == HELPER_APPLY;
	uint64_t max = kind == HELPER_SCRIPT ? HELPER_SCRIPT_MAX : HELPER_ELEMENTS_MAX;

	return op >= HELPER_HELLO && op <= HELPER_DUMP && kind <= last_kind[op] &&
	       (kind > 0) == (op != HELPER_HELLO) && fd_count == apply &&
	       (request->size_bytes > 0) == apply && request->size_bytes <= max &&
	       (request->version == 0 || op == HELPER_HELLO) && request->reserved == 0;
}

bool wire_name_valid(const char *name)
{
	size_t size = strspn(name, WIRE_NAME_CHARACTERS);

	return size > 0 && size < HELPER_SET_NAME_MAX && !name[size] &&
	       !strchr("._-", name[0]);
}

int wire_refuse(struct helper_reply *reply, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reply->text, sizeof(reply->text), format, args);
	va_end(args);
	for (char *c = reply->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	reply->status = status;
	return status;
}

bool wire_increment(uint8_t *number, size_t size_bytes)
{
	while (size_bytes > 0)
		if (++number[--size_bytes])
			return true;
	return false;
}

static bool header_valid(const struct helper_block *block)
{
	char name[HELPER_SET_NAME_MAX];
	bool tag = block->op == HELPER_TAG_ADD || block->op == HELPER_TAG_DELETE;

	/* strncpy() fills up with zeros, as a sender must. */
	strncpy(name, block->set, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	if (memcmp(name, block->set, sizeof(name)) != 0 || !wire_name_valid(name) ||
	    block->reserved != 0)
		return false;
	if (tag)
		return block->key_bytes == 0 && block->count == 0 &&
		       strspn(name, "0123456789abcdef") == HELPER_TAG_DIGITS &&
		       !name[HELPER_TAG_DIGITS];
	return (block->op == HELPER_ADD || block->op == HELPER_DELETE) &&
	       block->count > 0 && (block->key_bytes == 4 || block->key_bytes == 16);
}

/* Each range begins beyond the first address after the one before, so they don't even
 * touch. */
static bool ranges_valid(const uint8_t *keys, size_t count, size_t key_bytes)
{
	uint8_t after[16];

	for (size_t i = 0; i < count; i++, keys += 2 * key_bytes) {
		if (memcmp(keys, keys + key_bytes, key_bytes) > 0 ||
		    (i > 0 && (memcmp(keys - key_bytes, keys, key_bytes) >= 0 ||
			       memcmp(after, keys, key_bytes) >= 0)))
			return false;
		memcpy(after, keys + key_bytes, key_bytes);
		wire_increment(after, key_bytes);
	}
	return true;
}

size_t wire_block_check(const void *data, size_t left_bytes)
{
	const struct helper_block *block = data;
	uint64_t keys_bytes;

	if (left_bytes < sizeof(*block) || !header_valid(block))
		return 0;
	/* At most 32 bits times 32: no overflow in 64, and a multiple of 8. */
	keys_bytes = (uint64_t)block->count * 2 * block->key_bytes;
	if (keys_bytes > left_bytes - sizeof(*block) ||
	    !ranges_valid((const uint8_t *)(block + 1), block->count, block->key_bytes))
		return 0;
	return sizeof(*block) + keys_bytes;
}
