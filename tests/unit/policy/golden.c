/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies that must be refused, and the words they are refused with: each
 * tests/golden/NAME.yml that has a NAME.fault beside it. VIGIL_GOLDEN names another
 * folder; UPDATE_GOLDEN=1 writes the .fault files anew, also for policies that are
 * refused and have no companion yet.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "policy/policy.h"

static const char *folder(void)
{
	const char *name = getenv("VIGIL_GOLDEN");

	return name ? name : "tests/golden";
}

static char *sibling(const char *name, const char *extension)
{
	size_t stem = strlen(name) - strlen(".yml");
	char *path;

	assert_true(asprintf(&path, "%s/%.*s%s", folder(), (int)stem, name, extension) >
		    0);
	return path;
}

/* Renders what is wrong with the policy. Return: whether it is refused. */
static bool render(const char *name, struct buffer *out)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;
	auto_free char *path = sibling(name, ".yml");
	auto_free char *text = NULL;
	size_t size_bytes = 0;
	int error;

	assert_int_equal(policy_load(path, false, &text, &size_bytes, &faults), 0);
	error = policy_read(text, size_bytes, &policy, &faults);
	assert_true(error == 0 || error == -EINVAL);
	faults_render(&faults, name, text, size_bytes, false, out);
	return error != 0;
}

static void update(const char *name, const char *fault_path, bool exists)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_free char *script_path = sibling(name, ".nft");
	auto_file FILE *file = NULL;

	if (!exists && access(script_path, F_OK) == 0)
		return;
	if (!render(name, &out))
		return;
	file = fopen(fault_path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(out.data, 1, out.size_bytes, file), out.size_bytes);
}

static bool compare(const char *name, const char *fault_path)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	auto_free char *wanted = NULL;
	size_t wanted_bytes = 0;

	assert_int_equal(file_read(fault_path, 1 << 20, &wanted, &wanted_bytes), 0);
	if (!render(name, &out)) {
		print_error("%s is not refused\n", name);
		return false;
	}
	if (out.size_bytes == wanted_bytes &&
	    memcmp(out.data, wanted, wanted_bytes) == 0)
		return true;
	print_error("%s differs from %s; now it is:\n%s", name, fault_path, out.data);
	return false;
}

static int is_policy(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return size > 4 && strcmp(entry->d_name + size - 4, ".yml") == 0;
}

static void refuses_each_golden_policy_in_the_same_words(void **state)
{
	struct dirent **entries = NULL;
	int count = scandir(folder(), &entries, is_policy, alphasort);
	size_t compared = 0, failed = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		auto_free struct dirent *entry = entries[i];
		auto_free char *path = sibling(entry->d_name, ".fault");
		bool exists = access(path, F_OK) == 0;

		if (getenv("UPDATE_GOLDEN")) {
			update(entry->d_name, path, exists);
			exists = access(path, F_OK) == 0;
		}
		if (!exists)
			continue;
		compared++;
		failed += !compare(entry->d_name, path);
	}
	free(entries);
	assert_true(compared > 0);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_each_golden_policy_in_the_same_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
