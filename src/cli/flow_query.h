/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The question that the options of `vigil flows` ask. */
#pragma once

#include "cli/arguments.h"
#include "store/store.h"

enum { LINES_DEFAULT = 100 };

/**
 * flow_query_parse() - Options to a query
 * @now:     seconds since 1970
 * @ret:     borrows the arguments' strings; set on success only
 * @problem: a sentence on failure
 *
 * Return: 0 or -EINVAL.
 */
int flow_query_parse(const struct arguments *arguments, int64_t now,
		     struct store_query *ret, char problem[static PROBLEM_MAX]);
