/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/elements.h"
#include "helper/observe.h"
#include "helper/ruleset.h"
#include "helper/wire.h"
#include "helper/worker.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* A request being performed. Its descriptors are closed when it is over. */
struct exchange {
	struct helper_request request;
	struct helper_reply reply;
	int received[HELPER_FDS_MAX], sent[HELPER_FDS_MAX];
	size_t received_count, sent_count;
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
	return exchange->request.version == HELPER_VERSION
		       ? 0
		       : wire_refuse(&exchange->reply, -EPROTO,
				     "this helper speaks version %d", HELPER_VERSION);
}

/*
 * Safe with a hostile agent: the payload can't change any more, has the size that was
 * checked, and is looked at only in a worker with bounds on memory and time. What it
 * may say is for gate.c and elements.c.
 */
static int do_apply(struct exchange *exchange)
{
	struct work work = { .fd = exchange->received[0],
			     .payload_bytes = exchange->request.size_bytes };
	int seals = fcntl(work.fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(work.fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != work.payload_bytes)
		return -EBADF;
	work.perform = exchange->request.kind == HELPER_SCRIPT ? ruleset_apply
							       : elements_apply;
	worker_run(&work, &exchange->reply);
	return 0;
}

static int do_observe(struct exchange *exchange)
{
	return observe_open(exchange->request.kind, &exchange->reply, exchange->sent,
			    &exchange->sent_count);
}

static int do_dump(struct exchange *exchange)
{
	return observe_dump(exchange->request.kind, &exchange->reply, exchange->sent,
			    &exchange->sent_count);
}

/* Each returns -EBADF when the payload is malformed; other errors are in the reply. */
static int (*const operations[])(struct exchange *exchange) = {
	[HELPER_HELLO] = do_hello,
	[HELPER_APPLY] = do_apply,
	[HELPER_OBSERVE] = do_observe,
	[HELPER_DUMP] = do_dump,
};

int dispatch(int fd, bool *greeted)
{
	__attribute__((cleanup(exchange_done))) struct exchange exchange = { 0 };
	struct helper_request *request = &exchange.request;
	struct helper_reply *reply = &exchange.reply;
	int error = wire_receive(fd, request, sizeof(*request), exchange.received,
				 &exchange.received_count);

	if (error)
		return error;
	/* HELLO comes first, and once. */
	if (!wire_request_valid(request, exchange.received_count) ||
	    *greeted == (request->op == HELPER_HELLO))
		return -EPROTO;
	if (operations[request->op](&exchange) == -EBADF)
		return -EPROTO;
	*greeted = *greeted || reply->status == 0;
	reply->op = request->op;
	return wire_send(fd, reply, sizeof(*reply), exchange.sent,
			 reply->status ? 0 : exchange.sent_count);
}
