/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a text before its meaning counts, in plain words. */
#pragma once

#include <stddef.h>

#include "base/fault.h"

struct yaml_parser_s;

/**
 * syntax_check_bytes() - Whether the bytes are UTF-8 text that YAML admits
 *
 * Return: 0, or -EINVAL with the first bad byte or character noted.
 */
int syntax_check_bytes(const char *text, size_t size_bytes, struct faults *faults);

/**
 * syntax_add_fault() - Note what libyaml found wrong
 * @parser: after yaml_parser_parse() failed
 *
 * Return: -EINVAL, or -ENOMEM when that was the reason.
 */
int syntax_add_fault(const struct yaml_parser_s *parser, const char *text,
		     size_t size_bytes, struct faults *faults);
