/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values that are written as one word. Each function returns true and sets its result,
 * or notes a fault and returns false. @what names the value in the sentence, such as
 * "burst".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/reader.h"

/** scalar_number() - A decimal number from @least to @most. */
bool scalar_number(struct reader *reader, const struct node *node, const char *what,
		   uint32_t least, uint32_t most, uint32_t *ret);

/** scalar_bool() - true, false, yes, no, on or off, in the spellings of YAML 1.1. */
bool scalar_bool(struct reader *reader, const struct node *node, const char *what,
		 bool *ret);

/** scalar_duration() - A number and s, m, h, d or w. */
bool scalar_duration(struct reader *reader, const struct node *node, const char *what,
		     uint32_t least_s, uint32_t most_s, uint32_t *ret_s);

/** scalar_size() - A number and KiB, MiB, GiB, TiB, KB, MB, GB or TB. */
bool scalar_size(struct reader *reader, const struct node *node, const char *what,
		 uint64_t least_bytes, uint64_t most_bytes, uint64_t *ret_bytes);

/** scalar_rate() - "5/minute". @ret_period_s: of the unit. */
bool scalar_rate(struct reader *reader, const struct node *node, uint32_t *ret_count,
		 uint32_t *ret_period_s);

/** scalar_clock() - "08:30", up to "24:00". @ret_s: since midnight. */
bool scalar_clock(struct reader *reader, const struct node *node, const char *what,
		  uint32_t *ret_s);

/** scalar_ports() - "22" or "8000-8080". */
bool scalar_ports(struct reader *reader, const struct node *node,
		  struct port_range *ret);

/** scalar_mask() - Contiguous bits of 32, at least 8, such as 0xffff0000. */
bool scalar_mask(struct reader *reader, const struct node *node, uint32_t *ret);

/**
 * parse_ports() - The same as scalar_ports() for a part of a word
 * @text: NUL-terminated
 */
bool parse_ports(struct reader *reader, struct position position, const char *text,
		 struct port_range *ret);

/** parse_decimal() - All of @text as a decimal number without a leading zero. Return:
 * false when it is none or above UINT32_MAX. */
bool parse_decimal(const char *text, uint32_t *ret);
