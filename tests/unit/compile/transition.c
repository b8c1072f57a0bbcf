/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans are carried out on a model of the table, which is as strict as the kernel about
 * what is there and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/inventory.h"
#include "compiling.h"
#include "helper/gate.h"
#include "helper/wire.h"

enum { NAMES_MAX = 512, NAME_BYTES = 128 };

struct table {
	bool there;
	size_t rules;
	size_t count;
	size_t elements_loaded;            /* ranges in blocks that add */
	char names[NAMES_MAX][NAME_BYTES]; /* "set NAME", "chain NAME", ... */
	bool filled[NAMES_MAX];
};

static size_t table_find(const struct table *table, const char *name)
{
	size_t i = 0;

	while (i < table->count && strcmp(table->names[i], name) != 0)
		i++;
	return i;
}

static bool table_has(const struct table *table, const char *name)
{
	return table_find(table, name) < table->count;
}

static void table_add(struct table *table, const char *name)
{
	if (table_has(table, name))
		return;
	assert_true(table->there && table->count < NAMES_MAX);
	table->filled[table->count] = false;
	snprintf(table->names[table->count++], NAME_BYTES, "%s", name);
}

static void table_delete(struct table *table, const char *name)
{
	size_t i = table_find(table, name);

	if (i == table->count)
		fail_msg("%s is deleted and is not there", name);
	table->count--;
	memmove(table->names[i], table->names[table->count], NAME_BYTES);
	table->filled[i] = table->filled[table->count];
}

/* One statement, which is cut into its words. */
static void table_run(struct table *table, char *line)
{
	const char *verb = strsep(&line, " "), *kind = strsep(&line, " ");
	char name[NAME_BYTES];

	strsep(&line, " ");
	strsep(&line, " ");
	if (strcmp(kind, "table") == 0) {
		assert_true(table->there || strcmp(verb, "add") == 0);
		table->there = true;
		if (strcmp(verb, "flush") == 0)
			table->rules = 0;
		return;
	}
	assert_true(table->there);
	snprintf(name, sizeof(name), "%s %s",
		 strcmp(kind, "rule") == 0 ? "chain" : kind, strsep(&line, " "));
	if (strcmp(kind, "rule") == 0) {
		assert_true(table_has(table, name));
		table->rules++;
	} else if (strcmp(verb, "add") == 0) {
		table_add(table, name);
	} else {
		table_delete(table, name);
	}
}

static void table_run_script(struct table *table, const struct step *step)
{
	auto_free char *copy = strdup(step->data);
	struct helper_reply reply = { .line = 0 };
	char *rest = copy, *line;

	assert_non_null(copy);
	assert_int_equal(strlen(step->data), step->size_bytes);
	if (gate_check(step->data, &reply) < 0)
		fail_msg("line %u: %s", reply.line, reply.text);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			table_run(table, line);
}

/* @anew: only sets that hold nothing may be filled. */
static void table_fill(struct table *table, const char *name, bool anew)
{
	size_t i = table_find(table, name);

	if (i == table->count || (anew && table->filled[i]))
		fail_msg("%s is filled and is not there, or twice", name);
	table->filled[i] = true;
}

static void table_run_block(struct table *table, const struct helper_block *block,
			    bool anew)
{
	char name[NAME_BYTES];
	bool tag = block->key_bytes == 0;

	snprintf(name, sizeof(name), tag ? "chain at.%.40s" : "set %.99s", block->set);
	if (!tag)
		table_fill(table, name, anew);
	if (block->op == HELPER_ADD)
		table->elements_loaded += block->count;
	else if (block->op == HELPER_TAG_ADD)
		table_add(table, name);
	else if (block->op == HELPER_TAG_DELETE)
		table_delete(table, name);
}

static void table_run_elements(struct table *table, const struct step *step)
{
	size_t at = 0, bytes;

	while (at < step->size_bytes) {
		bytes = wire_block_check(step->data + at, step->size_bytes - at);
		assert_int_not_equal(bytes, 0);
		table_run_block(table, (const void *)(step->data + at), !step->atomic);
		at += bytes;
	}
}

static void table_run_step(struct table *table, const struct step *step)
{
	if (step->kind == STEP_SCRIPT)
		table_run_script(table, step);
	else
		table_run_elements(table, step);
}

static void add_name(struct inventory *inventory, const char *name)
{
	const char *bare = strchr(name, ' ') + 1;
	int error;

	if (*name == 'c' && name[1] == 'h')
		error = inventory_add_name(inventory, &inventory->chains,
					   &inventory->chain_count, bare);
	else if (*name == 's')
		error = inventory_add_name(inventory, &inventory->sets,
					   &inventory->set_count, bare);
	else
		error = inventory_add_name(inventory, &inventory->counters,
					   &inventory->counter_count, bare);
	assert_int_equal(error, 0);
}

static struct inventory inventory_of_table(const struct table *table)
{
	struct inventory inventory = { .table = table->there };

	for (size_t i = 0; i < table->count; i++)
		add_name(&inventory, table->names[i]);
	inventory_finish(&inventory);
	return inventory;
}

#define auto_inventory __attribute__((cleanup(inventory_done)))

static void expect_names(const char *const *names, size_t count,
			 const char *const *wanted, size_t wanted_count)
{
	assert_int_equal(count, wanted_count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(names[i], wanted[i]);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static void expect_image(const struct table *table, const struct image *image)
{
	auto_inventory struct inventory is = inventory_of_table(table);
	auto_inventory struct inventory wanted = { .table = false };

	assert_int_equal(inventory_of_image(image, &wanted), 0);
	assert_true(is.table);
	assert_string_equal(is.tag, image->tag);
	assert_int_equal(table->rules, count_lines(image->rules));
	expect_names(is.chains, is.chain_count, wanted.chains, wanted.chain_count);
	expect_names(is.sets, is.set_count, wanted.sets, wanted.set_count);
	expect_names(is.counters, is.counter_count, wanted.counters,
		     wanted.counter_count);
}

static int plan(const struct table *table, const struct image *committed,
		const struct image *wanted, struct transition *ret)
{
	auto_inventory struct inventory inventory = inventory_of_table(table);

	return transition_plan(committed, &inventory, wanted, ret);
}

#define auto_transition __attribute__((cleanup(transition_done)))

/* Plan, check what holds of all plans, and carry it out. */
static void go(struct table *table, const struct image *committed,
	       const struct image *wanted)
{
	auto_transition struct transition made = { .step_count = 0 };

	assert_int_equal(plan(table, committed, wanted, &made), 0);
	assert_int_equal(made.rules_changed,
			 made.step_count > 0 &&
				 made.steps[made.step_count - 1].kind == STEP_SCRIPT);
	table->elements_loaded = 0;
	for (size_t i = 0; i < made.step_count; i++)
		table_run_step(table, &made.steps[i]);
	assert_int_equal(table->elements_loaded, made.elements_added);
	expect_image(table, wanted);
}

#define HEAD "version: 1\nzones: { wan: t0, lan: t1 }\n"
#define LONG(net)                                                                      \
	"groups: { g: [" net ".1, " net ".3, " net ".5, " net ".7, " net ".9, " net    \
	".11, " net ".13, " net ".15, " net ".17, " net ".19, " net ".21, " net        \
	".23, " net ".25, " net ".27, " net ".29, " net ".31, " net ".33, " net        \
	".35] }\n"
#define USE_GROUP                                                                      \
	"rules: [{ id: g, from: { zone: wan, group: g }, to: host, allow: all }]\n"

static const char smallest[] = "version: 1\n";
static const char feed_policy[] = HEAD "feeds: { bad: { file: bad } }\nban: bad\n";
static const char feed_and_rule[] =
	HEAD "feeds: { bad: { file: bad } }\nban: bad\n"
	     "rules: [{ id: a, from: any, to: host, allow: ssh }]\n";
static const char group_one[] = HEAD LONG("10.0.0") USE_GROUP;
static const char group_two[] = HEAD LONG("10.0.1") USE_GROUP;
#define LIMITED                                                                        \
	"rules: [{ id: l, from: any, to: host, allow: ssh, "                           \
	"limit: { rate: 5/minute }, connections: { max: 3 } }]\n"

static const char limited[] = HEAD LIMITED;
static const char limited_open[] = HEAD "defaults: { forward: allow }\n" LIMITED;

struct step_wish {
	enum step_kind kind;
	bool atomic;
};

static void expect_steps(const struct transition *made, const struct step_wish *wanted,
			 size_t count)
{
	assert_int_equal(made->step_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(made->steps[i].kind, wanted[i].kind);
		assert_int_equal(made->steps[i].atomic, wanted[i].atomic);
	}
}

static void equal_tags_need_no_step(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(feed_policy, "10.0.0.1", 1, n);
	auto_compiled struct compiled b = compile_text(feed_policy, "10.0.0.1", 1, n);
	auto_transition struct transition made = { .step_count = 9 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	expect_steps(&made, NULL, 0);
	assert_false(made.rules_changed);
	assert_null(made.undo.data);
	made.step_count = 9;
	assert_int_equal(plan(&table, NULL, b.image, &made), 0);
	expect_steps(&made, NULL, 0);
}

static void a_feed_alone_changes_in_one_atomic_step(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a =
		compile_text(feed_policy, "10.0.0.1 10.0.0.3", 1, n);
	auto_compiled struct compiled b =
		compile_text(feed_policy, "10.0.0.3 10.0.0.5 2001:db8::/32", 1, n);
	static const struct step_wish wanted[] = { { STEP_ELEMENTS, true } };
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	assert_string_equal(a.image->script_tag, b.image->script_tag);
	assert_string_not_equal(a.image->tag, b.image->tag);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	expect_steps(&made, wanted, 1);
	assert_int_equal(made.elements_added, 2);
	assert_int_equal(made.elements_deleted, 1);
	assert_false(made.rules_changed);
	go(&table, a.image, b.image);
	go(&table, b.image, a.image);
}

static void the_first_policy_is_prepared_filled_and_swapped_in(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a =
		compile_text(feed_policy, "10.0.0.1 2001:db8::/32", 1, n);
	static const struct step_wish wanted[] = { { STEP_SCRIPT, true },
						   { STEP_ELEMENTS, false },
						   { STEP_SCRIPT, true } };
	auto_transition struct transition made = { .step_count = 0 };
	auto_buffer struct buffer script = BUFFER_NULL;
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	assert_int_equal(plan(&table, NULL, a.image, &made), 0);
	expect_steps(&made, wanted, 3);
	assert_int_equal(made.elements_added, 2);
	transition_script(a.image, &script);
	assert_string_equal(made.steps[2].data, script.data);
	table_run_step(&table, &made.steps[0]);
	assert_true(table_has(&table, "set f.bad.4.1"));
	assert_false(table_has(&table, "chain input"));
	table_run_step(&table, &made.steps[1]);
	table_run_step(&table, &made.steps[2]);
	expect_image(&table, a.image);
}

static void without_new_sets_the_swap_is_the_one_step(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(feed_policy, "10.0.0.1", 1, n);
	auto_compiled struct compiled b = compile_text(feed_and_rule, "10.0.0.1", 1, n);
	static const struct step_wish wanted[] = { { STEP_SCRIPT, true } };
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	expect_steps(&made, wanted, 1);
	assert_int_equal(made.elements_added, 0);
	assert_true(made.rules_changed);
	assert_int_equal(made.undo.size_bytes, 0);
	go(&table, a.image, b.image);
}

/* What packets count stays when a policy changes. */
static void counters_and_limits_that_stay_are_left_alone(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(limited, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(smallest, NULL, 0, n);
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, b.image);
	go(&table, b.image, a.image);
	assert_true(table_has(&table, "counter n.l.over"));
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	assert_null(strstr(made.steps[0].data, "add counter"));
	assert_null(strstr(made.steps[0].data, "counter inet vigil n.default"));
	assert_non_null(
		strstr(made.steps[0].data, "delete counter inet vigil n.l.over\n"));
	assert_non_null(strstr(made.steps[0].data, "delete set inet vigil "));
	/* Their policies may be others. */
	assert_non_null(strstr(made.steps[0].data, "add chain inet vigil input {"));
	go(&table, a.image, b.image);
}

static void limits_remember_over_a_change_elsewhere(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(limited, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(limited_open, NULL, 0, n);
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	assert_int_equal(made.step_count, 1);
	assert_null(strstr(made.steps[0].data, "add set"));
	assert_null(strstr(made.steps[0].data, "delete set"));
}

static void an_unchanged_group_is_not_loaded_again(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(group_one, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(
		HEAD LONG("10.0.0") "defaults: { output: drop }\n" USE_GROUP, NULL, 0,
		n);
	auto_compiled struct compiled c = compile_text(group_two, NULL, 0, n);
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(table.elements_loaded, 18);
	go(&table, a.image, b.image);
	assert_int_equal(table.elements_loaded, 0);
	go(&table, b.image, c.image);
	assert_int_equal(table.elements_loaded, 18);
}

static void sets_of_a_preparation_that_was_cut_short_are_made_anew(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(smallest, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(group_one, NULL, 0, n);
	auto_compiled struct compiled c = compile_text(group_two, NULL, 0, n);
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	table_run_step(&table, &made.steps[0]);
	table_run_step(&table, &made.steps[1]);
	/* The same again fills it whole; another one throws it away. */
	go(&table, a.image, b.image);
	assert_int_equal(table.elements_loaded, 18);
	go(&table, b.image, a.image);
	table_run_step(&table, &made.steps[0]);
	go(&table, a.image, c.image);
}

static void undo_takes_away_what_was_prepared(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(group_one, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(feed_policy, "10.0.0.1", 1, n);
	auto_transition struct transition made = { .step_count = 0 };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	assert_int_equal(plan(&table, a.image, b.image, &made), 0);
	assert_int_equal(made.step_count, 3);
	table_run_step(&table, &made.steps[0]);
	table_run_step(&table, &made.steps[1]);
	assert_true(table_has(&table, "set f.bad.4.1"));
	assert_int_equal(made.undo.kind, STEP_SCRIPT);
	table_run_step(&table, &made.undo);
	expect_image(&table, a.image);
}

static void leftovers_nobody_knows_are_deleted(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(smallest, NULL, 0, n);
	auto_compiled struct compiled b = compile_text(group_one, NULL, 0, n);
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	table_add(&table, "set f.old.4.7");
	table_add(&table, "chain mine");
	table_add(&table, "counter n.gone");
	go(&table, a.image, b.image);
}

static void a_table_of_several_tags_is_swapped_whole(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(smallest, NULL, 0, n);
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	table_add(&table, "chain at.0123456789abcdef0123456789abcdef");
	go(&table, a.image, a.image);
}

static void unknown_contents_are_not_built_upon(void **state)
{
	struct numbering *n = numbering_new();
	auto_compiled struct compiled a = compile_text(feed_policy, "10.0.0.1", 1, n);
	auto_compiled struct compiled b = compile_text(feed_policy, "10.0.0.2", 1, n);
	auto_compiled struct compiled c = compile_text(feed_and_rule, "10.0.0.2", 1, n);
	auto_compiled struct compiled d = compile_text(feed_and_rule, "10.0.0.2", 2, n);
	auto_transition struct transition made = { .step_count = 0 };
	auto_inventory struct inventory inventory = { .table = false };
	struct table table = { .there = false };

	(void)state;
	numbering_free(n);
	go(&table, NULL, a.image);
	/* Nobody knows what the set holds, or somebody else has changed it. */
	assert_int_equal(plan(&table, NULL, b.image, &made), -EUCLEAN);
	assert_int_equal(plan(&table, b.image, c.image, &made), -EUCLEAN);
	/* It is known, in use, and would have to change with the rules. */
	assert_int_equal(plan(&table, a.image, c.image, &made), -EUCLEAN);
	assert_int_equal(made.step_count, 0);
	inventory = inventory_of_table(&table);
	assert_int_equal(inventory_feed_generation(&inventory, "bad"), 1);
	assert_int_equal(inventory_free_generation(&inventory), 2);
	go(&table, NULL, d.image);
}

static void generations_are_read_from_names(void **state)
{
	auto_inventory struct inventory inventory = { .table = true };
	static const char *const names[] = {
		"set f.bad.4.30",          "set f.bad.6.12",
		"set f.bad.4.99999999999", "set f.bad.x.77",
		"set f.bad.4.78x",         "set f.badder.4.40",
		"set f.bad.4.x.50",        "set s.00112233.4.41",
		"set l.bad.4.90",          "set f.a.b.4.5",
		"set c.00112233.4.4000000"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_name(&inventory, names[i]);
	inventory_finish(&inventory);
	assert_int_equal(inventory_feed_generation(&inventory, "bad"), 30);
	assert_int_equal(inventory_feed_generation(&inventory, "badder"), 40);
	assert_int_equal(inventory_feed_generation(&inventory, "a.b"), 5);
	assert_int_equal(inventory_feed_generation(&inventory, "a"), 0);
	assert_int_equal(inventory_feed_generation(&inventory, "none"), 0);
	assert_true(inventory_free_generation(&inventory) > 77);
	assert_true(inventory_free_generation(&inventory) < 90);
}

static void any_policy_follows_any_other(void **state)
{
	static const char *const texts[] = { smallest,  feed_policy, feed_and_rule,
					     group_one, group_two,   limited };
	struct compiled all[ARRAY_SIZE(texts)];
	struct numbering *n = numbering_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		all[i] = compile_text(texts[i], "10.0.0.1 2001:db8::/32", 1, n);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
			struct table table = { .there = false };

			go(&table, NULL, all[i].image);
			go(&table, all[i].image, all[j].image);
			go(&table, all[j].image, all[i].image);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		compiled_done(&all[i]);
	numbering_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_tags_need_no_step),
		cmocka_unit_test(a_feed_alone_changes_in_one_atomic_step),
		cmocka_unit_test(the_first_policy_is_prepared_filled_and_swapped_in),
		cmocka_unit_test(without_new_sets_the_swap_is_the_one_step),
		cmocka_unit_test(counters_and_limits_that_stay_are_left_alone),
		cmocka_unit_test(limits_remember_over_a_change_elsewhere),
		cmocka_unit_test(an_unchanged_group_is_not_loaded_again),
		cmocka_unit_test(
			sets_of_a_preparation_that_was_cut_short_are_made_anew),
		cmocka_unit_test(undo_takes_away_what_was_prepared),
		cmocka_unit_test(leftovers_nobody_knows_are_deleted),
		cmocka_unit_test(a_table_of_several_tags_is_swapped_whole),
		cmocka_unit_test(unknown_contents_are_not_built_upon),
		cmocka_unit_test(generations_are_read_from_names),
		cmocka_unit_test(any_policy_follows_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
