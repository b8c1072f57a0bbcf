/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"

struct queue {
	struct job *first, **end;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock; /* of the queues and of @stop */
	pthread_cond_t wake;
	struct queue waiting, finished;
	bool stop;
	size_t outstanding; /* the loop's own: added and not yet done */
	int finished_fd;
	sd_event_source *source;
};

static void append(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->end = job;
	queue->end = &job->next;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;

	if (job) {
		queue->first = job->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	return job;
}

static void *work(void *context)
{
	struct worker *worker = context;
	uint64_t one = 1;

	pthread_mutex_lock(&worker->lock);
	for (;;) {
		struct job *job;

		while (!worker->stop && !worker->waiting.first)
			pthread_cond_wait(&worker->wake, &worker->lock);
		if (worker->stop)
			break;
		job = pop(&worker->waiting);
		pthread_mutex_unlock(&worker->lock);
		job->run(job);
		pthread_mutex_lock(&worker->lock);
		append(&worker->finished, job);
		/* A full counter wakes the loop as well. */
		if (write(worker->finished_fd, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static int on_finished(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct worker *worker = context;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&worker->lock);
		job = pop(&worker->finished);
		pthread_mutex_unlock(&worker->lock);
		if (!job)
			return 0;
		worker->outstanding--;
		job->done(job);
	}
}

int worker_new(sd_event *event, struct worker **ret)
{
	auto_free struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return -ENOMEM;
	worker->waiting.end = &worker->waiting.first;
	worker->finished.end = &worker->finished.first;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	worker->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->finished_fd < 0)
		return -errno;
	error = sd_event_add_io(event, &worker->source, worker->finished_fd, EPOLLIN,
				on_finished, worker);
	if (error >= 0)
		error = -pthread_create(&worker->thread, NULL, work, worker);
	if (error < 0) {
		sd_event_source_disable_unref(worker->source);
		close(worker->finished_fd);
		return error;
	}
	*ret = take(worker);
	return 0;
}

static void finish_all(struct queue *queue)
{
	struct job *job;

	while ((job = pop(queue)))
		job->done(job);
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	finish_all(&worker->finished);
	finish_all(&worker->waiting);
	sd_event_source_disable_unref(worker->source);
	close(worker->finished_fd);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

void worker_add(struct worker *worker, struct job *job)
{
	worker->outstanding++;
	pthread_mutex_lock(&worker->lock);
	append(&worker->waiting, job);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

bool worker_idle(const struct worker *worker)
{
	return worker->outstanding == 0;
}
