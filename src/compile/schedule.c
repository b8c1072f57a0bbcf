/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/schedule.h"

enum { DAYS = 7, DAY_S = 86400, WEEK_S = DAYS * DAY_S, PIECES_MAX = 3 * DAYS };

/* Part of one UTC day. */
struct piece {
	uint32_t day;
	uint32_t from_s;
	uint32_t to_s;
};

struct pieces {
	struct piece list[PIECES_MAX];
	size_t count;
};

/* Keep the list ordered, and join what overlaps or touches within a day. */
static void insert(struct pieces *pieces, struct piece piece)
{
	size_t kept = 0, at;

	for (size_t i = 0; i < pieces->count; i++) {
		struct piece *old = &pieces->list[i];

		if (old->day == piece.day && old->from_s <= piece.to_s &&
		    piece.from_s <= old->to_s) {
			if (old->from_s < piece.from_s)
				piece.from_s = old->from_s;
			if (old->to_s > piece.to_s)
				piece.to_s = old->to_s;
		} else {
			pieces->list[kept++] = *old;
		}
	}
	for (at = kept; at > 0; at--) {
		struct piece *old = &pieces->list[at - 1];

		if (old->day * DAY_S + old->from_s < piece.day * DAY_S + piece.from_s)
			break;
		pieces->list[at] = *old;
	}
	pieces->list[at] = piece;
	pieces->count = kept + 1;
}

/* Cut a stretch of the week, which may run past its end, where days begin. */
static void cut(struct pieces *pieces, uint32_t start_s, uint32_t length_s)
{
	while (length_s > 0) {
		uint32_t day = start_s / DAY_S % DAYS, from_s = start_s % DAY_S;
		uint32_t room_s = DAY_S - from_s;
		uint32_t size_s = length_s < room_s ? length_s : room_s;

		insert(pieces, (struct piece){ day, from_s, from_s + size_s });
		start_s += size_s;
		length_s -= size_s;
	}
}

size_t schedule_windows(const struct schedule *schedule, int32_t utc_offset_s,
			struct window out[static WINDOWS_MAX])
{
	uint32_t length_s = schedule->to_s > schedule->from_s
				    ? schedule->to_s - schedule->from_s
				    : schedule->to_s + DAY_S - schedule->from_s;
	struct pieces pieces = { .count = 0 };
	size_t count = 0;

	for (uint32_t day = 0; day < DAYS; day++) {
		int64_t start_s =
			(int64_t)day * DAY_S + schedule->from_s - utc_offset_s;

		if (schedule->days & 1u << day)
			cut(&pieces, (uint32_t)((start_s + WEEK_S) % WEEK_S), length_s);
	}
	for (size_t i = 0; i < pieces.count; i++) {
		struct piece *piece = &pieces.list[i];
		size_t at = 0;

		while (at < count &&
		       (out[at].from_s != piece->from_s || out[at].to_s != piece->to_s))
			at++;
		if (at == count)
			out[count++] = (struct window){ 0, piece->from_s, piece->to_s };
		out[at].days |= (uint8_t)(1u << piece->day);
	}
	return count;
}
