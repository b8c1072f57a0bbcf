/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker uses and closes the connection; the loop watches a duplicate of it, so
 * that no descriptor is closed under the loop's feet. While a job runs, what arrives is
 * the job's; when none does, anything that arrives is the end.
 */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

enum { BACKOFF_MIN_US = 100000, BACKOFF_MAX_US = 5000000 };

struct attempt {
	struct job job;
	struct agent *agent;
};

static void run(struct job *job)
{
	struct attempt *attempt = (struct attempt *)job;

	link_use(&attempt->agent->connection.link);
}

static void done(struct job *job)
{
	auto_free struct attempt *attempt = (struct attempt *)job;

	attempt->agent->connection.trying = false;
	connection_check(attempt->agent);
}

static int attempt_now(struct agent *agent)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (!attempt)
		return -ENOMEM;
	attempt->job = (struct job){ .run = run, .done = done };
	attempt->agent = agent;
	agent->connection.trying = true;
	worker_add(agent->worker, &attempt->job);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t when_us, void *context)
{
	(void)source;
	(void)when_us;
	attempt_now(context);
	return 0;
}

static int on_watch(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct agent *agent = context;

	(void)fd;
	(void)events;
	if (!worker_idle(agent->worker))
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	link_close(&agent->connection.link, "the connection to vigil-helper was lost");
	connection_check(agent);
	return 0;
}

static void start_watch(struct agent *agent)
{
	struct connection *connection = &agent->connection;
	int fd = fcntl(connection->link.fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return;
	if (sd_event_add_io(agent->event, &connection->watch, fd, EPOLLIN, on_watch,
			    agent) < 0) {
		close(fd);
		return;
	}
	sd_event_source_set_io_fd_own(connection->watch, true);
}

static void on_up(struct agent *agent)
{
	const struct connection *connection = &agent->connection;
	const struct force_request again = {
		.kind = agent->force.wanted || !agent->force.committed ? FORCE_FILE
								       : FORCE_AGAIN,
	};

	start_watch(agent);
	if (agent->connection.told)
		log_notice("Connected to vigil-helper again");
	agent->connection.backoff_us = 0;
	agent->connection.told = false;
	/* It may have been gone for a reason: look at what the kernel holds. And a
	   policy may wait since its attempt found no helper. */
	if (agent->force.tried &&
	    (agent->force.made != connection->made || agent->force.wanted))
		force_ask(agent, &again);
	watch_check(agent);
	agent_tell(agent);
}

static void on_down(struct agent *agent)
{
	struct connection *connection = &agent->connection;

	connection->watch = sd_event_source_disable_unref(connection->watch);
	if (!connection->link.path) {
		/* It cannot be made again: the manager starts a new agent with one. */
		log_error("The connection to vigil-helper that was passed is lost");
		sd_event_exit(agent->event, EXIT_FAILURE);
		return;
	}
	if (!connection->told)
		/* Where another job has made a new one, there is no problem any more.
		 */
		log_warning("%s. The rules in force stay",
			    connection->problem[0]
				    ? connection->problem
				    : "the connection to vigil-helper was lost");
	connection->told = true;
	agent_tell(agent);
}

static void try_later(struct agent *agent)
{
	struct connection *connection = &agent->connection;

	if (connection->trying || !connection->link.path)
		return;
	connection->backoff_us =
		connection->backoff_us ? connection->backoff_us * 2 : BACKOFF_MIN_US;
	if (connection->backoff_us > BACKOFF_MAX_US)
		connection->backoff_us = BACKOFF_MAX_US;
	connection->trying = true;
	sd_event_source_set_time_relative(connection->retry, connection->backoff_us);
	sd_event_source_set_enabled(connection->retry, SD_EVENT_ONESHOT);
}

void connection_check(struct agent *agent)
{
	struct connection *connection = &agent->connection;
	bool up, another;

	if (!worker_idle(agent->worker))
		return;
	up = connection->link.fd >= 0 && connection->link.greeted;
	memcpy(connection->problem, connection->link.problem,
	       sizeof(connection->problem));
	another = up && connection->link.made != connection->made;
	if (connection->up && (!up || another)) {
		connection->up = false;
		on_down(agent);
	} else if (!up && !connection->told) {
		on_down(agent);
	}
	if (another) {
		connection->up = true;
		connection->made = connection->link.made;
		on_up(agent);
	}
	if (!up)
		try_later(agent);
	else if (connection->watch && worker_idle(agent->worker))
		sd_event_source_set_enabled(connection->watch, SD_EVENT_ON);
}

int connection_start(struct agent *agent)
{
	struct connection *connection = &agent->connection;
	int error = sd_event_add_time_relative(agent->event, &connection->retry,
					       CLOCK_MONOTONIC, 0, 0, on_retry, agent);

	if (error < 0)
		return error;
	sd_event_source_set_enabled(connection->retry, SD_EVENT_OFF);
	return attempt_now(agent);
}

void connection_done(struct agent *agent)
{
	struct connection *connection = &agent->connection;

	sd_event_source_disable_unref(connection->watch);
	sd_event_source_disable_unref(connection->retry);
	link_close(&connection->link, "");
}
