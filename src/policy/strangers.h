/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was likely meant by a word of a rule's traffic that means nothing. */
#pragma once

#include "policy/reader.h"

/** refuse_service() - Note a fault for a word that names no service. */
void refuse_service(struct reader *reader, const struct node *node);

/** refuse_port_key() - Note a fault for a key such as "port", which does not say of
 * which protocol. Return: whether there is one. */
bool refuse_port_key(struct reader *reader, const struct node *map);
