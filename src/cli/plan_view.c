/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/plan_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/question.h"

enum {
	ITEMS_SHOWN = 4,
	CHANGES_SHOWN = 100, /* of a kind */
};

#define GOOD "\033[32m"
#define BAD "\033[31m"
#define OTHER "\033[33m"
#define BOLD "\033[1m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"

struct view {
	const struct plan_shown *shown;
	struct buffer *out;
	bool color;
};

static void style(const struct view *view, const char *code)
{
	if (view->color)
		buffer_text(view->out, code);
}

static void add_heading(const struct view *view, const char *text)
{
	style(view, BOLD);
	buffer_text(view->out, text);
	style(view, PLAIN);
	buffer_text(view->out, "\n");
}

/* Names of files and comments are whatever a policy says, and that in force is what the
 * agent says. */
static void add_printable(struct buffer *out, const char *text)
{
	size_t size_bytes = strlen(text) + 1;
	auto_free char *safe = malloc(size_bytes);

	if (!safe) {
		out->error = -ENOMEM;
		return;
	}
	text_copy_printable(safe, size_bytes, text);
	buffer_text(out, safe);
}

static void add_edit(const struct view *view, const struct edit *edit)
{
	static const char *const signs[] = { "+", "-", "~", ">" };
	static const char *const styles[] = { GOOD, BAD, OTHER, OTHER };

	style(view, styles[edit->kind]);
	buffer_printf(view->out, "  %s %s%s%s", signs[edit->kind], edit->what,
		      edit->name[0] ? " " : "", edit->name);
	style(view, PLAIN);
	for (size_t i = 0; i < edit->detail_count; i++) {
		buffer_text(view->out, i ? "; " : ": ");
		add_printable(view->out, edit->details[i]);
	}
	buffer_text(view->out, "\n");
}

static void add_decider(struct buffer *out, const struct ruling *ruling)
{
	if (ruling->rule)
		buffer_text(out, "rule ");
	else if (ruling->nat)
		buffer_text(out, "forward ");
	buffer_text(out, ruling->id);
}

static void add_target(struct buffer *out, const struct ruling *ruling)
{
	const struct nat *nat = ruling->nat;
	bool v6 = nat->target.family == FAMILY_IPV6;
	char address[ADDRESS_TEXT_MAX];

	buffer_printf(out, v6 ? "[%s]:%u" : "%s:%u",
		      address_format(nat->target, address), nat->target_port.first);
	if (nat->target_port.last != nat->target_port.first)
		buffer_printf(out, "-%u", nat->target_port.last);
}

static void add_limit(struct buffer *out, const struct ruling *ruling)
{
	size_t before = out->size_bytes;

	if (ruling->rule)
		revision_limit(ruling->rule, out);
	if (out->size_bytes == before)
		buffer_text(out, "no limit");
}

static bool names_family(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		if (strncmp(words->items[i], "group ", 6) != 0 &&
		    strncmp(words->items[i], "feed ", 5) != 0)
			return true;
	return false;
}

static void add_ends(struct buffer *out, const struct change *change)
{
	const struct told_box *box = &change->box;

	if (change->direction == DIRECTION_OUTPUT)
		buffer_text(out, "host");
	else
		words_write(&box->from, "any", ITEMS_SHOWN, out);
	buffer_text(out, " -> ");
	if (change->direction == DIRECTION_INPUT)
		buffer_text(out, "host");
	else
		words_write(&box->to, "any", ITEMS_SHOWN, out);
}

static void add_box(struct buffer *out, const struct change *change)
{
	const struct told_box *box = &change->box;
	bool allowed = change->after.verdict == VERDICT_ALLOW;

	add_ends(out, change);
	buffer_text(out, " ");
	words_write(&box->service, "all", ITEMS_SHOWN, out);
	buffer_text(out, " from ");
	words_write(&box->source, "any", ITEMS_SHOWN, out);
	if (!box->destination.all) {
		buffer_text(out, " to ");
		words_write(&box->destination, "any", ITEMS_SHOWN, out);
	}
	if (!(change->ipv4 && change->ipv6) && !names_family(&box->source) &&
	    !names_family(&box->destination))
		buffer_text(out, change->ipv4 ? ", IPv4" : ", IPv6");
	if (allowed && change->after.nat) {
		buffer_text(out, ", sent on to ");
		add_target(out, &change->after);
	}
	if (box->to.count && change->direction == DIRECTION_INPUT) {
		buffer_text(out, allowed ? " in " : ", on its way to ");
		words_write(&box->to, "any", ITEMS_SHOWN, out);
	}
	if (!box->time.all) {
		buffer_text(out, ", at ");
		words_write(&box->time, "any time", ITEMS_SHOWN, out);
	}
	for (size_t i = 0; i < box->feeds.count; i++)
		buffer_printf(out, ", %s", box->feeds.items[i]);
}

/* "(rule web, was default.input drop)", and what else is not as it was. */
static void add_reason(struct buffer *out, const struct change *change)
{
	buffer_text(out, " (");
	add_decider(out, &change->after);
	buffer_text(out, ", was ");
	add_decider(out, &change->before);
	buffer_printf(out, " %s", verdict_name(change->before.verdict));
	if (change->kind == CHANGE_LIMITED) {
		buffer_text(out, ", ");
		add_limit(out, &change->before);
	}
	if (change->kind == CHANGE_REDIRECTED && change->before.nat) {
		buffer_text(out, " to ");
		add_target(out, &change->before);
	}
	buffer_text(out, ")\n");
}

/* The command that shows it, or what it is. */
static void add_witness(const struct view *view, const struct witness *witness)
{
	char text[PACKET_TEXT_MAX];
	struct question question;
	struct packet packet;

	style(view, FAINT);
	buffer_text(view->out, "      ");
	if (question_make(witness, view->shown->policy, &question)) {
		question_write(&question, view->shown->path, view->out);
	} else {
		witness_packet(witness, &packet);
		buffer_text(view->out, packet_describe(&packet, text));
	}
	style(view, PLAIN);
	buffer_text(view->out, "\n");
}

static void add_change(const struct view *view, const struct change *change)
{
	static const char *const signs[] = { "+", "-", "~", "~", "=" };
	static const char *const styles[] = { GOOD, BAD, OTHER, OTHER, "" };

	style(view, styles[change->kind]);
	buffer_printf(view->out, "  %s %s", signs[change->kind],
		      verdict_name(change->after.verdict));
	style(view, PLAIN);
	buffer_text(view->out, " ");
	add_box(view->out, change);
	if (change->after.verdict == VERDICT_ALLOW && change->after.rule &&
	    (change->kind == CHANGE_LIMITED ||
	     change->after.rule->limit.scope != LIMIT_NONE ||
	     change->after.rule->connections.scope != LIMIT_NONE)) {
		buffer_text(view->out, ", ");
		add_limit(view->out, &change->after);
	}
	add_reason(view->out, change);
	if (change->sample)
		buffer_text(view->out,
			    "      and more: this is one of very many pieces "
			    "between these two\n");
	add_witness(view, &change->witness);
}

static size_t count_kind(const struct difference *difference, enum change_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < difference->count; i++)
		count += difference->changes[i].kind == kind;
	return count;
}

static void add_changes(const struct view *view, const struct difference *difference,
			enum change_kind kind)
{
	size_t shown = 0, count = count_kind(difference, kind);

	for (size_t i = 0; i < difference->count && shown < CHANGES_SHOWN; i++) {
		if (difference->changes[i].kind != kind)
			continue;
		add_change(view, &difference->changes[i]);
		shown++;
	}
	if (count > shown)
		buffer_printf(view->out,
			      "    and %zu more like these: --json has all\n",
			      count - shown);
}

static void add_gap(const struct view *view, const struct gap *gap)
{
	static const char *const whose[] = { "to this machine", "forwarded",
					     "from this machine" };

	style(view, OTHER);
	buffer_printf(view->out,
		      "  ? IPv%d traffic %s: not compared, it differs in too "
		      "many ways\n",
		      (int)gap->family, whose[gap->direction]);
	style(view, PLAIN);
}

static void add_count(struct buffer *out, const char **glue, size_t count,
		      const char *what)
{
	if (!count)
		return;
	buffer_printf(out, "%s%zu %s", *glue, count, what);
	*glue = ", ";
}

static void add_summary(const struct revision *revision,
			const struct difference *difference, struct buffer *out)
{
	static const char *const edits[] = { "added", "removed", "changed", "moved" };
	static const char *const kinds[] = { "newly allowed", "newly denied",
					     "otherwise limited", "redirected",
					     "decided by others" };
	const char *glue = "\nIn the policy: ";

	for (enum edit_kind kind = EDIT_ADDED; kind <= EDIT_MOVED; kind++) {
		size_t count = 0;

		for (size_t i = 0; i < revision->count; i++)
			count += revision->edits[i].kind == kind;
		add_count(out, &glue, count, edits[kind]);
	}
	glue = revision->count ? ". Of traffic: " : "\nOf traffic: ";
	for (enum change_kind kind = CHANGE_ALLOWED; kind < CHANGE_KINDS; kind++)
		add_count(out, &glue, count_kind(difference, kind), kinds[kind]);
	buffer_text(out, ".\n");
}

void plan_view(const struct plan_shown *shown, bool color, struct buffer *out)
{
	const struct revision *revision = shown->revision;
	const struct difference *difference = shown->difference;
	const struct view view = { shown, out, color };

	if (!revision->count && !difference->count && !difference->gap_count) {
		buffer_text(out, "Nothing changes.\n");
		return;
	}
	add_heading(&view, "Policy");
	for (size_t i = 0; i < revision->count; i++)
		add_edit(&view, &revision->edits[i]);
	if (!revision->count)
		buffer_text(out, "    nothing changes\n");
	buffer_text(out, "\n");
	add_heading(&view, "Traffic");
	for (enum change_kind kind = CHANGE_ALLOWED; kind < CHANGE_KINDS; kind++)
		add_changes(&view, difference, kind);
	for (size_t i = 0; i < difference->gap_count; i++)
		add_gap(&view, &difference->gaps[i]);
	if (!difference->count && !difference->gap_count)
		buffer_text(out, "    no packet fares otherwise\n");
	add_summary(revision, difference, out);
}
