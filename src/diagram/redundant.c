/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagram/redundant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagram/search.h"
#include "policy/quote.h"

struct survey {
	struct diagram_input input;
	struct rule_finding *findings;
	bool *dead;    /* by rule: in all spaces so far, or for good */
	bool *met;     /* by rule: an entry of it was seen */
	bool needing;  /* dead rules are known, now for the redundant */
	uint64_t work; /* of all spaces */
};

static bool is_rule(const struct judge *decider)
{
	return decider->kind == JUDGE_RULE;
}

static void note_partner(struct rule_finding *finding, const struct judge *decider)
{
	size_t count = finding->partner_count;

	for (size_t i = 0; i < count && i < RULE_PARTNERS_MAX; i++)
		if (strcmp(finding->partners[i].id, decider->id) == 0)
			return;
	if (count < RULE_PARTNERS_MAX) {
		finding->partners[count].id = decider->id;
		finding->partners[count].line = decider->line;
	}
	finding->partner_count++;
}

static void note_partners(const struct search *search, struct rule_finding *finding)
{
	for (uint32_t i = 0; i < search->list->decider_count; i++)
		if (bitmap_has(search->takers, i))
			note_partner(finding, &search->list->deciders[i]);
}

/* Return: 0 or -ENOMEM. */
static int look_at(struct survey *survey, struct search *search, uint32_t index,
		   size_t rule)
{
	struct rule_finding *finding = &survey->findings[rule];
	enum rule_use found = survey->needing ? RULE_REDUNDANT : RULE_DEAD;
	int r;

	/* What is settled needs no second look. */
	if (finding->use != found && (survey->met[rule] || survey->needing))
		return 0;
	survey->met[rule] = true;
	r = survey->needing ? search_needed(search, index, survey->dead)
			    : search_open(search, index);
	if (r == -ENOMEM)
		return r;
	finding->use = r == 0 ? found : r == 1 ? RULE_NEEDED : RULE_UNKNOWN;
	if (r == 0)
		note_partners(search, finding);
	return 0;
}

static int survey_space(struct survey *survey, const struct space *space)
{
	struct splitter splitter = { .space = NULL };
	struct search search = { .space = NULL };
	const struct rule_list *list = &space->lists[0];
	int error = splitter_init(&splitter, space, WORK_MAX);

	splitter.work = survey->work;
	if (!error)
		error = search_init(&search, &splitter);
	for (uint32_t i = 0; i < list->entry_count && !error; i++) {
		const struct judge *decider = &list->deciders[list->entries[i].decider];

		if (is_rule(decider))
			error = look_at(
				survey, &search, i,
				(size_t)(decider->rule - list->input.policy->rules));
	}
	survey->work = splitter.work;
	search_done(&search);
	splitter_done(&splitter);
	return error;
}

static int survey_all(struct survey *survey)
{
	int error = 0;

	for (enum direction direction = DIRECTION_INPUT;
	     direction <= DIRECTION_OUTPUT && !error; direction++) {
		for (enum family family = FAMILY_IPV4; family <= FAMILY_IPV6 && !error;
		     family += 2) {
			auto_space struct space *space = NULL;

			error = space_make(&survey->input, 1, direction, family, false,
					   &space);
			if (!error)
				error = survey_space(survey, space);
		}
	}
	return error;
}

/* From the first question to the second: rules that can match may still be for nothing.
 */
static void turn(struct survey *survey)
{
	const struct policy *policy = survey->input.policy;

	for (size_t i = 0; i < policy->rule_count; i++) {
		struct rule_finding *finding = &survey->findings[i];

		survey->dead[i] = finding->use == RULE_DEAD;
		if (finding->use == RULE_NEEDED && survey->met[i]) {
			finding->use = RULE_REDUNDANT;
			finding->partner_count = 0;
		}
	}
	survey->needing = true;
}

int redundant_find(const struct policy *policy, struct rule_finding **ret)
{
	size_t count = policy->rule_count + 1;
	auto_free struct rule_finding *findings = calloc(count, sizeof(*findings));
	auto_free bool *dead = calloc(count, sizeof(*dead));
	auto_free bool *met = calloc(count, sizeof(*met));
	struct survey survey = {
		.input = { .policy = policy },
		.findings = findings,
		.dead = dead,
		.met = met,
	};
	int error;

	if (!findings || !dead || !met)
		return -ENOMEM;
	error = survey_all(&survey);
	if (!error) {
		turn(&survey);
		error = survey_all(&survey);
	}
	if (error)
		return error;
	*ret = take(findings);
	return 0;
}

enum { NAMED_MAX = 3, WORDS_MAX = 200 };

/* "rule "a" in line 3 and 2 more"; also says whether there are several. */
static void name_partners(const struct rule_finding *finding,
			  char out[static WORDS_MAX])
{
	size_t used = 0, count = finding->partner_count;
	size_t named = count > NAMED_MAX ? NAMED_MAX - 1 : count;

	out[0] = '\0';
	for (size_t i = 0; i < named && used < WORDS_MAX; i++) {
		const char *glue = i == 0                             ? ""
				   : i == count - 1 && i == named - 1 ? " and "
								      : ", ";
		int size = finding->partners[i].line
				   ? snprintf(out + used, WORDS_MAX - used,
					      "%s%s in line %u", glue,
					      quote(finding->partners[i].id).text,
					      finding->partners[i].line)
				   : snprintf(out + used, WORDS_MAX - used, "%s%s",
					      glue, finding->partners[i].id);

		used += (size_t)size;
	}
	if (named < count && used < WORDS_MAX)
		snprintf(out + used, WORDS_MAX - used, " and %zu more", count - named);
}

static void warn(const struct rule *rule, const struct rule_finding *finding,
		 struct faults *faults)
{
	bool one = finding->partner_count == 1;
	bool of_rules = finding->partner_count > 0 && finding->partners[0].line > 0;
	const char *noun = !of_rules ? "" : one ? "rule " : "rules ";
	char partners[WORDS_MAX];

	name_partners(finding, partners);
	if (finding->use == RULE_DEAD && finding->partner_count == 0)
		faults_warn(faults, rule->position,
			    "rule %s can never match: what is built in decides about "
			    "ICMP messages of these types",
			    quote(rule->id).text);
	else if (finding->use == RULE_DEAD)
		faults_warn(faults, rule->position,
			    "rule %s can never match: %s%s %s all its traffic",
			    quote(rule->id).text, noun, partners,
			    one ? "takes" : "take");
	else
		faults_warn(faults, rule->position,
			    "rule %s changes nothing: without it %s%s would decide "
			    "the same",
			    quote(rule->id).text, noun, partners);
}

int redundant_warn(const struct policy *policy, struct faults *faults)
{
	auto_free struct rule_finding *findings = NULL;
	int error = redundant_find(policy, &findings);
	size_t unknown = error == -E2BIG ? policy->rule_count : 0;

	if (error && error != -E2BIG)
		return error;
	for (size_t i = 0; findings && i < policy->rule_count; i++) {
		if (findings[i].use == RULE_UNKNOWN)
			unknown++;
		else if (findings[i].use != RULE_NEEDED)
			warn(&policy->rules[i], &findings[i], faults);
	}
	if (unknown)
		faults_warn(
			faults, (struct position){ 0 },
			"whether rules can match was not worked out for %zu of %zu: "
			"it would take too long",
			unknown, policy->rule_count);
	faults_sort(faults);
	return 0;
}
