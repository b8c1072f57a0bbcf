/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel holds, by its names. */
#include "tests/unit/compile/compiled.h"

#include <errno.h>

#define TAG "0123456789abcdef0123456789abcdef"
#define TABLE "{\"table\": {\"family\": \"inet\", \"name\": \"vigil\", \"handle\": 1}}"
#define OBJECT(kind, name)                                                             \
	"{\"" kind                                                                     \
	"\": {\"family\": \"inet\", \"table\": \"vigil\", \"name\": \"" name "\"}}"
#define LISTING(...) "{\"nftables\": [" __VA_ARGS__ "]}"

static int read_listing(const char *json, struct inventory *ret)
{
	return inventory_of_listing(json, strlen(json), ret);
}

static void reads_a_listing(void **state)
{
	struct inventory inventory;

	(void)state;
	assert_int_equal(
		read_listing(
			LISTING("{\"metainfo\": {\"version\": \"1.0.6\"}},", TABLE, ",",
				OBJECT("counter", "n.z"), ",", OBJECT("counter", "n.a"),
				",", OBJECT("set", "f.bad.4.3"), ",",
				OBJECT("map", "m"), ",", OBJECT("set", "__set0"), ",",
				OBJECT("map", "__map12"), ",", OBJECT("chain", "input"),
				",", OBJECT("chain", "at." TAG), ",",
				"{\"rule\": {\"family\": \"inet\", \"table\": "
				"\"vigil\", \"chain\": \"input\"}}"),
			&inventory),
		0);
	assert_true(inventory.table);
	assert_int_equal(inventory.counter_count, 2);
	assert_string_equal(inventory.counters[0], "n.a");
	assert_int_equal(inventory.set_count, 2);
	assert_string_equal(inventory.sets[0], "f.bad.4.3");
	assert_int_equal(inventory.chain_count, 2);
	assert_string_equal(inventory.tag, TAG);
	inventory_done(&inventory);
}

static void reads_an_empty_listing(void **state)
{
	struct inventory inventory;

	(void)state;
	assert_int_equal(read_listing(LISTING(""), &inventory), 0);
	assert_false(inventory.table);
	inventory_done(&inventory);
}

static void knows_no_tag_where_there_are_two(void **state)
{
	struct inventory inventory;

	(void)state;
	assert_int_equal(read_listing(LISTING(TABLE, ",", OBJECT("chain", "at.a"), ",",
					      OBJECT("chain", "at.b")),
				      &inventory),
			 0);
	assert_string_equal(inventory.tag, "");
	inventory_done(&inventory);
}

static void refuses_what_is_no_listing(void **state)
{
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"nftables\": {}}",
		LISTING("{\"chain\": {\"family\": \"inet\", \"table\": \"vigil\"}}"),
		LISTING("{\"set\": {\"family\": \"inet\", \"table\": \"vigil\", "
			"\"name\": 7}}"),
		LISTING("{\"chain\": {\"family\": \"ip\", \"table\": \"vigil\", "
			"\"name\": \"x\"}}"),
		LISTING("{\"chain\": 1}"),
	};
	struct inventory inventory;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(read_listing(broken[i], &inventory), -EINVAL);
}

static void finds_generations(void **state)
{
	struct inventory inventory;

	(void)state;
	assert_int_equal(read_listing(LISTING(TABLE, ",", OBJECT("set", "f.bad.4.3"),
					      ",", OBJECT("set", "f.bad.6.5"), ",",
					      OBJECT("set", "f.bad.4.4.9"), ",",
					      OBJECT("set", "f.bader.4.8"), ",",
					      OBJECT("set", "s." TAG ".4.11"), ",",
					      OBJECT("set", "c.x.50.4")),
				      &inventory),
			 0);
	assert_int_equal(inventory_feed_generation(&inventory, "bad"), 5);
	assert_int_equal(inventory_feed_generation(&inventory, "bad.4"), 9);
	assert_int_equal(inventory_feed_generation(&inventory, "other"), 0);
	assert_int_equal(inventory_free_generation(&inventory), 12);
	inventory_done(&inventory);
}

static void tells_what_an_image_leaves_behind(void **state)
{
	auto_compiled struct compiled it = { 0 };
	struct inventory inventory;

	(void)state;
	compiled_make(&it, "version: 1\nfeeds: { bad: { file: x } }\nban: bad\n"
			   "rules: [ { id: a, from: any, to: host, allow: ssh, "
			   "connections: { max: 3 } } ]\n");
	assert_int_equal(inventory_of_image(it.image, &inventory), 0);
	assert_true(inventory.table);
	assert_string_equal(inventory.tag, it.image->tag);
	assert_int_equal(inventory.set_count, 4);
	assert_string_equal(inventory.sets[0], "c.a.3.4");
	assert_int_equal(inventory.chain_count, it.image->chains.count + 1);
	assert_int_equal(inventory.counter_count, it.image->counters.count);
	inventory_done(&inventory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_listing),
		cmocka_unit_test(reads_an_empty_listing),
		cmocka_unit_test(knows_no_tag_where_there_are_two),
		cmocka_unit_test(refuses_what_is_no_listing),
		cmocka_unit_test(finds_generations),
		cmocka_unit_test(tells_what_an_image_leaves_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
