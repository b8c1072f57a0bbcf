/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "helper/cleanup.h"
#include "helper/elements.h"
#include "helper/observe.h"
#include "helper/ruleset.h"
#include "helper/wire.h"
#include "helper/worker.h"

enum {
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	WORKER_LIMIT_S = 120,
	WORKER_MEMORY_BYTES = 1024 * 1024 * 1024,
};

/* A request being performed. Its descriptors are closed when it is over. */
struct exchange {
	struct helper_request request;
	struct helper_reply reply;
	int received[HELPER_FDS_MAX];
	size_t received_count;
	int sent[HELPER_FDS_MAX];
	size_t sent_count;
};

static void exchange_done(struct exchange *exchange)
{
	while (exchange->received_count > 0)
		close(exchange->received[--exchange->received_count]);
	while (exchange->sent_count > 0)
		close(exchange->sent[--exchange->sent_count]);
}

/* Safe: it says what protocol.h says. */
static int do_hello(struct exchange *exchange)
{
	exchange->reply.version = HELPER_VERSION;
	exchange->reply.size_bytes = HELPER_ELEMENTS_MAX;
	if (exchange->request.version != HELPER_VERSION)
		wire_refuse(&exchange->reply, -EPROTO, "this helper speaks version %d",
			    HELPER_VERSION);
	return 0;
}

/*
 * Safe with a hostile agent: the payload can't change any more, has the size that was
 * checked, and is looked at only in a worker with bounds on memory and time. What it
 * may say is for gate.c and elements.c.
 */
static int do_apply(struct exchange *exchange)
{
	struct work work = { .perform = exchange->request.kind == HELPER_SCRIPT
						? ruleset_apply
						: elements_apply,
			     .fd = exchange->received[0],
			     .payload_bytes = exchange->request.size_bytes,
			     .kind = exchange->request.kind,
			     .memory_bytes = WORKER_MEMORY_BYTES,
			     .limit_s = WORKER_LIMIT_S };
	struct stat st;
	int seals = fcntl(work.fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(work.fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != work.payload_bytes)
		return -EPROTO;
	worker_run(&work, &exchange->reply);
	return 0;
}

static int do_observe(struct exchange *exchange)
{
	observe_open(exchange->request.kind, &exchange->reply, exchange->sent,
		     &exchange->sent_count);
	return 0;
}

/* A descriptor that the worker fills; sealed, it can't change while the agent reads. */
static void list_table(struct exchange *exchange, int fd)
{
	struct work work = { .perform = ruleset_list,
			     .fd = fd,
			     .memory_bytes = WORKER_MEMORY_BYTES,
			     .limit_s = WORKER_LIMIT_S };
	struct stat st;

	worker_run(&work, &exchange->reply);
	if (exchange->reply.status)
		return;
	if (fstat(fd, &st) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		wire_refuse(&exchange->reply, -errno, "can't seal the listing");
	exchange->reply.size_bytes = (uint64_t)st.st_size;
}

static int do_dump(struct exchange *exchange)
{
	int *fd = &exchange->sent[0];

	if (exchange->request.kind != HELPER_DUMP_TABLE) {
		if (observe_dump(exchange->request.kind, &exchange->reply, fd) == 0)
			exchange->sent_count = 1;
		return 0;
	}
	*fd = memfd_create("vigil-table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0) {
		wire_refuse(&exchange->reply, -errno, "no memory for the listing");
		return 0;
	}
	exchange->sent_count = 1;
	list_table(exchange, *fd);
	return 0;
}

static int (*const operations[])(struct exchange *exchange) = {
	[HELPER_HELLO] = do_hello,
	[HELPER_APPLY] = do_apply,
	[HELPER_OBSERVE] = do_observe,
	[HELPER_DUMP] = do_dump,
};

int dispatch(struct peer *peer)
{
	__attribute__((cleanup(exchange_done))) struct exchange exchange = { 0 };
	struct helper_request *request = &exchange.request;
	int error = wire_receive(peer->fd, request, sizeof(*request), exchange.received,
				 &exchange.received_count);

	if (error)
		return error;
	/* HELLO comes first, and once. */
	if (!wire_request_valid(request, exchange.received_count) ||
	    peer->greeted == (request->op == HELPER_HELLO))
		return -EPROTO;
	exchange.reply.op = request->op;
	error = operations[request->op](&exchange);
	if (error)
		return error;
	peer->greeted = exchange.reply.status == 0 || peer->greeted;
	exchange.reply.op = request->op;
	return wire_send(peer->fd, &exchange.reply, sizeof(exchange.reply),
			 exchange.sent,
			 exchange.reply.status ? 0 : exchange.sent_count);
}
