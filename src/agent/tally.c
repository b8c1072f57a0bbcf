/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dump.h"
#include "base/cleanup.h"
#include "compile/compile.h"
#include "observe/decode.h"
#include "store/store.h"

enum { NAMES_MAX = 200000 };

struct reading {
	struct tally *tally;
	int error; /* of keeping what was read */
};

/* Room for one more, by doubling. */
static int grow(void *list, size_t count, size_t item_bytes)
{
	void **array = list, *grown;

	if (count >= NAMES_MAX)
		return -E2BIG;
	if (count & (count - 1) || count == 1)
		return 0;
	grown = realloc(*array, (count ? count * 2 : 2) * item_bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

static void on_counter(const struct counter *counter, void *context)
{
	struct reading *reading = context;
	struct tally *tally = reading->tally;
	int error =
		grow(&tally->counters, tally->counter_count, sizeof(*tally->counters));
	char *name = error ? NULL : strdup(counter->name);

	if (!name) {
		reading->error = error ? error : -ENOMEM;
		return;
	}
	tally->counters[tally->counter_count++] = (struct tally_counter){
		.name = name,
		.known = true,
		.packets = counter->packets,
		.bytes = counter->bytes,
	};
}

static struct decode_summary decode(const void *data, size_t size_bytes, void *context)
{
	return decode_counters(data, size_bytes, on_counter, context);
}

static int compare_counters(const void *a, const void *b)
{
	const struct tally_counter *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int tally_counters(struct tally *tally, int helper)
{
	struct reading reading = { .tally = tally };
	int error = dump_read(helper, HELPER_DUMP_COUNTERS, decode, &reading, NULL);

	if (!error)
		error = reading.error;
	if (tally->counter_count > 1)
		qsort(tally->counters, tally->counter_count, sizeof(*tally->counters),
		      compare_counters);
	return error;
}

static int on_rule(const struct store_rule *rule, void *context)
{
	struct tally *tally = context;
	int error = grow(&tally->flows, tally->flow_count, sizeof(*tally->flows));
	char *id = error ? NULL : strdup(rule->id);

	if (!id)
		return error ? error : -ENOMEM;
	tally->flows[tally->flow_count++] = (struct tally_flow){
		.id = id,
		.flows = rule->flows,
		.last_minute = rule->last_minute,
	};
	return 0;
}

static int compare_flows(const void *a, const void *b)
{
	const struct tally_flow *x = a, *y = b;

	return strcmp(x->id, y->id);
}

int tally_flows(struct tally *tally, const char *database)
{
	char why[256];
	int error = store_rules(database, on_rule, tally, why);

	tally->flows_known = error == 0;
	if (tally->flow_count > 1)
		qsort(tally->flows, tally->flow_count, sizeof(*tally->flows),
		      compare_flows);
	return error;
}

struct tally_counter tally_counter(const struct tally *tally, const char *id,
				   const char *suffix)
{
	auto_free char *name = NULL;
	struct tally_counter key = { 0 }, *found = NULL;

	if (asprintf(&name, COUNTER_PREFIX "%s%s", id, suffix) < 0)
		name = NULL;
	key.name = name;
	if (name && tally->counter_count > 0)
		found = bsearch(&key, tally->counters, tally->counter_count,
				sizeof(key), compare_counters);
	return found ? *found : (struct tally_counter){ 0 };
}

struct tally_flow tally_flow(const struct tally *tally, const char *id)
{
	char *name = strdup(id);
	struct tally_flow key = { .id = name }, *found = NULL;

	if (name && tally->flow_count > 0)
		found = bsearch(&key, tally->flows, tally->flow_count, sizeof(key),
				compare_flows);
	free(name);
	return found ? *found : (struct tally_flow){ 0 };
}

void tally_done(struct tally *tally)
{
	for (size_t i = 0; i < tally->counter_count; i++)
		free(tally->counters[i].name);
	for (size_t i = 0; i < tally->flow_count; i++)
		free(tally->flows[i].id);
	free(tally->counters);
	free(tally->flows);
	*tally = (struct tally){ 0 };
}
