/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The statements of one list's rules, in one of two ways that mean the same. */
#pragma once

struct build;
struct list;
struct entry;

/** list_emit_plain() - Each rule by itself. */
void list_emit_plain(struct build *build, const struct list *list);

/** list_emit_optimised() - Runs of rules as look-ups. */
void list_emit_optimised(struct build *build, const struct list *list);

/** list_emit_forward() - Let a port forward's translated traffic through. */
void list_emit_forward(struct build *build, const struct list *list,
		       const struct entry *entry);
