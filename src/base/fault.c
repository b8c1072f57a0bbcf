/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void fill(struct fault *fault, struct position position, const char *format,
		 va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	*fault = (struct fault){ .position = position };
	text_copy_printable(fault->text, sizeof(fault->text), text);
}

/* A list full of warnings must not hide an error: the last warning makes room for it.
 */
static struct fault *replace_warning(struct faults *faults)
{
	for (size_t i = faults->count; i-- > 0;)
		if (faults->list[i].warning)
			return &faults->list[i];
	return NULL;
}

static struct fault *next_place(struct faults *faults, bool warning)
{
	struct fault *place = NULL;

	if (!faults->list)
		faults->list = calloc(FAULTS_MAX, sizeof(*faults->list));
	if (faults->list && faults->count < FAULTS_MAX)
		return &faults->list[faults->count++];
	faults->left_out++;
	if (faults->list && !warning)
		place = replace_warning(faults);
	return place;
}

int faults_add(struct faults *faults, struct position position, const char *format, ...)
{
	struct fault *fault = next_place(faults, false);
	va_list args;

	if (!fault)
		return faults->list ? -EINVAL : -ENOMEM;
	va_start(args, format);
	fill(fault, position, format, args);
	va_end(args);
	faults->errors++;
	return -EINVAL;
}

void faults_warn(struct faults *faults, struct position position, const char *format,
		 ...)
{
	struct fault *fault = next_place(faults, true);
	va_list args;

	if (!fault)
		return;
	va_start(args, format);
	fill(fault, position, format, args);
	va_end(args);
	fault->warning = true;
}

static int compare(const void *left, const void *right)
{
	const struct fault *a = left;
	const struct fault *b = right;

	if (a->position.line != b->position.line)
		return a->position.line < b->position.line ? -1 : 1;
	if (a->position.column != b->position.column)
		return a->position.column < b->position.column ? -1 : 1;
	if (a->warning != b->warning)
		return a->warning ? 1 : -1;
	return strcmp(a->text, b->text);
}

void faults_sort(struct faults *faults)
{
	if (faults->count > 1)
		qsort(faults->list, faults->count, sizeof(*faults->list), compare);
}

void faults_done(struct faults *faults)
{
	free(faults->list);
	*faults = (struct faults)FAULTS_NULL;
}
