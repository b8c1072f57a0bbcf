/* SPDX-License-Identifier: GPL-2.0-or-later */
/* feeds: NAME: { file, refresh, never, max_entries, on_error, on_empty } */
#pragma once

#include "policy/reader.h"

/** feeds_name() - Give each feed its name and index, so that groups may refer to it. */
void feeds_name(struct reader *reader, const struct node *node);

/** feeds_read() - Read what each feed says, once the groups are known. */
void feeds_read(struct reader *reader, const struct node *node);
