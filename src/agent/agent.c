/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { NUMBERS_BYTES_MAX = 64 * 1024 * 1024, ROWS_MAX = 500000 };

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int make_paths(struct agent *agent)
{
	const struct options *options = &agent->options;
	struct paths *paths = &agent->paths;

	paths->helper = join(options->run, "helper.sock");
	paths->control = join(options->run, "agent.sock");
	paths->database = join(options->state, "flows.db");
	paths->numbers = join(options->state, "numbers");
	paths->committed = join(options->state, "committed.json");
	paths->feeds = join(options->state, "feeds");
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

/* Numbers that the kernel's marks and the database may hold. A file that is damaged is
 * set aside: then rows of before may bear another rule's name, which is said. */
static int read_numbers(struct agent *agent)
{
	auto_free char *text = NULL, *aside = NULL;
	size_t size_bytes;
	int error =
		file_read(agent->paths.numbers, NUMBERS_BYTES_MAX, &text, &size_bytes);

	if (error == -ENOENT)
		return 0;
	if (!error)
		error = numbering_read(agent->force.numbering, text, size_bytes);
	if (!error || error == -ENOMEM)
		return error;
	aside = join(agent->options.state, "numbers.bad");
	if (aside)
		rename(agent->paths.numbers, aside);
	log_warning("%s can't be used (%s): connections that live may be told under "
		    "another rule",
		    agent->paths.numbers, strerror(-error));
	return 0;
}

static int make_parts(struct agent *agent)
{
	const struct aggregate_settings settings = {
		.mark_mask = 0xffff0000,
		.rows_max = ROWS_MAX,
	};

	agent->force.numbering = numbering_new();
	agent->names = naming_new();
	agent->watch.aggregate = aggregate_new(&settings);
	if (!agent->force.numbering || !agent->names || !agent->watch.aggregate)
		return -ENOMEM;
	if (read_numbers(agent) < 0 ||
	    naming_set(agent->names, NULL, agent->force.numbering) < 0)
		return -ENOMEM;
	return 0;
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
	control_free(agent->control);
	refresh_done(agent);
	force_done(agent);
	watch_done(agent);
	naming_free(agent->names);
	connection_done(agent);
	free_paths(&agent->paths);
	sd_event_unref(agent->event);
}
