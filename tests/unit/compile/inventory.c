/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel holds, by its names. */
#include "tests/unit/compile/compiled.h"

#include "compile/inventory.h"

#define TAG "0123456789abcdef0123456789abcdef"

static void add_set(struct inventory *inventory, const char *name)
{
	assert_int_equal(inventory_add_name(inventory, &inventory->sets,
					    &inventory->set_count, name),
			 0);
}

static void add_chain(struct inventory *inventory, const char *name)
{
	assert_int_equal(inventory_add_name(inventory, &inventory->chains,
					    &inventory->chain_count, name),
			 0);
}

static void sorts_names_and_finds_the_tag(void **state)
{
	struct inventory inventory = { .table = true };

	(void)state;
	add_chain(&inventory, "output");
	add_chain(&inventory, "at." TAG);
	add_chain(&inventory, "input");
	inventory_finish(&inventory);
	assert_string_equal(inventory.chains[0], "at." TAG);
	assert_string_equal(inventory.chains[2], "output");
	assert_string_equal(inventory.tag, TAG);
	assert_true(inventory_has(inventory.chains, inventory.chain_count, "input"));
	assert_false(inventory_has(inventory.chains, inventory.chain_count, "inpu"));
	assert_false(inventory_has(inventory.sets, inventory.set_count, "input"));
	inventory_done(&inventory);
}

static void knows_no_tag_where_there_are_two(void **state)
{
	struct inventory inventory = { .table = true };

	(void)state;
	add_chain(&inventory, "at.a");
	add_chain(&inventory, "at.b");
	inventory_finish(&inventory);
	assert_string_equal(inventory.tag, "");
	inventory_done(&inventory);
}

static void finds_generations(void **state)
{
	static const char *const sets[] = { "f.bad.4.3",      "f.bad.6.5",
					    "f.bad.4.4.9",    "f.bader.4.8",
					    "s." TAG ".4.11", "c.x.50.4" };
	struct inventory inventory = { .table = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		add_set(&inventory, sets[i]);
	inventory_finish(&inventory);
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
		cmocka_unit_test(sorts_names_and_finds_the_tag),
		cmocka_unit_test(knows_no_tag_where_there_are_two),
		cmocka_unit_test(finds_generations),
		cmocka_unit_test(tells_what_an_image_leaves_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
