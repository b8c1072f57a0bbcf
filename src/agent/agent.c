/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/files.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum { ROWS_MAX = 500000 };

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int make_paths(struct agent *agent)
{
	const struct options *options = &agent->options;
	struct paths *paths = &agent->paths;

	paths->helper = join(options->run, HELPER_NAME);
	paths->control = join(options->run, CONTROL_NAME);
	paths->database = join(options->state, DATABASE_NAME);
	paths->numbers = join(options->state, NUMBERS_NAME);
	paths->committed = join(options->state, COMMITTED_NAME);
	paths->feeds = join(options->state, FEEDS_NAME);
	if (!paths->helper || !paths->control || !paths->database || !paths->numbers ||
	    !paths->committed || !paths->feeds)
		return -ENOMEM;
	if (mkdir(paths->feeds, 0700) < 0 && errno != EEXIST) {
		int error = -errno;

		log_error("%s can't be made: %s", paths->feeds, strerror(-error));
		return error;
	}
	return 0;
}

static void free_paths(struct paths *paths)
{
	free(paths->helper);
	free(paths->control);
	free(paths->database);
	free(paths->numbers);
	free(paths->committed);
	free(paths->feeds);
}

/* Numbers that the kernel's marks and the database may hold. */
static int read_numbers(struct agent *agent)
{
	const char *path = agent->paths.numbers;
	auto_free char *aside = NULL;
	int error;

	agent->force.numbers.path = path;
	error = numbers_read(&agent->force.numbers, agent->force.numbering);
	if (error && error != -EINVAL && error != -EFBIG)
		log_error("%s can't be read: %s. It tells which rule let in what is "
			  "connected, and is not begun anew for that",
			  path, strerror(-error));
	if (error != -EINVAL && error != -EFBIG)
		return error;
	aside = join(agent->options.state, NUMBERS_NAME ".bad");
	if (!aside || rename(path, aside) < 0)
		log_warning("%s could not be set aside", path);
	log_warning("%s is damaged and was set aside: connections that live may be "
		    "told under another rule",
		    path);
	return 0;
}

static int make_parts(struct agent *agent)
{
	const struct aggregate_settings settings = {
		.mark_mask = 0xffff0000,
		.rows_max = ROWS_MAX,
	};
	int error;

	agent->force.numbering = numbering_new();
	agent->names = naming_new();
	agent->watch.aggregate = aggregate_new(&settings);
	if (!agent->force.numbering || !agent->names || !agent->watch.aggregate)
		return -ENOMEM;
	error = read_numbers(agent);
	if (error)
		return error;
	return naming_set(agent->names, NULL, agent->force.numbering);
}

static int start_control(struct agent *agent, struct inherited *inherited)
{
	int fd = take_fd(inherited->control);

	if (fd < 0)
		fd = control_listen(agent->paths.control);
	if (fd < 0) {
		log_error("%s can't be made: %s", agent->paths.control, strerror(-fd));
		return fd;
	}
	agent->service = methods_service(agent);
	return control_new(agent->event, fd, &agent->service, &agent->control);
}

static int start_parts(struct agent *agent, struct inherited *inherited)
{
	const struct force_request first = { .kind = FORCE_FILE };
	int error = worker_new(agent->event, &agent->worker);

	if (error >= 0)
		error = recorder_new(agent->event, agent->paths.database,
				     agent->watch.aggregate, agent->names,
				     &agent->recorder);
	if (error >= 0)
		error = watch_start(agent, inherited);
	if (error >= 0)
		error = start_control(agent, inherited);
	if (error >= 0)
		error = refresh_start(agent);
	if (error >= 0)
		error = connection_start(agent);
	if (error >= 0)
		error = force_ask(agent, &first);
	return error;
}

int agent_init(struct agent *agent, const struct options *options,
	       struct inherited *inherited, sd_event *event)
{
	int error;

	agent->options = *options;
	agent->event = sd_event_ref(event);
	agent->started = clock_s();
	error = make_paths(agent);
	agent->connection.link.fd = take_fd(inherited->helper);
	if (agent->connection.link.fd < 0)
		agent->connection.link.path = agent->paths.helper;
	if (!error)
		error = make_parts(agent);
	if (!error)
		error = start_parts(agent, inherited);
	if (error < 0)
		log_error("vigil-agent can't start: %s", strerror(-error));
	return error;
}

void agent_close_database(struct agent *agent)
{
	if (agent->recorder && recorder_checkpoint(agent->recorder) < 0)
		log_warning("The last flows could not be written");
	recorder_free(agent->recorder);
	agent->recorder = NULL;
}

void agent_done(struct agent *agent)
{
	worker_free(agent->worker);
	agent_close_database(agent);
	settle_done(agent);
	control_free(agent->control);
	refresh_done(agent);
	force_done(agent);
	watch_done(agent);
	naming_free(agent->names);
	connection_done(agent);
	free_paths(&agent->paths);
	sd_event_unref(agent->event);
}
