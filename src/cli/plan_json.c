/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as JSON. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/protocol.h"
#include "cli/plan_view.h"
#include "cli/question.h"
#include "cli/units.h"

static json_t *tell_strings(const char *const *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++)
		if (json_array_append_new(array, json_string(list[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *tell_edit(const struct edit *edit)
{
	static const char *const kinds[] = { "added", "removed", "changed", "moved" };

	return json_pack("{s:s, s:s, s:s, s:i, s:o}", "edit", kinds[edit->kind], "what",
			 edit->what, "name", edit->name, "line", (int)edit->line,
			 "details", tell_strings(edit->details, edit->detail_count));
}

static json_t *tell_words(const struct words *words)
{
	return json_pack("{s:b, s:b, s:o, s:i}", "all", words->all, "except",
			 words->but, "items", tell_strings(words->items, words->count),
			 "left_out", (int)words->left_out);
}

static json_t *tell_ruling(const struct ruling *ruling)
{
	auto_buffer struct buffer limit = BUFFER_NULL, target = BUFFER_NULL;
	char address[ADDRESS_TEXT_MAX];

	if (ruling->rule)
		revision_limit(ruling->rule, &limit);
	if (ruling->nat)
		buffer_printf(&target,
			      ruling->nat->target.family == FAMILY_IPV6 ? "[%s]:%u"
									: "%s:%u",
			      address_format(ruling->nat->target, address),
			      ruling->nat->target_port.first);
	return json_pack("{s:s, s:i, s:s, s:s?, s:s?}", "id", ruling->id, "line",
			 (int)ruling->line, "verdict", verdict_name(ruling->verdict),
			 "limit", limit.data, "target", target.data);
}

static json_t *tell_question(const struct question *question)
{
	json_t *words = json_array();

	for (size_t i = 0; words && i < question->word_count; i++)
		json_array_append_new(words, json_string(question->words[i]));
	return words;
}

static json_t *tell_witness(const struct witness *witness, const struct policy *policy)
{
	char source[ADDRESS_TEXT_MAX], destination[ADDRESS_TEXT_MAX];
	char protocol[UNITS_TEXT_MAX];
	struct question question;
	bool possible = question_make(witness, policy, &question);
	json_t *answer;

	answer = json_pack(
		"{s:s, s:o?, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:i, s:b}", "text",
		question.packet, "explain", possible ? tell_question(&question) : NULL,
		"in", witness->in_interface, "out", witness->out_interface, "source",
		address_format(witness->source, source), "destination",
		address_format(witness->destination, destination), "any_source",
		witness->any_source, "any_destination", witness->any_destination,
		"protocol", units_protocol(witness->protocol, protocol), "port",
		(int)witness->port, "unknown_feed", witness->unknown_feed);
	if (answer && witness->timed)
		json_object_set_new(answer, "week_seconds",
				    json_integer(witness->week_s));
	return answer;
}

static json_t *tell_change(const struct change *change, const struct policy *policy)
{
	static const char *const kinds[] = { "allowed", "denied", "limited",
					     "redirected", "decided" };
	const struct told_box *box = &change->box;

	return json_pack(
		"{s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, "
		"s:o}",
		"change", kinds[change->kind], "direction",
		direction_name(change->direction), "ipv4", change->ipv4, "ipv6",
		change->ipv6, "sample", change->sample, "from", tell_words(&box->from),
		"to", tell_words(&box->to), "traffic", tell_words(&box->service),
		"source", tell_words(&box->source), "destination",
		tell_words(&box->destination), "time", tell_words(&box->time), "feeds",
		tell_strings(box->feeds.items, box->feeds.count), "now",
		tell_ruling(&change->after), "before", tell_ruling(&change->before),
		"witness", tell_witness(&change->witness, policy));
}

static json_t *tell_gap(const struct gap *gap)
{
	return json_pack("{s:s, s:i}", "direction", direction_name(gap->direction),
			 "family", (int)gap->family);
}

/* Return: false without memory. */
static bool append(json_t *array, json_t *item)
{
	return item && json_array_append_new(array, item) == 0;
}

json_t *plan_view_json(const struct plan_shown *shown)
{
	const struct revision *revision = shown->revision;
	const struct difference *difference = shown->difference;
	json_t *edits = json_array(), *traffic = json_array(), *gaps = json_array();
	bool good = edits && traffic && gaps;

	for (size_t i = 0; good && i < revision->count; i++)
		good = append(edits, tell_edit(&revision->edits[i]));
	for (size_t i = 0; good && i < difference->count; i++)
		good = append(traffic,
			      tell_change(&difference->changes[i], shown->policy));
	for (size_t i = 0; good && i < difference->gap_count; i++)
		good = append(gaps, tell_gap(&difference->gaps[i]));
	if (!good) {
		json_decref(edits);
		json_decref(traffic);
		json_decref(gaps);
		return NULL;
	}
	return json_pack("{s:b, s:o, s:o, s:o}", "same",
			 !revision->count && !difference->count &&
				 !difference->gap_count,
			 "edits", edits, "traffic", traffic, "incomplete", gaps);
}
