/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libnftables' JSON says of the table: man 5 libnftables-json. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "compile/inventory.h"
#include "compile/transition.h"

static const char *name_in(const json_t *object)
{
	const char *family = json_string_value(json_object_get(object, "family"));
	const char *table = json_string_value(json_object_get(object, "table"));

	if (!family || !table || strcmp(family, "inet") != 0 ||
	    strcmp(table, TABLE_NAME) != 0)
		return NULL;
	return json_string_value(json_object_get(object, "name"));
}

static int add_set(struct inventory *inventory, const char *name)
{
	/* Anonymous ones belong to their rule. */
	if (strncmp(name, "__set", 5) == 0 || strncmp(name, "__map", 5) == 0)
		return 0;
	return inventory_add_name(inventory, &inventory->sets, &inventory->set_count,
				  name);
}

/* One object of the listing, {"KIND": {...}}. */
static int add_object(struct inventory *inventory, const char *kind,
		      const json_t *object)
{
	const char *name;

	if (strcmp(kind, "table") == 0) {
		name = json_string_value(json_object_get(object, "name"));
		inventory->table |= name && strcmp(name, TABLE_NAME) == 0;
		return 0;
	}
	name = name_in(object);
	if (strcmp(kind, "rule") == 0 || strcmp(kind, "metainfo") == 0)
		return 0;
	if (!name)
		return -EINVAL;
	if (strcmp(kind, "chain") == 0)
		return inventory_add_name(inventory, &inventory->chains,
					  &inventory->chain_count, name);
	if (strcmp(kind, "set") == 0 || strcmp(kind, "map") == 0)
		return add_set(inventory, name);
	if (strcmp(kind, "counter") == 0)
		return inventory_add_name(inventory, &inventory->counters,
					  &inventory->counter_count, name);
	return 0;
}

static int add_all(struct inventory *inventory, json_t *list)
{
	json_t *item, *object;
	const char *kind;
	size_t i;
	int r;

	if (!json_is_array(list))
		return -EINVAL;
	json_array_foreach(list, i, item)
	{
		json_object_foreach(item, kind, object)
		{
			r = add_object(inventory, kind, object);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int inventory_of_listing(const char *json, size_t size_bytes, struct inventory *ret)
{
	json_t *root = json_loadb(json, size_bytes, 0, NULL);
	struct inventory inventory = { 0 };
	int r;

	if (!root)
		return -EINVAL;
	r = add_all(&inventory, json_object_get(root, "nftables"));
	json_decref(root);
	if (r < 0) {
		inventory_done(&inventory);
		return r;
	}
	inventory_finish(&inventory);
	*ret = inventory;
	return 0;
}
