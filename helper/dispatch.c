/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/elements.h"
#include "helper/observe.h"
#include "helper/ruleset.h"
#include "helper/wire.h"
#include "helper/worker.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static void exchange_done(struct exchange *exchange)
{
	while (exchange->received_count > 0)
		close(exchange->received[--exchange->received_count]);
	while (exchange->sent_count > 0)
		close(exchange->sent[--exchange->sent_count]);
}

/* Safe: it says what protocol.h says. */
static void do_hello(struct exchange *exchange)
{
	exchange->reply.version = HELPER_VERSION;
	exchange->reply.size_bytes = HELPER_ELEMENTS_MAX;
	if (exchange->request.version != HELPER_VERSION)
		exchange->reply.status = -EPROTO;
}

/*
 * Safe with a hostile agent: the payload can't change any more, has the size that was
 * checked, and is looked at only in a worker with bounds on memory and time. What it
 * may say is for gate.c and elements.c.
 */
static void do_apply(struct exchange *exchange)
{
	bool script = exchange->request.kind == HELPER_SCRIPT;
	struct work work = { .perform = script ? ruleset_apply : elements_apply,
			     .fd = exchange->received[0],
			     .payload_bytes = exchange->request.size_bytes };
	int seals = fcntl(work.fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(work.fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != work.payload_bytes)
		wire_refuse(&exchange->reply, -EBADF,
			    "not a sealed memfd of that size");
	else
		worker_run(&work, &exchange->reply);
}

static void (*const operations[])(struct exchange *exchange) = {
	[HELPER_HELLO] = do_hello,
	[HELPER_APPLY] = do_apply,
	[HELPER_OBSERVE] = observe_open,
	[HELPER_DUMP] = observe_dump
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
	operations[request->op](&exchange);
	*greeted = *greeted || reply->status == 0;
	reply->op = request->op;
	return wire_send(fd, reply, sizeof(*reply), exchange.sent,
			 reply->status ? 0 : exchange.sent_count);
}
