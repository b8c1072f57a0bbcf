/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "cli/units.h"

enum { WIDTH_MIN = 20, WIDTH_MAX = 1000 };

bool terminal_color(const struct arguments *arguments, int fd)
{
	const char *wish = arguments->values[OPTION_COLOR];
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (wish && strcmp(wish, "always") == 0)
		return true;
	if (wish && strcmp(wish, "never") == 0)
		return false;
	if (no_color && *no_color)
		return false;
	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width = 0;

	if (columns && units_parse_number(columns, WIDTH_MAX, &width) == 0 &&
	    width >= WIDTH_MIN)
		return (size_t)width;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < WIDTH_MIN)
		return 80;
	return size.ws_col;
}

int terminal_write(const struct buffer *out)
{
	const char *data = out->data;
	size_t left = out->size_bytes;

	if (out->error)
		return terminal_no_memory();
	while (left > 0) {
		ssize_t put = write(STDOUT_FILENO, data, left);

		if (put < 0 && errno == EINTR)
			continue;
		/* The reader has seen enough, as with `| head`: nothing to complain of.
		 */
		if (put < 0 && errno == EPIPE)
			return EXIT_FAILED;
		if (put < 0)
			return terminal_error("can't write the answer: %s",
					      strerror(errno));
		data += put;
		left -= (size_t)put;
	}
	return EXIT_DONE;
}

int terminal_error(const char *format, ...)
{
	char text[1024], safe[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_copy_printable(safe, sizeof(safe), text);
	fprintf(stderr, "vigil: %s\n", safe);
	return EXIT_FAILED;
}

int terminal_no_memory(void)
{
	return terminal_error("out of memory");
}

void terminal_progress(const char *text)
{
	static bool shown;
	const char *term = getenv("TERM");

	/* Without TERM it is a package manager's and not a person's. */
	if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
		return;
	/* "Erase to the end of the line", which every other terminal of today knows. */
	if (shown)
		fputs("\r\033[K", stderr);
	if (text)
		fprintf(stderr, "%s...", text);
	fflush(stderr);
	shown = text != NULL;
}

int terminal_misuse(const struct command *command, const char *problem)
{
	terminal_error("%s", problem);
	fprintf(stderr, "Try 'vigil %s%s--help'.\n", command ? command->name : "",
		command ? " " : "");
	return EXIT_MISUSED;
}
