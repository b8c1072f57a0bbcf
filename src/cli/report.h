/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers for programs, and the way to the agent. */
#pragma once

#include <jansson.h>

#include "cli/arguments.h"

/**
 * report_json() - Print an answer
 * @answer: taken over; NULL means that there was no memory for it
 *
 * Return: EXIT_DONE or EXIT_FAILED.
 */
int report_json(json_t *answer);
