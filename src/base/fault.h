/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one error type for what a person wrote: a place in a file and a sentence. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in a text. Lines and columns count from 1; line 0 means the file as a whole.
 */
struct position {
	uint32_t line;
	uint32_t column; /* in characters */
};

struct fault {
	struct position position;
	bool warning;
	char text[256];
};

enum { FAULTS_MAX = 100 };

/* All that is wrong with one text, in the order of its lines once sorted. */
struct faults {
	struct fault *list;
	size_t count;    /* at most FAULTS_MAX */
	size_t errors;   /* of those in the list, without warnings */
	size_t left_out; /* found beyond FAULTS_MAX */
};

#define FAULTS_NULL                                                                    \
	{                                                                              \
		0                                                                      \
	}

/**
 * faults_add() - Note one more error
 *
 * In a full list it takes the place of a warning, so a list that left errors out holds
 * errors. What is not printable (see base/text.h) becomes '?' in the sentence.
 *
 * Return: -EINVAL always (-ENOMEM when it could not be kept; it still counts in
 * @left_out), so a check can end with it.
 */
int faults_add(struct faults *faults, struct position position, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** faults_warn() - Note something that is allowed and likely not meant. */
void faults_warn(struct faults *faults, struct position position, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

/** faults_sort() - Put them in the order of their places, errors and warnings together.
 */
void faults_sort(struct faults *faults);

void faults_done(struct faults *faults);

#define auto_faults __attribute__((cleanup(faults_done)))

struct buffer;

/**
 * faults_render() - Write all of them as a person reads them
 * @path:        the file's name as the person gave it
 * @source:      the text of the file, may be NULL when it could not be read
 * @source_bytes: its size
 * @color:       with terminal colours
 *
 * Each is "PATH:LINE:COLUMN: error: SENTENCE", then the line of the file and a caret.
 * Control characters of the source are shown as '?', tabs as one blank, and a line
 * longer than 160 characters is cut around the caret; beyond 256 KiB it is left out.
 */
void faults_render(const struct faults *faults, const char *path, const char *source,
		   size_t source_bytes, bool color, struct buffer *out);

/**
 * nearest_word() - The candidate that @word was likely meant to be
 * @candidates: NULL-terminated
 *
 * Return: one of @candidates at an edit distance of at most 2 (1 for words of up to 4
 * letters), or NULL.
 */
const char *nearest_word(const char *word, const char *const *candidates);
