/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading policies in tests. Include it after cmocka.h. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "policy/policy.h"

/* Leaves out the warning about a policy that lets nothing in: few that a test reads do,
 * and it has a test of its own. */
static inline void forget_closed(struct faults *faults)
{
	if (faults->count == 0 || !strstr(faults->list[0].text, "nothing may come in"))
		return;
	faults->count--;
	memmove(faults->list, faults->list + 1, faults->count * sizeof(*faults->list));
}

/* A policy that must stand, without warnings. The caller frees it. */
static inline struct policy *read_good(const char *text)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer out = BUFFER_NULL;
	struct policy *policy = NULL;
	int error = policy_read(text, strlen(text), &policy, &faults);

	forget_closed(&faults);
	faults_render(&faults, "policy.yml", text, strlen(text), false, &out);
	if (error || faults.count > 0)
		fail_msg("%s", out.data);
	return policy;
}

/* A policy that must be refused, with a sentence that holds @words. */
static inline void expect_refusal_of(const char *text, size_t size_bytes,
				     const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;

	assert_int_equal(policy_read(text, size_bytes, &policy, &faults), -EINVAL);
	assert_null(policy);
	for (size_t i = 0; i < faults.count; i++)
		if (strstr(faults.list[i].text, words))
			return;
	fail_msg("\"%s\" is not among: %s", words, faults.list[0].text);
}

static inline void expect_refusal(const char *text, const char *words)
{
	expect_refusal_of(text, strlen(text), words);
}

/* A policy that stands with exactly one warning, which holds @words; none for NULL. */
static inline void expect_warning(const char *text, const char *words)
{
	auto_faults struct faults faults = FAULTS_NULL;
	auto_policy struct policy *policy = NULL;

	assert_int_equal(policy_read(text, strlen(text), &policy, &faults), 0);
	assert_int_equal(faults.errors, 0);
	forget_closed(&faults);
	if (words && (faults.count != 1 || !strstr(faults.list[0].text, words)))
		fail_msg("\"%s\" is not the one of %zu: %s", words, faults.count,
			 faults.count ? faults.list[0].text : "");
	if (!words && faults.count > 0)
		fail_msg("warning: %s", faults.list[0].text);
}

/* All ranges of a set, as a person writes them. */
static inline void expect_addresses(const struct address_set *set, const char *wanted)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	char text[RANGE_TEXT_MAX];

	buffer_text(&out, "");
	for (size_t i = 0; i < set->count4; i++)
		buffer_printf(&out, "%s ", range_format(range4_wide(set->v4[i]), text));
	for (size_t i = 0; i < set->count6; i++)
		buffer_printf(&out, "%s ", range_format(range6_wide(set->v6[i]), text));
	assert_string_equal(out.data, wanted);
}

/* Traffic as "PROTOCOL:FIRST-LAST,... ". */
static inline void expect_traffic(const struct traffic_list *list, const char *wanted)
{
	auto_buffer struct buffer out = BUFFER_NULL;

	buffer_text(&out, "");
	for (size_t i = 0; i < list->count; i++) {
		const struct traffic *traffic = &list->items[i];

		buffer_printf(&out, "%u:", traffic->protocol);
		for (size_t j = 0; j < traffic->range_count; j++)
			buffer_printf(&out, "%u-%u,", traffic->ranges[j].first,
				      traffic->ranges[j].last);
		buffer_text(&out, " ");
	}
	assert_string_equal(out.data, wanted);
}
