/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "helper/wire.h"

enum {
	ANSWER_TIMEOUT_S = 150, /* longer than the helper gives its slowest worker */
	/*
	 * 65,536 IPv4 ranges. Larger pieces would be faster, as the kernel does work in
	 * proportion to the whole set for each. But while anyone on the machine, in any
	 * namespace, listens to nf_tables' notifications, it keeps about 15 kB of them
	 * a range until a batch is over (measured on 6.18).
	 */
	PIECE_MAX_BYTES = 512 * 1024,
	PIECE_MIN_BYTES = 1024,
};

struct answer {
	struct helper_reply reply;
	int fds[HELPER_FDS_MAX];
	size_t fd_count;
};

int helper_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(fd);
}

/* Keep why the helper refused; text from the other side of the wall is not trusted to
 * end. */
static void note(struct helper_refusal *refusal, const struct helper_reply *reply)
{
	if (!refusal)
		return;
	refusal->line = reply->line;
	memcpy(refusal->text, reply->text, sizeof(refusal->text));
	refusal->text[sizeof(refusal->text) - 1] = '\0';
}

static void answer_done(struct answer *answer)
{
	while (answer->fd_count > 0)
		close(answer->fds[--answer->fd_count]);
}

#define auto_answer auto_call(answer_done)

static int receive(int fd, struct answer *answer)
{
	int error = wire_receive(fd, &answer->reply, sizeof(answer->reply), answer->fds,
				 &answer->fd_count);

	return error == -EAGAIN ? -ETIMEDOUT : error;
}

/*
 * One request and its reply. A helper that turns us away says so and hangs up without
 * reading, so a failed send may still have an answer, behind the report of the reset.
 */
static int ask(int fd, const struct helper_request *request, const int *payload,
	       struct answer *answer, struct helper_refusal *refusal)
{
	int error = wire_send(fd, request, sizeof(*request), payload, payload ? 1 : 0);

	if (refusal)
		*refusal = (struct helper_refusal){ 0 };
	if (error && error != -EPIPE && error != -ECONNRESET)
		return error;
	error = receive(fd, answer);
	if (error == -ECONNRESET)
		error = receive(fd, answer);
	if (error)
		return error;
	if (answer->reply.op != request->op || answer->reply.status > 0)
		return -EPROTO;
	note(refusal, &answer->reply);
	return answer->reply.status;
}

int helper_hello(int fd, struct helper_refusal *refusal)
{
	struct helper_request request = { .op = HELPER_HELLO,
					  .version = HELPER_VERSION };
	struct timeval limit = { .tv_sec = ANSWER_TIMEOUT_S };
	auto_answer struct answer answer = { 0 };
	int error;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	error = ask(fd, &request, NULL, &answer, refusal);
	if (error)
		return error;
	return answer.reply.version == HELPER_VERSION ? 0 : -EPROTO;
}

static int make_payload(const void *data, size_t size_bytes, int *ret)
{
	auto_fd int fd = memfd_create("vigil-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	error = file_write_all(fd, data, size_bytes);
	if (error)
		return error;
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

static int apply(int fd, enum helper_payload kind, const void *data, size_t size_bytes,
		 size_t max_bytes, struct helper_refusal *refusal)
{
	struct helper_request request = { .op = HELPER_APPLY,
					  .kind = kind,
					  .size_bytes = size_bytes };
	auto_answer struct answer answer = { 0 };
	auto_fd int payload = -1;
	int error;

	if (size_bytes > max_bytes)
		return -E2BIG;
	if (size_bytes == 0)
		return 0;
	error = make_payload(data, size_bytes, &payload);
	return error ? error : ask(fd, &request, &payload, &answer, refusal);
}

int helper_apply_script(int fd, const char *script, size_t size_bytes,
			struct helper_refusal *refusal)
{
	return apply(fd, HELPER_SCRIPT, script, size_bytes, HELPER_SCRIPT_MAX, refusal);
}

static int apply_blocks(int fd, const void *data, size_t size_bytes,
			struct helper_refusal *refusal)
{
	return apply(fd, HELPER_ELEMENTS, data, size_bytes, HELPER_ELEMENTS_MAX,
		     refusal);
}

/* Part of a payload: from a range of one block up to a range of the same or another. */
struct cursor {
	const char *data;
	size_t left_bytes;
	uint32_t range; /* of the block at @data, the first not yet taken */
};

/* Move up to @max_bytes from @cursor to @piece, cutting blocks where it must. */
static int cut(struct cursor *cursor, size_t max_bytes, struct buffer *piece)
{
	buffer_clear(piece);
	while (cursor->left_bytes > 0) {
		struct helper_block block;
		size_t range_bytes, block_bytes, room;
		const char *ranges = cursor->data + sizeof(block);

		if (cursor->left_bytes < sizeof(block))
			return -EINVAL;
		memcpy(&block, cursor->data, sizeof(block));
		range_bytes = 2 * (size_t)block.key_bytes;
		block_bytes = sizeof(block) + block.count * range_bytes;
		if (block.key_bytes > 16 || block_bytes > cursor->left_bytes)
			return -EINVAL;
		if (piece->size_bytes + sizeof(block) + range_bytes > max_bytes)
			break;
		room = max_bytes - piece->size_bytes - sizeof(block);
		block.count -= cursor->range;
		if (range_bytes && block.count > room / range_bytes)
			block.count = (uint32_t)(room / range_bytes);
		buffer_add(piece, &block, sizeof(block));
		buffer_add(piece, ranges + cursor->range * range_bytes,
			   block.count * range_bytes);
		cursor->range += block.count;
		if (sizeof(block) + cursor->range * range_bytes < block_bytes)
			continue;
		*cursor = (struct cursor){ cursor->data + block_bytes,
					   cursor->left_bytes - block_bytes, 0 };
	}
	return piece->error;
}

int helper_apply_elements(int fd, const void *data, size_t size_bytes, bool atomic,
			  struct helper_refusal *refusal)
{
	struct cursor cursor = { data, size_bytes, 0 };
	auto_buffer struct buffer piece = BUFFER_NULL;
	size_t max_bytes = PIECE_MAX_BYTES;

	if (atomic)
		return apply_blocks(fd, data, size_bytes, refusal);
	while (cursor.left_bytes > 0) {
		struct cursor next = cursor;
		int error = cut(&next, max_bytes, &piece);

		if (!error)
			error = apply_blocks(fd, piece.data, piece.size_bytes, refusal);
		if (error == -EMSGSIZE && max_bytes > PIECE_MIN_BYTES)
			max_bytes /= 2;
		else if (error)
			return error;
		else
			cursor = next;
	}
	return 0;
}

int helper_observe(int fd, uint32_t wanted, struct helper_sockets *ret,
		   struct helper_refusal *refusal)
{
	struct helper_request request = { .op = HELPER_OBSERVE, .kind = wanted };
	struct helper_sockets sockets = { -1, -1, -1 };
	int *const places[] = { &sockets.conntrack, &sockets.log, &sockets.tables };
	auto_answer struct answer answer = { 0 };
	size_t next = 0;
	int error = ask(fd, &request, NULL, &answer, refusal);

	if (error)
		return error;
	if (answer.fd_count != (size_t)__builtin_popcount(wanted))
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (wanted >> i & 1)
			*places[i] = answer.fds[next++];
	answer.fd_count = 0;
	*ret = sockets;
	return 0;
}

int helper_dump(int fd, enum helper_dump kind, struct helper_refusal *refusal)
{
	struct helper_request request = { .op = HELPER_DUMP, .kind = kind };
	auto_answer struct answer answer = { 0 };
	int error = ask(fd, &request, NULL, &answer, refusal);

	if (error)
		return error;
	if (answer.fd_count != 1)
		return -EPROTO;
	answer.fd_count = 0;
	return answer.fds[0];
}
