/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/feed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

enum {
	BAD_LINES_MAX =
		1000, /* beyond that, and beyond a tenth of all, it is no list */
	BAD_SHARE = 10,
};

/* A feed while it is read. */
struct reading {
	const struct feed *feed;
	struct feed_report *report;
	struct address_set set;
	uint32_t line;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct feed_report *report,
							const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_copy_printable(report->problem, sizeof(report->problem), text);
	return -EINVAL;
}

static void note_bad_line(struct reading *reading, const char *text, size_t size_bytes)
{
	struct feed_report *report = reading->report;
	char copy[sizeof(report->bad[0].text)];

	if (report->bad_lines++ >= FEED_BAD_LINES_SHOWN)
		return;
	report->bad[report->bad_lines - 1].line = reading->line;
	if (size_bytes >= sizeof(copy))
		size_bytes = sizeof(copy) - 1;
	for (size_t i = 0; i < size_bytes; i++)
		copy[i] = text[i] ? text[i] : '?';
	copy[size_bytes] = '\0';
	text_copy_printable(report->bad[report->bad_lines - 1].text, sizeof(copy),
			    copy);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The entry of a line: without the comment and the blanks around it. */
static size_t trim(const char **text, size_t size_bytes)
{
	size_t size = 0;

	while (size < size_bytes && (*text)[size] != '#' && (*text)[size] != ';')
		size++;
	while (size > 0 && blank((*text)[size - 1]))
		size--;
	while (size > 0 && blank(**text)) {
		(*text)++;
		size--;
	}
	return size;
}

/* Lists in the wild hold prefixes with host bits; what they mean is plain. */
static bool parse_entry(const char *text, size_t size_bytes, struct address_range *ret)
{
	char copy[RANGE_TEXT_MAX];
	int error;

	if (size_bytes >= sizeof(copy) || memchr(text, '\0', size_bytes))
		return false;
	memcpy(copy, text, size_bytes);
	copy[size_bytes] = '\0';
	error = range_parse(copy, ret);
	return error == 0 || error == RANGE_HOST_BITS;
}

static int read_line(struct reading *reading, const char *text, size_t size_bytes)
{
	struct address_range range;

	reading->line++;
	size_bytes = trim(&text, size_bytes);
	if (size_bytes == 0)
		return 0;
	if (!parse_entry(text, size_bytes, &range)) {
		note_bad_line(reading, text, size_bytes);
		return 0;
	}
	if (reading->report->entries++ == reading->feed->max_entries)
		return refuse(
			reading->report,
			"it has more than %u entries: raise max_entries if that is "
			"meant",
			reading->feed->max_entries);
	return address_set_add(&reading->set, range);
}

static int read_lines(struct reading *reading, const char *text, size_t size_bytes)
{
	const char *end = text + size_bytes;

	while (text < end) {
		const char *next = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((next ? next : end) - text);
		int error = read_line(reading, text, size);

		if (error)
			return error;
		text += size + 1;
	}
	return 0;
}

/* What is said of the broken lines here need not be said of each as well. */
static int refuse_for_lines(struct feed_report *report)
{
	size_t broken = report->bad_lines;

	report->bad_lines = 0;
	return refuse(report,
		      "%zu of its %zu lines are not addresses, the first is line %u: "
		      "%s",
		      broken, report->entries + broken, report->bad[0].line,
		      report->bad[0].text);
}

static int judge(const struct feed *feed, struct feed_report *report)
{
	size_t lines = report->entries + report->bad_lines;

	if (report->bad_lines > BAD_LINES_MAX && report->bad_lines > lines / BAD_SHARE)
		return refuse_for_lines(report);
	if (report->entries == 0 && report->bad_lines > 0 && !feed->allow_empty)
		return refuse_for_lines(report);
	if (report->entries == 0 && !feed->allow_empty)
		return refuse(report, "it holds no address");
	return 0;
}

static int apply_never(struct reading *reading)
{
	size_t before = reading->set.count4 + reading->set.count6;
	size_t after;

	if (address_set_subtract(&reading->set, &reading->feed->never) < 0)
		return -ENOMEM;
	after = reading->set.count4 + reading->set.count6;
	reading->report->removed_by_never = before > after ? before - after : 0;
	return 0;
}

int feed_read(const struct feed *feed, const char *text, size_t size_bytes,
	      struct address_set *ret, struct feed_report *report)
{
	struct reading reading = { .feed = feed, .report = report };
	int error;

	*report = (struct feed_report){ 0 };
	if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size_bytes -= 3;
	}
	if (!text)
		text = "";
	error = read_lines(&reading, text, size_bytes);
	if (!error)
		error = judge(feed, report);
	if (!error) {
		report->merged = address_set_finish(&reading.set);
		error = apply_never(&reading);
	}
	if (error)
		address_set_done(&reading.set);
	else
		*ret = reading.set;
	return error;
}

static int refuse_file(struct feed_report *report, const char *path, int error)
{
	if (error == -EFBIG)
		refuse(report, "%s has more than %d MiB", path,
		       FEED_BYTES_MAX / 1024 / 1024);
	else if (error == -ESPIPE)
		refuse(report, "%s is not a regular file", path);
	else
		refuse(report, "cannot read %s: %s", path, strerror(-error));
	return error;
}

int feed_load(const struct feed *feed, const char *directory, struct address_set *ret,
	      struct feed_report *report)
{
	auto_free char *path = NULL;
	auto_free char *text = NULL;
	size_t size_bytes = 0;
	int error;

	*report = (struct feed_report){ 0 };
	if (asprintf(&path, "%s%s%s", feed->file[0] == '/' ? "" : directory,
		     feed->file[0] == '/' ? "" : "/", feed->file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	error = file_read_regular(path, FEED_BYTES_MAX, &text, &size_bytes);
	if (error)
		return refuse_file(report, path, error);
	return feed_read(feed, text, size_bytes, ret, report);
}
