/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/fault.h"

/* One error at a place of a text, rendered. */
static void expect(const char *source, uint32_t line, uint32_t column,
		   const char *wanted)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;

	faults_add(&faults, (struct position){ line, column }, "sentence");
	faults_render(&faults, "p.yml", source, source ? strlen(source) : 0, false,
		      &out);
	assert_string_equal(out.data, wanted);
}

static void shows_place_sentence_line_and_caret(void **state)
{
	(void)state;
	expect("one\ntwo: 3\nend", 2, 6,
	       "p.yml:2:6: error: sentence\n    two: 3\n         ^\n");
	expect("one\r\ntwo", 1, 1, "p.yml:1:1: error: sentence\n    one\n    ^\n");
	expect("one\r\ntwo", 2, 4, "p.yml:2:4: error: sentence\n    two\n       ^\n");
	expect("one", 1, 0, "p.yml:1: error: sentence\n    one\n");
}

static void leaves_out_what_is_not_there(void **state)
{
	(void)state;
	expect(NULL, 2, 6, "p.yml:2:6: error: sentence\n");
	expect("one\n", 0, 0, "p.yml: error: sentence\n");
	expect("one\n", 2, 1, "p.yml:2:1: error: sentence\n");
	expect("one\n", 99, 1, "p.yml:99:1: error: sentence\n");
	expect("one", 1, 4000000000u,
	       "p.yml:1:4000000000: error: sentence\n    one\n       ^\n");
}

static void counts_characters_and_not_bytes(void **state)
{
	(void)state;
	expect("größe: x", 1, 8,
	       "p.yml:1:8: error: sentence\n    größe: x\n           ^\n");
	expect("\xef\xbb\xbf"
	       "a: b",
	       1, 4, "p.yml:1:4: error: sentence\n    a: b\n       ^\n");
}

static void shows_nothing_that_moves_the_terminal(void **state)
{
	(void)state;
	expect("a\tb\033[1mc\x7f\xff\xc2\x9b", 1, 3,
	       "p.yml:1:3: error: sentence\n    a b?[1mc???\n      ^\n");
}

static void cuts_a_long_line_around_the_caret(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;
	char line[1001];
	const char *shown, *caret;

	(void)state;
	memset(line, 'a', 1000);
	line[1000] = '\0';
	line[499] = 'X';
	faults_add(&faults, (struct position){ 1, 500 }, "sentence");
	faults_render(&faults, "p", line, 1000, false, &out);
	shown = strchr(out.data, '\n') + 1;
	caret = strchr(shown, '\n') + 1;
	assert_memory_equal(shown, "    ...aaa", 10);
	assert_memory_equal(caret - 5, "a...\n", 5);
	assert_int_equal(caret - shown, 4 + 3 + 160 + 3 + 1);
	assert_int_equal(shown[strchr(caret, '^') - caret], 'X');
}

static void leaves_a_line_of_megabytes_out(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_buffer struct buffer source = BUFFER_NULL;

	(void)state;
	for (int i = 0; i < 300000; i++)
		buffer_text(&source, "a");
	faults_add(&faults, (struct position){ 1, 299999 }, "sentence");
	faults_render(&faults, "p", source.data, source.size_bytes, false, &out);
	assert_string_equal(out.data, "p:1:299999: error: sentence\n");
}

static void walks_back_when_faults_are_not_sorted(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;

	(void)state;
	faults_add(&faults, (struct position){ 3, 1 }, "x");
	faults_add(&faults, (struct position){ 1, 1 }, "y");
	faults_render(&faults, "p", "one\ntwo\nthree", 13, false, &out);
	assert_string_equal(out.data, "p:3:1: error: x\n    three\n    ^\n"
				      "p:1:1: error: y\n    one\n    ^\n");
}

static void colours_are_asked_for(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;

	(void)state;
	faults_add(&faults, (struct position){ 1, 1 }, "sentence");
	faults_warn(&faults, (struct position){ 1, 1 }, "other");
	faults_render(&faults, "p", "x", 1, true, &out);
	assert_non_null(strstr(out.data, "\033[1;31merror:"));
	assert_non_null(strstr(out.data, "\033[1;35mwarning:"));
	buffer_clear(&out);
	faults_render(&faults, "p", "x", 1, false, &out);
	assert_null(strchr(out.data, '\033'));
	assert_non_null(strstr(out.data, "p:1:1: warning: other\n"));
}

static void tells_how_many_are_left_out(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;

	(void)state;
	for (size_t i = 0; i < FAULTS_MAX + 2; i++)
		faults_add(&faults, (struct position){ 0, 0 }, "x");
	faults_render(&faults, "p\n", NULL, 0, false, &out);
	assert_non_null(strstr(out.data, "p?: 2 more not shown\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_place_sentence_line_and_caret),
		cmocka_unit_test(leaves_out_what_is_not_there),
		cmocka_unit_test(counts_characters_and_not_bytes),
		cmocka_unit_test(shows_nothing_that_moves_the_terminal),
		cmocka_unit_test(cuts_a_long_line_around_the_caret),
		cmocka_unit_test(leaves_a_line_of_megabytes_out),
		cmocka_unit_test(walks_back_when_faults_are_not_sorted),
		cmocka_unit_test(colours_are_asked_for),
		cmocka_unit_test(tells_how_many_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
