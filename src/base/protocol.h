/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of IP protocols and ICMP types, as people and nft(8) write them. */
#pragma once

#include <stdint.h>

enum icmp_version { ICMP_V4, ICMP_V6 };

/** protocol_number() - By name, such as "tcp" or "esp". Return: 0 to 255, or -ENOENT.
 */
int protocol_number(const char *name);

/** protocol_name() - Return: its usual name, or NULL when it has none here. */
const char *protocol_name(uint8_t number);

/** protocol_names() - All names, NULL-terminated. */
const char *const *protocol_names(void);

/** icmp_type_number() - By name, such as "echo-request". Return: 0 to 255, or -ENOENT.
 */
int icmp_type_number(enum icmp_version version, const char *name);

/** icmp_type_name() - Return: its usual name, or NULL when it has none here. */
const char *icmp_type_name(enum icmp_version version, uint8_t number);

/** icmp_type_names() - All names, NULL-terminated. */
const char *const *icmp_type_names(enum icmp_version version);
