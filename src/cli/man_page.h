/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual pages in scdoc(5) form, from the table of commands. */
#pragma once

#include "cli/command.h"

struct buffer;

/**
 * man_page_command() - The page vigil-NAME(1)
 * @part: sections that the table can't hold, in scdoc form; put behind the options.
 * NULL for none
 */
void man_page_command(const struct command *command, const char *part,
		      struct buffer *out);

/** man_page_program() - The page vigil(1), which lists the commands. @part as above. */
void man_page_program(const char *part, struct buffer *out);

/** man_page_services() - The section of vigil-policy(5) that lists built-in services.
 */
void man_page_services(struct buffer *out);
