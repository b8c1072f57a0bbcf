/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes of something until it is refused, and notes how much there was. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/hostile.h"

enum {
	MANY = 2000,
	MEBIBYTE = 1024 * 1024,
	MEMORY_MAX_MIB = 4096,
	FILE_MAX_MIB = 64,
};

static void note_count(FILE *seen, const char *of, int count, int error)
{
	char text[96];

	snprintf(text, sizeof(text), "%s: %d", of, count);
	note(seen, "count", text, error);
}

void exhaust_processes(FILE *seen)
{
	static pid_t made[MANY];
	int count = 0, error = 0;

	while (count < MANY && (made[count] = fork()) >= 0) {
		if (made[count] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		count++;
	}
	error = count < MANY ? errno : 0;
	for (int i = 0; i < count; i++)
		kill(made[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	note_count(seen, "processes", count, error);
}

/* pause() is among what the agent's filter forbids. */
static void *rest(void *ignored)
{
	for (;;)
		sleep(1);
	return ignored;
}

void exhaust_threads(FILE *seen)
{
	pthread_attr_t small;
	pthread_t thread;
	int count = 0, error = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16 * 1024);
	while (count < MANY && !error) {
		error = pthread_create(&thread, &small, rest, NULL);
		count += !error;
	}
	note_count(seen, "threads", count, error);
}

/* The last line tells, as the process does not survive it. */
void exhaust_memory(FILE *seen)
{
	int count = 0;

	for (; count < MEMORY_MAX_MIB; count += 16) {
		void *memory = mmap(NULL, 16 * MEBIBYTE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (memory == MAP_FAILED) {
			note_count(seen, "MiB", count, errno);
			return;
		}
		note_count(seen, "MiB", count + 16, 0);
	}
}

/* Not until the disk is full: that it could is what there is to see. */
void exhaust_disk(FILE *seen)
{
	static char block[MEBIBYTE];
	int fd = open("much", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int count = 0;

	memset(block, 'x', sizeof(block));
	while (fd >= 0 && count < FILE_MAX_MIB &&
	       write(fd, block, sizeof(block)) == sizeof(block))
		count++;
	note_count(seen, "MiB of disk", count, count < FILE_MAX_MIB ? errno : 0);
	unlink("much");
}
