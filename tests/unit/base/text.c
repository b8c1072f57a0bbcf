/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/text.h"

static void expect_character(const char *text, size_t size, uint32_t wanted)
{
	uint32_t character = 0;

	assert_int_equal(text_decode(text, strlen(text), &character), size);
	assert_int_equal(character, wanted);
}

static void decodes_utf8(void **state)
{
	uint32_t character;

	(void)state;
	expect_character("a", 1, 'a');
	expect_character("ü", 2, 0xfc);
	expect_character("€", 3, 0x20ac);
	expect_character("\xf0\x9f\x94\xa5", 4, 0x1f525);
	expect_character("\xef\xbf\xbd", 3, 0xfffd);
	assert_int_equal(text_decode("", 0, &character), 0);
}

static void a_bad_byte_is_one_character(void **state)
{
	(void)state;
	expect_character("\x80", 1, 0xfffd);
	expect_character("\xff", 1, 0xfffd);
	expect_character("\xc3", 1, 0xfffd);
	expect_character("\xc3(", 1, 0xfffd);
	expect_character("\xc0\xaf", 1, 0xfffd);         /* too long a form of '/' */
	expect_character("\xe0\x80\xaf", 1, 0xfffd);     /* again */
	expect_character("\xed\xa0\x80", 1, 0xfffd);     /* surrogate */
	expect_character("\xf4\x90\x80\x80", 1, 0xfffd); /* beyond Unicode */
}

static void counts_edits(void **state)
{
	(void)state;
	assert_int_equal(text_distance("kitten", "sitting", 5), 3);
	assert_int_equal(text_distance("ab", "ba", 2), 1);
	assert_int_equal(text_distance("abcd", "badc", 2), 2);
	assert_int_equal(text_distance("", "abc", 3), 3);
	assert_int_equal(text_distance("abc", "abc", 0), 0);
	assert_int_equal(text_distance("abcdef", "uvwxyz", 2), 3);
	assert_int_equal(text_distance("a", "aaaaaa", 2), 3);
}

static void finds_the_word_that_was_meant(void **state)
{
	static const char *const words[] = { "from", "form", "address", "zone", NULL };
	char word[300];

	(void)state;
	assert_string_equal(nearest_word("form", words), "form");
	assert_string_equal(nearest_word("frm", words), "from");
	assert_string_equal(nearest_word("adress", words), "address");
	assert_string_equal(nearest_word("adresss", words), "address");
	assert_string_equal(nearest_word("zones", words), "zone");
	assert_null(nearest_word("fuzz", words));
	assert_null(nearest_word("x", words));
	assert_null(nearest_word("", words));
	memset(word, 'z', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(nearest_word(word, words));
}

static void copies_whole_characters_only(void **state)
{
	char out[4];

	(void)state;
	text_copy_printable(out, sizeof(out), "aüü");
	assert_string_equal(out, "aü");
	text_copy_printable(out, sizeof(out), "\n\x80x");
	assert_string_equal(out, "??x");
	text_copy_printable(out, 1, "abc");
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_utf8),
		cmocka_unit_test(a_bad_byte_is_one_character),
		cmocka_unit_test(counts_edits),
		cmocka_unit_test(finds_the_word_that_was_meant),
		cmocka_unit_test(copies_whole_characters_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
