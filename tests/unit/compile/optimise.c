/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compiling.h"

enum { MANY = 10000 };

#define HEAD "version: 1\nzones: { wan: t0, lan: t1 }\nrules:\n"

static struct compiled compile(const char *text, bool plain)
{
	struct compiled compiled = { .policy = read_good(text) };
	struct numbering *numbering = numbering_new();

	compiled.image = compile_input(&(struct compile_input){
		.policy = compiled.policy,
		.feeds = compiled.feeds,
		.feed_generations = compiled.generations,
		.numbering = numbering,
		.plain = plain,
	});
	numbering_free(numbering);
	return compiled;
}

/* Statements in one chain that hold @words. */
static size_t count_rules(const struct image *image, const char *chain,
			  const char *words)
{
	auto_free char *copy = strdup(image->rules);
	char *rest = copy, *line, start[64];
	size_t count = 0;

	assert_non_null(copy);
	snprintf(start, sizeof(start), "add rule inet vigil %s ", chain);
	while ((line = strsep(&rest, "\n")))
		count +=
			strncmp(line, start, strlen(start)) == 0 && strstr(line, words);
	return count;
}

static size_t count_words(const char *text, const char *words)
{
	size_t count = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		count++;
	}
	return count;
}

static void write_hosts(struct buffer *out)
{
	buffer_text(out, HEAD);
	for (int i = 0; i < MANY; i++)
		buffer_printf(out,
			      "  - { id: r%d, from: { zone: wan, address: 10.0.%d.%d "
			      "}, to: host, %s: { tcp: %d } }\n",
			      i, i >> 8, i & 255, i % 3 ? "allow" : "drop",
			      1000 + i % 50);
}

static void ten_thousand_rules_become_one_lookup(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_compiled struct compiled plain = { 0 }, optimised = { 0 };

	(void)state;
	write_hosts(&text);
	plain = compile(text.data, true);
	optimised = compile(text.data, false);
	/* The last statement is the default's. */
	assert_int_equal(count_rules(plain.image, "in.wan", ""), MANY + 1);
	assert_int_equal(count_rules(optimised.image, "in.wan", ""), 2);
	assert_int_equal(count_rules(optimised.image, "in.wan", "vmap"), 1);
	assert_int_equal(count_words(optimised.image->rules, " : goto r."), MANY);
}

/* No two of them can match the same packet, so that all may change places. */
static void rules_of_several_kinds_become_a_lookup_each(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;
	auto_compiled struct compiled optimised = { 0 };

	(void)state;
	buffer_text(&text, HEAD);
	for (int i = 0; i < MANY / 4; i++) {
		buffer_printf(&text,
			      "  - { id: a%d, from: lan, to: { zone: wan, address: "
			      "10.0.%d.%d }, allow: { udp: 53 } }\n",
			      i, i >> 8, i & 255);
		buffer_printf(&text,
			      "  - { id: b%d, from: lan, to: { zone: wan, address: "
			      "\"2001:db8::%x\" }, drop: { udp: 53 } }\n",
			      i, i);
		buffer_printf(&text,
			      "  - { id: c%d, from: { zone: lan, address: 10.1.%d.%d "
			      "}, to: { zone: wan, address: 10.2.%d.%d }, reject: { "
			      "protocol: 47 } "
			      "}\n",
			      i, i >> 8, i & 255, i >> 8, i & 255);
		buffer_printf(
			&text,
			"  - { id: d%d, from: lan, to: wan, allow: { tcp: %d } }\n", i,
			10000 + i);
	}
	optimised = compile(text.data, false);
	assert_int_equal(count_rules(optimised.image, "fwd.lan.TO.wan", ""), 5);
}

static void ports_of_one_end_become_one_lookup(void **state)
{
	auto_compiled struct compiled made = compile(
		HEAD "  - { id: a, from: wan, to: host, allow: { tcp: 22 } }\n"
		     "  - { id: b, from: wan, to: host, drop: { tcp: 23 } }\n"
		     "  - { id: c, from: wan, to: host, allow: { udp: [53, 123] } }\n",
		false);

	(void)state;
	assert_int_equal(count_rules(made.image, "in.wan", ""), 2);
	assert_non_null(
		strstr(made.image->rules,
		       "meta l4proto . th dport vmap { 6 . 22 : goto r.1, 6 . 23 : "
		       "goto r.2, 17 . 53 : goto r.3, 17 . 123 : goto r.3 }"));
}

static size_t place_of(const struct image *image, const char *words)
{
	const char *found = strstr(image->rules, words);

	if (!found)
		fail_msg("\"%s\" is not in: %s", words, image->rules);
	return (size_t)(found - image->rules);
}

/* The second rule stands between two that could else share a look-up. */
static void no_rule_passes_one_that_it_overlaps(void **state)
{
	auto_compiled struct compiled made =
		compile(HEAD "  - { id: a, from: { zone: wan, address: 10.0.0.1 }, "
			     "to: host, allow: all }\n"
			     "  - { id: b, from: wan, to: host, drop: { tcp: 22 } }\n"
			     "  - { id: c, from: { zone: wan, address: 10.0.0.2 }, "
			     "to: host, allow: all }\n",
			false);

	(void)state;
	assert_true(place_of(made.image, "saddr 10.0.0.1 goto r.1") <
		    place_of(made.image, "dport 22 goto r.2"));
	assert_true(place_of(made.image, "dport 22 goto r.2") <
		    place_of(made.image, "saddr 10.0.0.2 goto r.3"));
}

static void what_an_earlier_rule_took_is_left_out_of_a_lookup(void **state)
{
	auto_compiled struct compiled made = compile(
		HEAD "  - { id: a, from: wan, to: host, allow: { tcp: 22-23 } }\n"
		     "  - { id: b, from: wan, to: host, drop: { tcp: 20-30 } }\n",
		false);

	(void)state;
	assert_int_equal(count_rules(made.image, "in.wan", ""), 2);
	place_of(made.image, "6 . 22-23 : goto r.");
	place_of(made.image, "6 . 20-21 : goto r.");
	place_of(made.image, "6 . 24-30 : goto r.");
	assert_null(strstr(made.image->rules, "20-30"));
}

static void compiling_twice_gives_the_same_bytes(void **state)
{
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	write_hosts(&text);
	for (int plain = 0; plain < 2; plain++) {
		auto_compiled struct compiled a = compile(text.data, plain);
		auto_compiled struct compiled b = compile(text.data, plain);
		auto_buffer struct buffer first = BUFFER_NULL, second = BUFFER_NULL;

		transition_script(a.image, &first);
		transition_script(b.image, &second);
		assert_string_equal(first.data, second.data);
		assert_string_equal(a.image->tag, b.image->tag);
		assert_string_equal(a.image->script_tag, b.image->script_tag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_rules_become_one_lookup),
		cmocka_unit_test(rules_of_several_kinds_become_a_lookup_each),
		cmocka_unit_test(ports_of_one_end_become_one_lookup),
		cmocka_unit_test(no_rule_passes_one_that_it_overlaps),
		cmocka_unit_test(what_an_earlier_rule_took_is_left_out_of_a_lookup),
		cmocka_unit_test(compiling_twice_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
