/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vigil-agent: reads the policy, has it enforced, remembers what passes, and answers.
 * Holds no privilege: what needs one is asked of vigil-helper.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/instance.h"
#include "agent/lockdown.h"
#include "agent/manager.h"
#include "agent/options.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "helper/protocol.h"

/* Beyond what is ours only the manager's store can hold something. */
static void turn_away(int fd, const char *name)
{
	close(fd);
	manager_forget(name);
}

/*
 * What the manager passes has a name; what has none is not ours. First come its
 * sockets, then its store, then what it has opened. An agent that was taken over may
 * have left anything in the store, under any name, so "control" is the first of that
 * name and "helper" the last, or the next agent would be cut off as well.
 */
static void take_inherited(struct inherited *ret)
{
	static const char *const names[] = { "helper", "control", "conntrack", "log",
					     "tables" };
	int *const places[] = { &ret->helper, &ret->control,
				&ret->sockets[HELPER_FD_CONNTRACK],
				&ret->sockets[HELPER_FD_LOG],
				&ret->sockets[HELPER_FD_TABLES] };
	char **given = NULL;
	int count = sd_listen_fds_with_names(1, &given);

	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		size_t n = 0;

		while (n < ARRAY_SIZE(names) && strcmp(given[i], names[n]) != 0)
			n++;
		if (n < ARRAY_SIZE(names) && places[n] == &ret->helper &&
		    ret->helper >= 0)
			turn_away(take_fd(ret->helper), names[n]);
		if (n < ARRAY_SIZE(names) && *places[n] < 0)
			*places[n] = fd;
		else
			turn_away(fd, given[i]);
		free(given[i]);
	}
	free(given);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info,
		     void *context)
{
	(void)source;
	(void)info;
	force_reload(context);
	return 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info,
		  void *context)
{
	(void)info;
	(void)context;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int add_signals(sd_event *event, struct agent *agent)
{
	sd_event_source *reload = NULL;
	int error = sd_event_add_signal(event, &reload, SIGHUP, on_reload, agent);

	/* Before a caller that wants to know how it ended: see settle.c. */
	if (error >= 0)
		error = sd_event_source_set_priority(reload,
						     SD_EVENT_PRIORITY_IMPORTANT);
	if (error >= 0)
		error = sd_event_source_set_floating(reload, true);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGTERM, on_end, NULL);
	if (error >= 0)
		error = sd_event_add_signal(event, NULL, SIGINT, on_end, NULL);
	return error;
}

/* Before there are threads: a blocked signal stays blocked in them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* It has no children; but PID 1 of a container gets who lost its parent, and
	   so the kernel reaps them. */
	signal(SIGCHLD, SIG_IGN);
}

static int lock_down(void)
{
	int error = lockdown_drop();

	if (!error)
		error = lockdown_filter();
	if (error)
		log_error("vigil-agent could not give up what it does not need: %s",
			  strerror(-error));
	else if (geteuid() == 0)
		log_warning("vigil-agent runs as root: it owns files that it has no "
			    "business with");
	return error;
}

static int run(const struct options *options, struct inherited *inherited)
{
	static struct agent agent;
	sd_event *event = NULL;
	int result = sd_event_new(&event);

	if (result >= 0)
		result = sd_event_set_watchdog(event, true);
	if (result >= 0)
		result = add_signals(event, &agent);
	if (result >= 0)
		result = agent_init(&agent, options, inherited, event);
	if (result >= 0)
		result = sd_event_loop(event);
	manager_stopping(result == 0);
	agent_close_database(&agent);
	/* The worker may be waiting for the helper; the end does not. */
	if (agent.worker && !worker_idle(agent.worker))
		_exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	agent_done(&agent);
	sd_event_unref(event);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct inherited inherited = { -1, -1, { -1, -1, -1 } };
	struct options options;
	int error = options_parse(argc, argv, &options);

	if (error)
		return error < 0 ? 2 : EXIT_SUCCESS;
	block_signals();
	take_inherited(&inherited);
	if (lock_down() < 0 || instance_claim(options.state) < 0)
		return EXIT_FAILURE;
	return run(&options, &inherited);
}
