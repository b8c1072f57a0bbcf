/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* The key and the first outputs of the reference implementation's vectors_sip64. */
static const struct siphash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void matches_the_reference_vectors(void **state)
{
	static const struct {
		size_t size_bytes;
		uint64_t hash;
	} vectors[] = {
		{ 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd },
		{ 7, 0xab0200f58b01d137 },  { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 },
	};
	unsigned char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(siphash(key, text, vectors[i].size_bytes),
				 vectors[i].hash);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_the_reference_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
