/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids of rules and of address translation. */
#pragma once

#include "policy/reader.h"

/** read_id() - Check an id and note it. Return: it, or NULL with a fault. */
const char *read_id(struct reader *reader, const struct node *node);

/** note_id() - The same for an id that was made up: the policy owns @id already. */
void note_id(struct reader *reader, const char *id, struct position position);

/** check_ids() - A fault for each id that is given twice. */
void check_ids(struct reader *reader);
