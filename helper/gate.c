/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/wire.h"

/*
 * The grammar is the tables below. A line begins in STATEMENT. The phrases of the
 * context it is in are tried in turn; the first whose pattern matches says what
 * follows. In a pattern "a|b" are alternatives, "?" begins what may be left out, and
 * capitals name a form, see forms[].
 */
enum context { SAME = 0, STATEMENT, RULE, VALUES, INTERFACES, SET, END, CLOSE };

struct phrase {
	const char *pattern;
	enum context then;  /* CLOSE: whatever is outside the braces */
	enum context opens; /* what is inside the braces that it ends with */
};

static const struct phrase statements[] = {
	{ "add|delete|flush table inet vigil", END, SAME },
	{ "add rule inet vigil NAME", RULE, SAME },
	{ "add chain inet vigil NAME { type filter|nat hook "
	  "prerouting|input|forward|output|postrouting priority NUMBER ; "
	  "policy accept|drop ; }",
	  END, SAME },
	{ "add set inet vigil NAME {", END, SET },
	{ "add|delete chain|counter inet vigil NAME", END, SAME },
	{ "delete|flush chain|set inet vigil NAME", END, SAME },
	{ 0 },
};

static const struct phrase set_properties[] = {
	{ "type ipv4_addr|ipv6_addr", SAME, SAME },
	{ "flags|, interval|dynamic|timeout", SAME, SAME },
	{ "size SIZE", SAME, SAME },
	{ "timeout NUMBER", SAME, SAME },
	{ ";", SAME, SAME },
	{ "}", CLOSE, SAME },
	{ 0 },
};

/* Words that match or decide, and can't do more wherever they stand. */
#define PLAIN                                                                          \
	"ip|ip6|tcp|udp|icmp|icmpv6|th|meta|ct|fib|iifname|oifname|saddr|daddr|sport|" \
	"dport|type|l4proto|nfproto|mark|day|hour|state|status|direction|original|"    \
	"proto-dst|count|established|related|invalid|new|untracked|dnat|and|or|over|"  \
	"!=|&|/|,|accept|drop|return|reject|with|reset|icmpx|vmap|map|limit|rate|"     \
	"second|minute|burst|packets|masquerade|to|snaplen|[|]|NUMBER|ADDRESS|SET"

static const struct phrase rule_words[] = {
	{ "counter name COUNTER", SAME, SAME },
	{ "counter", SAME, SAME },
	{ "log prefix PREFIX group 22087", SAME, SAME },
	{ "ct mark set", SAME, SAME },
	{ "meta nftrace set", SAME, SAME },
	{ "update|add SET {", SAME, VALUES },
	{ "iifname|oifname ?!= INTERFACE", SAME, SAME },
	{ "iifname|oifname ?. ?oifname ?!=|vmap {", SAME, INTERFACES },
	{ "{", SAME, VALUES },
	{ "jump|goto NAME", SAME, SAME },
	/* No interface behind an address: their names in quotes could be hosts' then.
	 */
	{ ". ip|ip6|tcp|udp|th|meta|icmp|icmpv6|ct|fib", SAME, SAME },
	{ PLAIN, SAME, SAME },
	{ 0 },
};

static const struct phrase values[] = {
	{ ":|.", SAME, SAME },
	{ "}", CLOSE, SAME },
	{ "jump|goto NAME", SAME, SAME },
	{ PLAIN, SAME, SAME },
	{ 0 },
};

/* Quoted names stand nowhere else among values, so no host can be named. */
static const struct phrase interfaces[] = {
	{ "INTERFACE|.|,|:|accept|drop|return|continue", SAME, SAME },
	{ "jump|goto NAME", SAME, SAME },
	{ "}", CLOSE, SAME },
	{ 0 },
};

static const struct phrase *const contexts[] = {
	[STATEMENT] = statements,
	[RULE] = rule_words,
	[VALUES] = values,
	[INTERFACES] = interfaces,
	/* An end of a table, which matches nothing. */
	[SET] = set_properties,
	[END] = values + sizeof(values) / sizeof(*values) - 1,
};

#define DIGITS "0123456789"

static bool all_of(const char *text, const char *alphabet)
{
	return *text && !text[strspn(text, alphabet)];
}

/* "22", "-310", "22-23", "0x1f", "90s", "1h30m", and ":443" after an address */
static bool is_number(char *text)
{
	char *rest = text + (text[0] == '-' || text[0] == ':');
	size_t digits = strspn(rest, DIGITS);

	rest += digits;
	return digits > 0 && digits <= 10 &&
	       (!*rest || (*rest == '-' && all_of(rest + 1, DIGITS)) ||
		(*rest == 'x' && strlen(rest) <= 9 &&
		 all_of(rest + 1, DIGITS "abcdef")) ||
		(strchr("smhd", *rest) && (!rest[1] || is_number(rest + 1))));
}

static bool is_size(char *text)
{
	return all_of(text, DIGITS) && strtoul(text, NULL, 10) <= GATE_SET_SIZE_MAX;
}

/* "IP", "IP-IP" or "V4:PORTS" */
static bool is_address(char *text)
{
	struct in6_addr ignored;
	char *cut = strpbrk(text, strchr(text, '.') ? ":-" : "-");
	bool valid = !cut || is_address(cut + 1) || (*cut == ':' && is_number(cut + 1));

	if (cut)
		*cut = '\0';
	return valid && (inet_pton(AF_INET, text, &ignored) == 1 ||
			 inet_pton(AF_INET6, text, &ignored) == 1);
}

static bool is_name(char *text)
{
	return wire_name_valid(text) && strcmp(text, "include") != 0 &&
	       strcmp(text, "define") != 0 && strcmp(text, "redefine") != 0 &&
	       strcmp(text, "undefine") != 0;
}

static bool is_prefix(char *text)
{
	return all_of(text, WIRE_NAME_CHARACTERS " ");
}

static bool is_interface(char *text)
{
	size_t size = strlen(text);

	if (size > 1 && text[size - 1] == '*')
		text[--size] = '\0';
	return size <= 15 && all_of(text, WIRE_NAME_CHARACTERS "@:+");
}

/* Forms get a copy of the word, without what opens it, that they may cut up. */
static const struct form {
	const char *name;
	char opening; /* a quote closes as well */
	bool (*admits)(char *text);
} forms[] = {
	{ "NAME", 0, is_name },
	{ "SET", '@', is_name },
	{ "COUNTER", '"', is_name },
	{ "PREFIX", '"', is_prefix },
	{ "INTERFACE", '"', is_interface },
	{ "NUMBER", 0, is_number },
	{ "ADDRESS", 0, is_address },
	{ "SIZE", 0, is_size },
};

/* Where the word at @at ends: a quoted text, one of PUNCTUATION, or up to either or a
 * blank. @at itself when there is none. */
static const char *lex(const char *at)
{
#define PUNCTUATION "{},;/[]"
	const char *end = at + strcspn(at, " \"\n" PUNCTUATION);

	if (*at == '"') {
		end = at + 1 + strcspn(at + 1, "\"\n");
		return *end == '"' ? end + 1 : at;
	}
	return *at && strchr(PUNCTUATION, *at) ? at + 1 : end;
}

static bool form_admits(const char *name, size_t name_size, const char *word,
			size_t size)
{
	char text[HELPER_SET_NAME_MAX + 2] = "";
	const struct form *form = forms;

	while (strncmp(form->name, name, name_size) != 0 || form->name[name_size])
		form++;
	if (size >= sizeof(text) || (form->opening && *word != form->opening))
		return false;
	memcpy(text, word, size);
	if (form->opening == '"' && text[size - 1] == '"')
		text[size - 1] = '\0';
	return form->admits(text + (form->opening != 0));
}

/* Whether one item of a pattern, "a|b|FORM" up to a blank, admits a word. */
static bool item_admits(const char *item, const char *word, size_t size)
{
	for (;; item++) {
		size_t item_size = strcspn(item, "| ");

		if (*item >= 'A' && *item <= 'Z'
			    ? form_admits(item, item_size, word, size)
			    : item_size == size && memcmp(item, word, size) == 0)
			return true;
		item += item_size;
		if (*item != '|')
			return false;
	}
}

/* Return: where the words that match end, or NULL. @fault: the furthest that did not.
 */
static const char *match(const char *pattern, const char *at, const char **fault)
{
	for (const char *item = pattern; item; item = strchr(item, ' ')) {
		const char *word = at + (*at == ' ');
		const char *end = lex(word);

		item += *item == ' ';
		if (end > word &&
		    item_admits(item + (*item == '?'), word, (size_t)(end - word)))
			at = end;
		else if (*item != '?') {
			*fault = word > *fault ? word : *fault;
			return NULL;
		}
	}
	return at;
}

/* Return: the end of the line at @at, or NULL. */
static const char *match_line(const char *at, const char **fault)
{
	enum context inside[3] = { STATEMENT };
	size_t depth = 0;

	while (inside[0] == STATEMENT || depth > 0 || *at != '\n') {
		const struct phrase *phrase = contexts[inside[depth]];
		const char *after = NULL;

		while (phrase->pattern && !(after = match(phrase->pattern, at, fault)))
			phrase++;
		if (!after)
			return NULL;
		at = after;
		if (phrase->then == CLOSE)
			depth--;
		else if (phrase->then)
			inside[depth] = phrase->then;
		if (phrase->opens)
			inside[++depth] = phrase->opens;
	}
	return at;
}

int gate_check(const char *script, struct helper_reply *reply)
{
	const char *fault = script;

	for (reply->line = 0; *script; script++) {
		reply->line++;
		script = *script == ' ' ? NULL : match_line(script, &fault);
		if (!script) {
			fault = strchr("\n", *fault) ? "newline" : fault;
			return wire_refuse(reply, -EINVAL, "'%.*s' is not allowed here",
					   (int)strcspn(fault, " \n"), fault);
		}
	}
	return 0;
}
