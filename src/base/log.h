/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines to stderr with the "<N>" priority prefix that the journal reads (sd-daemon(3)).
 */
#pragma once

#include <syslog.h>

/** log_line() - One line of a given syslog priority; control characters become '?'. */
void log_line(int priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
