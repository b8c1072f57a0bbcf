/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "reading.h"

static void absent_sections_have_their_defaults(void **state)
{
	auto_policy struct policy *policy = read_good("version: 1\n");

	(void)state;
	assert_int_equal(policy->default_input, VERDICT_DROP);
	assert_int_equal(policy->default_forward, VERDICT_DROP);
	assert_int_equal(policy->default_output, VERDICT_ALLOW);
	assert_int_equal(policy->flows.keep_s, 30 * 86400);
	assert_int_equal(policy->flows.max_size_bytes, 1 << 30);
	assert_true(policy->flows.denied);
	assert_int_equal(policy->flows.mark_mask, 0xffff0000);
	assert_int_equal(policy->rule_count, 0);
}

static void sections_may_be_left_empty(void **state)
{
	auto_policy struct policy *policy = read_good(
		"version: 1\nzones:\ngroups:\nports:\nfeeds:\nban:\ndefaults:\n"
		"rules:\nnat:\nflows:\n");

	(void)state;
	assert_int_equal(policy->rule_count, 0);
}

static void reads_json(void **state)
{
	auto_policy struct policy *policy = read_good(
		"{\"version\": 1, \"zones\": {\"lan\": [\"eth0\"]}, \"rules\": [\n"
		"\t{\"id\": \"a\", \"from\": \"lan\", \"to\": \"host\",\n"
		"\t \"allow\": {\"tcp\": [22, \"80-90\"]}, \"log\": true}]}");

	(void)state;
	assert_int_equal(policy->rule_count, 1);
	assert_true(policy->rules[0].log);
	expect_traffic(&policy->rules[0].traffic, "6:22-22,80-90, ");
}

static void the_order_of_sections_does_not_matter(void **state)
{
	auto_policy struct policy *policy =
		read_good("rules: [{ id: a, from: { zone: lan, group: b }, to: host, "
			  "allow: web }]\n"
			  "groups: { b: [c], c: [10.0.0.1] }\n"
			  "ports: { web: { tcp: 80 } }\n"
			  "zones: { lan: eth0 }\n"
			  "version: 1\n");

	(void)state;
	expect_addresses(&policy->rules[0].from.addresses, "10.0.0.1 ");
}

/* In YAML 1.1 these words are booleans, and 08:00 and 022 are numbers; here they are
 * what they look like. */
static void words_stay_words(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "zones: { no: eth0, on: eth1, y: eth2 }\n"
			  "rules:\n"
			  "  - { id: off, from: [no, on, y], to: host, allow: ssh, "
			  "time: { from: 08:00, to: 17:30 } }\n");

	(void)state;
	assert_string_equal(policy->zones[0].name, "no");
	assert_string_equal(policy->rules[0].id, "off");
	assert_int_equal(policy->rules[0].from.zone_count, 3);
	assert_int_equal(policy->rules[0].schedule.from_s, 8 * 3600);
	assert_int_equal(policy->rules[0].schedule.to_s, 17 * 3600 + 1800);
}

static void booleans_have_all_their_spellings(void **state)
{
	static const char *const spellings[] = {
		"true", "yes", "on", "TRUE", "Yes", "false", "no", "off", "False", "OFF"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		auto_policy struct policy *policy = NULL;
		char text[64];

		snprintf(text, sizeof(text), "version: 1\nflows: { denied: %s }\n",
			 spellings[i]);
		policy = read_good(text);
		assert_int_equal(policy->flows.denied, i < 5);
	}
}

static void anchors_save_writing(void **state)
{
	auto_policy struct policy *policy =
		read_good("version: 1\n"
			  "groups: { a: &a [10.0.0.1], b: *a }\n"
			  "ban: [a, b]\n");

	(void)state;
	expect_addresses(&policy->ban, "10.0.0.1 ");
}

static void refuses_bytes_that_are_no_text(void **state)
{
	(void)state;
	expect_refusal_of("version: 1\n\0", 12, "NUL byte");
	expect_refusal_of("version: 1 # \xff\n", 15, "byte 0xff is not UTF-8");
	expect_refusal_of("\xff\xfev\0e\0", 6, "byte 0xff is not UTF-8");
	expect_refusal_of("version: 1 # \x1b[31m", 18, "control character U+001B");
	expect_refusal_of("version: 1 # \xc3", 14, "byte 0xc3 is not UTF-8");
	expect_refusal("version: \"1\\0\"", "NUL character");
	expect_refusal_of("", 0, "the policy is empty");
	expect_refusal_of(NULL, 0, "the policy is empty");
}

static void names_the_place_of_a_bad_byte(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	const char *text = "version: 1\r\n# größe\n# ü\x80";

	(void)state;
	assert_int_equal(policy_read(text, strlen(text), &policy, &faults), -EINVAL);
	assert_int_equal(faults.list[0].position.line, 3);
	assert_int_equal(faults.list[0].position.column, 4);
}

static void a_byte_order_mark_is_no_fault(void **state)
{
	auto_policy struct policy *policy = read_good("\xef\xbb\xbfversion: 1\r\n");

	(void)state;
	assert_non_null(policy);
}

static void refuses_a_text_beyond_its_bound(void **state)
{
	auto_free char *text = malloc(POLICY_BYTES_MAX + 1);

	(void)state;
	memset(text, '#', POLICY_BYTES_MAX + 1);
	expect_refusal_of(text, POLICY_BYTES_MAX + 1, "more than 8 MiB");
}

static void loads_what_it_is_given(void **state)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_free char *text = NULL;
	size_t size_bytes = 0;
	char path[] = "/tmp/vigil-policy-XXXXXX";
	auto_fd int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "version: 1", 10), 10);
	assert_int_equal(policy_load(path, false, &text, &size_bytes, &faults), 0);
	assert_string_equal(text, "version: 1");
	assert_int_equal(size_bytes, 10);
	assert_int_equal(faults.count, 0);
	unlink(path);
}

static void expect_load_refusal(const char *path, bool regular, const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_free char *text = NULL;
	size_t size_bytes = 0;

	assert_int_equal(policy_load(path, regular, &text, &size_bytes, &faults),
			 -EINVAL);
	assert_int_equal(faults.count, 1);
	assert_int_equal(faults.list[0].position.line, 0);
	if (!strstr(faults.list[0].text, words))
		fail_msg("%s: %s", path, faults.list[0].text);
}

static void tells_why_a_file_cannot_be_loaded(void **state)
{
	char path[] = "/tmp/vigil-policy-XXXXXX";
	auto_fd int fd = mkstemp(path);

	(void)state;
	expect_load_refusal("/tmp", false, "this is a directory");
	expect_load_refusal("/nonexistent/policy.yml", false, "there is no such file");
	assert_int_equal(ftruncate(fd, 100 * 1000 * 1000), 0);
	expect_load_refusal(path, false, "more than 8 MiB");
	expect_load_refusal("/dev/null", true, "this is not a regular file");
	assert_int_equal(fchmod(fd, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	expect_load_refusal(path, false, "you may not read this file");
	expect_load_refusal(path, true,
			    "the agent's user may not read this file: make");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	unlink(path);
}

/* Every prefix of a good policy, and every policy with one byte changed: never a crash,
 * and either a policy or a reason. */
static void survives_any_mutilation(void **state)
{
	static const char whole[] =
		"version: 1\nzones: {lan: [eth0, \"br-*\"], wan: eth1}\n"
		"groups: {a: &x [10.0.0.0/8, \"::1\"], b: [a]}\nban: *x\n"
		"ports: {p: {tcp: 1-5}}\n"
		"rules: [{id: r, from: {zone: lan, group: b}, to: host, allow: p,\n"
		"  limit: {rate: 5/hour}, time: {days: [mon], to: \"09:00\"}}]\n"
		"nat: [forward: {from: wan, tcp: 1, to: \"10.0.0.1:2\"}]\n"
		"flows: {keep: 3d}\n";
	char text[sizeof(whole)];

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof(whole) - 1); i++) {
		auto_faults struct faults faults = FAULTS_NULL;
		auto_policy struct policy *policy = NULL;
		size_t size_bytes = i < sizeof(whole) ? i : sizeof(whole) - 1;
		int error;

		memcpy(text, whole, sizeof(whole));
		if (i >= sizeof(whole))
			text[i - sizeof(whole)] = "{}[]:,*&\"-\n \t#\x80"[i % 16];
		error = policy_read(text, size_bytes, &policy, &faults);
		assert_true(error == 0 || error == -EINVAL);
		assert_int_equal(error == 0, faults.errors == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_sections_have_their_defaults),
		cmocka_unit_test(sections_may_be_left_empty),
		cmocka_unit_test(reads_json),
		cmocka_unit_test(the_order_of_sections_does_not_matter),
		cmocka_unit_test(words_stay_words),
		cmocka_unit_test(booleans_have_all_their_spellings),
		cmocka_unit_test(anchors_save_writing),
		cmocka_unit_test(refuses_bytes_that_are_no_text),
		cmocka_unit_test(names_the_place_of_a_bad_byte),
		cmocka_unit_test(a_byte_order_mark_is_no_fault),
		cmocka_unit_test(refuses_a_text_beyond_its_bound),
		cmocka_unit_test(loads_what_it_is_given),
		cmocka_unit_test(tells_why_a_file_cannot_be_loaded),
		cmocka_unit_test(survives_any_mutilation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
