/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for the end of attempts: the manager that started the agent, and callers of
 * GetStatus with "wait". `systemctl reload` is both. The manager sends SIGHUP and then
 * runs `vigil status --wait`; the signal's source goes before the control socket's, so
 * that call always finds the attempt that it is to wait for.
 */
#include "agent/agent.h"

#include <stdlib.h>

#include "agent/apply.h"
#include "agent/manager.h"

static bool settled(const struct force *force)
{
	return !force->running && !force->first && !force->owed;
}

/* The manager hears READY=1 once rules stand: this policy's or, where it was refused,
 * those of before. From then on at the end of each reload, whatever came of it. */
void settle_manager(struct agent *agent, const struct apply *apply)
{
	struct force *force = &agent->force;
	bool stands = force->stands || force->committed || apply->bears;

	agent_tell(agent);
	if (force->ready || stands) {
		force->ready = true;
		manager_ready();
		return;
	}
	/* It waits for nothing: a failed start is told at once, and tried again. A
	   helper that is not there yet, though, may come. */
	if (apply->end != APPLY_NO_LINK && force->empty && manager_waits())
		sd_event_exit(agent->event, EXIT_FAILURE);
}

static void answer_all(struct agent *agent)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct call *call = agent->waiting[i];

		agent->waiting[i] = NULL;
		if (call)
			status_answer(call, agent);
	}
}

void settle_check(struct agent *agent)
{
	if (agent->force.owed)
		force_reload(agent);
	if (settled(&agent->force))
		answer_all(agent);
}

static void on_gone(struct call *call)
{
	struct agent *agent = call->state;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (agent->waiting[i] == call)
			agent->waiting[i] = NULL;
	call_end(call);
}

/* Each caller has one call at a time, so there is a place for every one. */
void settle_wait(struct agent *agent, struct call *call)
{
	size_t i = 0;

	if (settled(&agent->force)) {
		status_answer(call, agent);
		return;
	}
	while (agent->waiting[i])
		i++;
	agent->waiting[i] = call;
	call->state = agent;
	call->on_gone = on_gone;
}

void settle_done(struct agent *agent)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (agent->waiting[i])
			call_end(agent->waiting[i]);
}
