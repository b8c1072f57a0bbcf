/* SPDX-License-Identifier: GPL-2.0-or-later */
/* groups: NAME: [address, group, ...] */
#pragma once

#include "policy/reader.h"

/**
 * group_addresses() - All addresses of a group, those of the groups in it included
 *
 * Return: a finished set that the reader owns, or NULL while the group itself is being
 * read (the circle is then noted).
 */
const struct address_set *group_addresses(struct reader *reader, uint32_t index);

/** groups_keep() - Hand the groups to the policy, once it stands. */
void groups_keep(struct reader *reader);

/** groups_done() - Release the groups' sets. */
void groups_done(struct reader *reader);
