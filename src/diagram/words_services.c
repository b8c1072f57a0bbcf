/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services in words: "tcp 22,80-90", "icmp echo-request", "protocols 3-5". */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/protocol.h"
#include "diagram/words.h"
#include "policy/services.h"

enum { PROTOCOLS = 256, PORTS = 65536, MANY = 4, SERVICE_LAST = 0xffffff };

/* How many services of each protocol are of each kind. */
struct tally {
	const struct stretch *stretches;
	size_t count;
	uint32_t kinds[PROTOCOLS][3];
};

static void add_up(struct tally *tally)
{
	for (size_t i = 0; i < tally->count; i++) {
		const struct stretch *stretch = &tally->stretches[i];

		for (uint32_t p = stretch->first >> 16; p <= stretch->last >> 16; p++) {
			uint32_t first = p << 16, last = p << 16 | 0xffff;

			if (stretch->first > first)
				first = stretch->first;
			if (stretch->last < last)
				last = stretch->last;
			tally->kinds[p][stretch->kind] += last - first + 1;
		}
	}
}

static bool is_void(const struct tally *tally, uint32_t protocol)
{
	return tally->kinds[protocol][STRETCH_VOID] == PORTS;
}

/* Whether all of a protocol that packets can have is of a kind. */
static bool is_whole(const struct tally *tally, uint32_t protocol, uint32_t kind)
{
	return tally->kinds[protocol][kind] > 0 &&
	       tally->kinds[protocol][kind] + tally->kinds[protocol][STRETCH_VOID] ==
		       PORTS;
}

static void write_protocol(struct buffer *out, uint32_t protocol)
{
	const char *name = protocol_name((uint8_t)protocol);

	if (name)
		buffer_text(out, name);
	else
		buffer_printf(out, "protocol %u", protocol);
}

static const char *icmp_name(uint32_t protocol, uint32_t type)
{
	enum icmp_version version = protocol == IPPROTO_ICMP ? ICMP_V4 : ICMP_V6;
	const char *const *names = icmp_type_names(version);

	if (protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
		return NULL;
	while (*names && icmp_type_number(version, *names) != (int)type)
		names++;
	return *names;
}

static void write_range(struct buffer *out, uint32_t protocol, uint32_t first,
			uint32_t last)
{
	const char *name = first == last ? icmp_name(protocol, first & 0xffff) : NULL;

	if (name)
		buffer_text(out, name);
	else
		buffer_printf(out, "%u", first & 0xffff);
	if (last != first)
		buffer_printf(out, "-%u", last & 0xffff);
}

/* "tcp 80,443", where the protocol has both kinds. */
static int add_ports(const struct tally *tally, uint32_t protocol, uint32_t kind,
		     struct arena *arena, struct words *ret)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	bool more = false;

	write_protocol(&out, protocol);
	for (size_t i = 0; i < tally->count; i++) {
		struct stretch part = tally->stretches[i];

		if (part.kind != kind || part.first >> 16 > protocol ||
		    part.last >> 16 < protocol)
			continue;
		if (part.first < protocol << 16)
			part.first = protocol << 16;
		if (part.last > (protocol << 16 | 0xffff))
			part.last = protocol << 16 | 0xffff;
		buffer_text(&out, more ? "," : " ");
		write_range(&out, protocol, part.first, part.last);
		more = true;
	}
	return out.error ? out.error : words_add(ret, arena, "%s", out.data);
}

static int add_whole(uint32_t protocol, struct arena *arena, struct words *ret)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	write_protocol(&out, protocol);
	return out.error ? out.error : words_add(ret, arena, "%s", out.data);
}

/* A run of whole protocols. Return: the first behind it, or -ENOMEM. */
static int add_run(const struct tally *tally, uint32_t from, uint32_t kind,
		   struct arena *arena, struct words *ret)
{
	uint32_t whole = 0, last = from;
	int error = 0;

	for (uint32_t p = from; p < PROTOCOLS; p++) {
		if (is_whole(tally, p, kind)) {
			last = p;
			whole++;
		} else if (!is_void(tally, p)) {
			break;
		}
	}
	if (whole >= MANY)
		error = words_add(ret, arena, "protocols %u-%u", from, last);
	for (uint32_t p = from; whole < MANY && p <= last && !error; p++)
		if (is_whole(tally, p, kind))
			error = add_whole(p, arena, ret);
	return error ? error : (int)last + 1;
}

static int list_kind(const struct tally *tally, uint32_t kind, struct arena *arena,
		     struct words *ret)
{
	int error = 0;

	for (uint32_t p = 0; p < PROTOCOLS && !error;) {
		if (is_whole(tally, p, kind)) {
			int next = add_run(tally, p, kind, arena, ret);

			error = next < 0 ? next : 0;
			p = next < 0 ? p : (uint32_t)next;
			continue;
		}
		if (tally->kinds[p][kind])
			error = add_ports(tally, p, kind, arena, ret);
		p++;
	}
	return error;
}

static bool holds(const struct tally *tally, uint32_t first, uint32_t last,
		  uint32_t kind)
{
	for (size_t i = 0; i < tally->count; i++)
		if (tally->stretches[i].kind == kind &&
		    tally->stretches[i].first <= first &&
		    tally->stretches[i].last >= last)
			return true;
	return false;
}

/* Whether a service is exactly what is in the set, as far as packets can have it. */
static bool is_service(const struct tally *tally, const struct builtin_service *service,
		       uint32_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < SERVICE_PARTS_MAX && service->parts[i].protocol; i++) {
		uint32_t base = (uint32_t)service->parts[i].protocol << 16;
		struct port_range range = service->parts[i].range;

		if (range.last == 0)
			range.last = 0xffff;
		if (holds(tally, base | range.first, base | range.last, STRETCH_VOID))
			continue;
		if (!holds(tally, base | range.first, base | range.last, STRETCH_IN))
			return false;
		sum += (uint32_t)(range.last - range.first) + 1;
	}
	return sum == size && sum > 0;
}

static const char *find_service(const struct tally *tally)
{
	const struct builtin_service *service;
	uint32_t size = 0;

	for (uint32_t p = 0; p < PROTOCOLS; p++)
		size += tally->kinds[p][STRETCH_IN];
	for (size_t i = 0; (service = builtin_service_at(i)); i++)
		if (is_service(tally, service, size))
			return service->name;
	return NULL;
}

int words_services(const struct stretch *stretches, size_t count, struct arena *arena,
		   struct words *ret)
{
	auto_free struct tally *tally = calloc(1, sizeof(*tally));
	struct words in = { .count = 0 }, out = { .but = true };
	int error;

	if (!tally)
		return -ENOMEM;
	tally->stretches = stretches;
	tally->count = count;
	add_up(tally);
	error = list_kind(tally, STRETCH_IN, arena, &in);
	if (!error)
		error = list_kind(tally, STRETCH_OUT, arena, &out);
	if (error)
		return error;
	*ret = in;
	if (out.count == 0)
		*ret = (struct words){ .all = true };
	else if (out.count < in.count)
		*ret = out;
	else
		ret->name = find_service(tally);
	return 0;
}

/* Stretches that are made one behind the other. */
struct making {
	struct arena *arena;
	struct stretch *list;
	size_t count;
	uint32_t next; /* the first service that is in none yet */
};

/* What is in, behind what is out up to it; behind the last, @first is too large. */
static int add_stretch(struct making *making, uint32_t first, uint32_t last)
{
	const struct stretch fresh[] = { { making->next, first - 1, STRETCH_OUT },
					 { first, last, STRETCH_IN } };

	for (size_t i = first == making->next; i < 2 && fresh[i].first <= SERVICE_LAST;
	     i++) {
		struct stretch *place = arena_grow(making->arena, &making->list,
						   making->count, sizeof(*place));

		if (!place)
			return -ENOMEM;
		*place = fresh[i];
		making->count++;
	}
	making->next = last + 1;
	return 0;
}

int words_traffic(const struct traffic_list *traffic, struct arena *arena,
		  struct words *ret)
{
	struct making making = { .arena = arena };
	int error = 0;

	*ret = (struct words){ .all = traffic->count == 0 };
	if (ret->all)
		return 0;
	for (size_t i = 0; i < traffic->count; i++) {
		const struct traffic *item = &traffic->items[i];
		uint32_t base = (uint32_t)item->protocol << 16;

		if (item->range_count == 0 && !error)
			error = add_stretch(&making, base, base | 0xffff);
		for (size_t j = 0; j < item->range_count && !error; j++)
			error = add_stretch(&making, base | item->ranges[j].first,
					    base | item->ranges[j].last);
	}
	if (!error)
		error = add_stretch(&making, SERVICE_LAST + 1, SERVICE_LAST + 1);
	return error ? error : words_services(making.list, making.count, arena, ret);
}
