/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/dump.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "agent/receive.h"
#include "base/cleanup.h"

enum { SILENCE_MS = 30000 };

struct reading {
	struct decode_summary (*decode)(const void *data, size_t size_bytes,
					void *context);
	void *context;
	bool done, interrupted;
	int error;
};

static void on_datagram(const void *data, size_t size_bytes, void *context)
{
	struct reading *reading = context;
	struct decode_summary summary =
		reading->decode(data, size_bytes, reading->context);

	reading->done |= summary.done;
	reading->interrupted |= summary.interrupted;
	if (summary.error)
		reading->error = summary.error;
	else if (summary.malformed)
		reading->error = -EBADMSG;
}

static int read_all(int fd, struct receiver *receiver, struct reading *reading)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (!reading->done && !reading->error) {
		int count = receive(receiver, fd, on_datagram, reading);

		if (count < 0)
			return count;
		if (count == 0 && poll(&wait, 1, SILENCE_MS) == 0)
			return -ETIME; /* not -ETIMEDOUT: the helper is well */
	}
	if (reading->error)
		return reading->error;
	return reading->interrupted ? -EAGAIN : 0;
}

int dump_read(int helper, enum helper_dump kind,
	      struct decode_summary (*decode)(const void *data, size_t size_bytes,
					      void *context),
	      void *context, struct helper_refusal *refusal)
{
	struct reading reading = { .decode = decode, .context = context };
	struct receiver *receiver;
	auto_fd int fd = -1;
	int error;

	fd = helper_dump(helper, kind, refusal);
	if (fd < 0)
		return fd;
	receiver = receiver_new();
	if (!receiver)
		return -ENOMEM;
	error = read_all(fd, receiver, &reading);
	receiver_free(receiver);
	return error;
}
