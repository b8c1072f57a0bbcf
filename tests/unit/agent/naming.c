/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/naming.h"

#include "reading.h"

#define POLICY                                                                         \
	"version: 1\n"                                                                 \
	"zones: {wan: [eth0]}\n"                                                       \
	"rules:\n"                                                                     \
	"  - {id: ssh, from: wan, to: host, allow: ssh}\n"                             \
	"  - {id: web, from: wan, to: host, reject: http, log: true}\n"

static struct candidate *candidate_of(const char *text, struct numbering *numbering)
{
	struct candidate *candidate = NULL;
	struct faults faults = FAULTS_NULL;

	assert_int_equal(read_candidate(text, NULL, numbering, &candidate, &faults), 0);
	faults_done(&faults);
	return candidate;
}

static uint32_t number_of(const struct candidate *candidate, const char *id)
{
	for (size_t i = 0; i < candidate->image->decider_count; i++)
		if (strcmp(candidate->image->deciders[i].id, id) == 0)
			return candidate->image->deciders[i].number;
	fail_msg("no decider %s", id);
	return 0;
}

static void knows_who_stands_behind_a_number(void **state)
{
	struct numbering *numbering = numbering_new();
	auto_candidate struct candidate *candidate = candidate_of(POLICY, numbering);
	struct naming *names = naming_new();
	struct name name;

	(void)state;
	assert_int_equal(naming_set(names, candidate, numbering), 0);
	name = naming_find(names, number_of(candidate, "ssh"));
	assert_true(name.known && name.in_force && !name.logged);
	assert_string_equal(name.decider.id, "ssh");
	assert_string_equal(name.decider.direction, "input");
	assert_string_equal(name.decider.from_zone, "wan");
	assert_string_equal(name.decider.verdict, "allow");
	name = naming_find(names, number_of(candidate, "web"));
	assert_true(name.logged);
	assert_string_equal(naming_decider(number_of(candidate, "web"), names)->verdict,
			    "reject");
	naming_free(names);
	numbering_free(numbering);
}

static void knows_numbers_of_earlier_policies(void **state)
{
	struct numbering *numbering = numbering_new();
	auto_candidate struct candidate *before = candidate_of(POLICY, numbering);
	auto_candidate struct candidate *now =
		candidate_of("version: 1\nzones: {wan: [eth0]}\n", numbering);
	struct naming *names = naming_new();
	struct name name;

	(void)state;
	assert_int_equal(naming_set(names, now, numbering), 0);
	name = naming_find(names, number_of(before, "ssh"));
	assert_string_equal(name.decider.verdict, "");
	assert_int_equal(naming_set(names, before, numbering), 0);
	assert_int_equal(naming_set(names, now, numbering), 0);
	name = naming_find(names, number_of(before, "ssh"));
	assert_true(name.known);
	assert_false(name.in_force);
	assert_string_equal(name.decider.id, "ssh");
	assert_string_equal(name.decider.from_zone, "wan");
	assert_string_equal(name.decider.verdict, "allow");
	naming_free(names);
	numbering_free(numbering);
}

static void any_other_number_is_nobody(void **state)
{
	struct numbering *numbering = numbering_new();
	struct naming *names = naming_new();
	static const uint32_t numbers[] = { 0, 1, 65535, 65536, UINT32_MAX };

	(void)state;
	assert_int_equal(naming_set(names, NULL, numbering), 0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_false(naming_find(names, numbers[i]).known);
		assert_string_equal(naming_find(names, numbers[i]).decider.id, "");
		assert_null(naming_decider(numbers[i], names));
	}
	naming_free(names);
	numbering_free(numbering);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_who_stands_behind_a_number),
		cmocka_unit_test(knows_numbers_of_earlier_policies),
		cmocka_unit_test(any_other_number_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
