/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for all the descriptors of a valid packet; the kernel drops what is more. */
union control {
	char bytes[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)];
	struct cmsghdr align;
};

int wire_send(int fd, const void *data, size_t size_bytes, const int *fds,
	      size_t fd_count)
{
	struct iovec part = { (void *)data, size_bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control = { 0 };

	if (fd_count > HELPER_FDS_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * fd_count);
	}
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Only one SCM_RIGHTS fits the control buffer, so the first is all. */
static size_t take_descriptors(struct msghdr *message, int fds[static HELPER_FDS_MAX])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	size_t size_bytes;

	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS)
		return 0;
	size_bytes = control->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(control), size_bytes);
	return size_bytes / sizeof(int);
}

int wire_receive(int fd, void *data, size_t size_bytes, int fds[static HELPER_FDS_MAX],
		 size_t *fd_count)
{
	struct iovec part = { data, size_bytes };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  /* Exact: padding would let one more in. */
				  .msg_controllen =
					  CMSG_LEN(sizeof(int) * HELPER_FDS_MAX) };
	ssize_t got;

	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	*fd_count = take_descriptors(&message, fds);
	if ((size_t)got == size_bytes &&
	    !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	while (*fd_count > 0)
		close(fds[--*fd_count]);
	return got == 0 ? -ECONNRESET : -EPROTO;
}

static bool apply_valid(const struct helper_request *request)
{
	switch (request->kind) {
	case HELPER_SCRIPT:
		return request->size_bytes > 0 &&
		       request->size_bytes <= HELPER_SCRIPT_MAX;
	case HELPER_ELEMENTS_SPLIT:
	case HELPER_ELEMENTS_ATOMIC:
		return request->size_bytes > 0 &&
		       request->size_bytes <= HELPER_ELEMENTS_MAX;
	default:
		return false;
	}
}

bool wire_request_valid(const struct helper_request *request, size_t fd_count)
{
	if (request->reserved != 0 || fd_count != (request->op == HELPER_APPLY))
		return false;
	if (request->op == HELPER_HELLO)
		return request->kind == 0 && request->size_bytes == 0;
	if (request->version != 0)
		return false;
	if (request->op == HELPER_APPLY)
		return apply_valid(request);
	if (request->size_bytes != 0)
		return false;
	if (request->op == HELPER_OBSERVE)
		return request->kind >= 1 && request->kind <= HELPER_FD_ALL;
	return request->op == HELPER_DUMP && request->kind >= HELPER_DUMP_CONNTRACK &&
	       request->kind <= HELPER_DUMP_TABLE;
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool wire_name_valid(const char *name, size_t size_bytes)
{
	if (size_bytes == 0 || size_bytes >= HELPER_SET_NAME_MAX ||
	    !is_alphanumeric(name[0]))
		return false;
	for (size_t i = 1; i < size_bytes; i++)
		if (!is_alphanumeric(name[i]) && name[i] != '.' && name[i] != '_' &&
		    name[i] != '-')
			return false;
	return true;
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

static bool all_zero(const void *data, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		if (((const char *)data)[i])
			return false;
	return true;
}

static bool tag_valid(const struct helper_block *block, size_t name_bytes)
{
	return block->key_bytes == 0 && block->count == 0 &&
	       name_bytes == HELPER_TAG_DIGITS &&
	       strspn(block->set, "0123456789abcdef") == HELPER_TAG_DIGITS;
}

static bool header_valid(const struct helper_block *block)
{
	size_t name_bytes = strnlen(block->set, sizeof(block->set));

	if (block->reserved != 0 || !wire_name_valid(block->set, name_bytes) ||
	    !all_zero(block->set + name_bytes, sizeof(block->set) - name_bytes))
		return false;
	if (block->op == HELPER_TAG_ADD || block->op == HELPER_TAG_DELETE)
		return tag_valid(block, name_bytes);
	return (block->op == HELPER_ADD || block->op == HELPER_DELETE) &&
	       block->count > 0 && (block->key_bytes == 4 || block->key_bytes == 16);
}

/* Whether @low + 1 is below @high, so that ranges which end and begin there do not even
 * touch. Big-endian numbers. */
static bool apart(const uint8_t *low, const uint8_t *high, size_t key_bytes)
{
	uint8_t next[16];
	size_t i = key_bytes;

	memcpy(next, low, key_bytes);
	while (i > 0 && ++next[--i] == 0)
		;
	return memcmp(low, high, key_bytes) < 0 && memcmp(next, high, key_bytes) < 0;
}

static bool ranges_valid(const uint8_t *keys, size_t count, size_t key_bytes)
{
	for (size_t i = 0; i < count; i++, keys += 2 * key_bytes) {
		if (memcmp(keys, keys + key_bytes, key_bytes) > 0)
			return false;
		if (i > 0 && !apart(keys - key_bytes, keys, key_bytes))
			return false;
	}
	return true;
}

size_t wire_block_check(const void *data, size_t left_bytes)
{
	const struct helper_block *block = data;
	const uint8_t *keys = (const uint8_t *)data + sizeof(*block);
	uint64_t keys_bytes, padded;

	if (left_bytes < sizeof(*block) || !header_valid(block))
		return 0;
	/* At most 32 bits times 32: no overflow in 64. */
	keys_bytes = (uint64_t)block->count * 2 * block->key_bytes;
	padded = (keys_bytes + 7) & ~UINT64_C(7);
	if (padded > left_bytes - sizeof(*block) ||
	    !ranges_valid(keys, block->count, block->key_bytes) ||
	    !all_zero(keys + keys_bytes, padded - keys_bytes))
		return 0;
	return sizeof(*block) + padded;
}
