/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ports: NAME: { tcp: ..., udp: ..., ... } */
#include <string.h>

#include "policy/quote.h"
#include "policy/reader.h"
#include "policy/services.h"
#include "policy/traffic.h"

static void read_service(struct reader *reader, const struct node *key,
			 const struct node *value, uint32_t index)
{
	if (strcmp(key->text, "all") == 0 || builtin_service_find(key->text))
		faults_add(reader->faults, key->position,
			   "service %s is built in: give yours another name",
			   quote(key->text).text);
	else if (reader_new_name(reader, key, "service"))
		reader_name(reader, &reader->services,
			    &(struct name){ .text = key->text,
					    .position = key->position,
					    .index = index });
	read_service_traffic(reader, value, &reader->service_traffic[index]);
}

void read_ports(struct reader *reader, const struct node *node)
{
	if (!reader_section(reader, node, "ports"))
		return;
	reader->service_traffic =
		reader_scratch(reader, node->count * sizeof(*reader->service_traffic));
	for (size_t i = 0; i < node->count && !reader_stopped(reader); i++)
		read_service(reader, node->items[2 * i], node->items[2 * i + 1],
			     (uint32_t)i);
	if (names_sort(&reader->services, &reader->scratch) < 0)
		reader->no_memory = true;
}
