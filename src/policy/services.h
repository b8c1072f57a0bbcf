/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The named services that every policy knows. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

enum { SERVICE_PARTS_MAX = 6 };

/* A part is a protocol with a range of ports or ICMP types; protocol 0 ends the list. A
 * protocol without ports has the range 0 to 0. */
struct builtin_service {
	const char *name;
	struct {
		uint8_t protocol;
		struct port_range range;
	} parts[SERVICE_PARTS_MAX];
};

/** builtin_service_find() - Return: it, or NULL. */
const struct builtin_service *builtin_service_find(const char *name);

/** builtin_service_at() - Service number @index by name. Return: it, or NULL beyond the
 * last. */
const struct builtin_service *builtin_service_at(size_t index);
