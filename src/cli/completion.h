/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What shells complete, from the table of commands. */
#pragma once

struct buffer;

/** completion_bash(), completion_zsh(), completion_fish() - The whole file for a shell.
 */
void completion_bash(struct buffer *out);
void completion_zsh(struct buffer *out);
void completion_fish(struct buffer *out);
