/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/wire.h"

/*
 * The grammar is the tables below. A line begins in STATEMENT. The phrases of the
 * context it is in are tried in turn; the first whose pattern matches says what
 * follows. In a pattern "a|b" are alternatives, and capitals name a form, see forms[].
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
	{ "add|create chain inet vigil NAME { type filter|nat hook "
	  "prerouting|input|forward|output|postrouting priority PRIORITY ; "
	  "policy accept|drop ; }",
	  END, SAME },
	{ "add|create set|map inet vigil NAME {", END, SET },
	{ "add|create|delete chain|counter inet vigil NAME", END, SAME },
	{ "delete set|map inet vigil NAME", END, SAME },
	{ "flush chain|set|map inet vigil NAME", END, SAME },
	{ 0 },
};

#define TYPES                                                                          \
	"ipv4_addr|ipv6_addr|inet_proto|inet_service|ifname|mark|verdict|icmp_type|"   \
	"icmpv6_type"

static const struct phrase set_properties[] = {
	{ "type|.|: " TYPES, SAME, SAME },
	{ "flags|, interval|dynamic|timeout|constant", SAME, SAME },
	{ "size SIZE", SAME, SAME },
	{ "timeout|gc-interval DURATION", SAME, SAME },
	{ "policy memory|performance", SAME, SAME },
	{ "elements = {", SAME, VALUES },
	{ "auto-merge|;", SAME, SAME },
	{ "}", CLOSE, SAME },
	{ 0 },
};

/* Words that match or decide, and can't do more wherever they stand. */
#define PLAIN                                                                          \
	"ip|ip6|tcp|udp|udplite|sctp|dccp|esp|ah|icmp|icmpv6|th|meta|ct|fib|iifname|"  \
	"oifname|saddr|daddr|sport|dport|protocol|nexthdr|hoplimit|ttl|length|dscp|"   \
	"flags|type|code|spi|l4proto|nfproto|mark|day|hour|nftrace|state|status|"      \
	"direction|original|reply|proto-src|proto-dst|count|established|related|"      \
	"invalid|new|untracked|snat|dnat|assured|confirmed|seen-reply|expected|fin|"   \
	"syn|rst|psh|ack|urg|unicast|local|broadcast|multicast|anycast|and|or|xor|"    \
	"not|over|==|!=|<|>|<=|>=|&|!|/|.|,|accept|drop|return|continue|reject|with|"  \
	"reset|icmpx|port-unreachable|host-unreachable|no-route|admin-prohibited|"     \
	"vmap|map|burst|packets|bytes|masquerade|to|NUMBER|ADDRESS|SET"

#define COMMON                                                                         \
	{ "jump|goto NAME", SAME, SAME }, { "limit rate RATE", SAME, SAME },           \
		{ "limit rate over RATE", SAME, SAME },                                \
	{                                                                              \
		PLAIN, SAME, SAME                                                      \
	}

static const struct phrase rule_words[] = {
	{ "counter name COUNTER", SAME, SAME },
	{ "counter", SAME, SAME },
	{ "log prefix PREFIX group LOGGROUP snaplen SNAPLEN", SAME, SAME },
	{ "log prefix PREFIX group LOGGROUP", SAME, SAME },
	{ "ct mark set", SAME, SAME },
	{ "meta nftrace set", SAME, SAME },
	{ "update|add SET {", SAME, VALUES },
	{ "iifname|oifname INTERFACE", SAME, SAME },
	{ "iifname|oifname ==|!= INTERFACE", SAME, SAME },
	{ "iifname|oifname {", SAME, INTERFACES },
	{ "iifname|oifname ==|!=|vmap {", SAME, INTERFACES },
	{ "iifname . oifname {", SAME, INTERFACES },
	{ "iifname . oifname ==|!=|vmap {", SAME, INTERFACES },
	{ "{", SAME, VALUES },
	COMMON,
	{ 0 },
};

static const struct phrase values[] = {
	{ "timeout DURATION", SAME, SAME },
	{ ":", SAME, SAME },
	{ "}", CLOSE, SAME },
	COMMON,
	{ 0 },
};

/* Quoted names stand nowhere else among values, so no host can be named. */
static const struct phrase interfaces[] = {
	{ "INTERFACE|.|,|:|accept|drop|return|continue", SAME, SAME },
	{ "jump|goto NAME", SAME, SAME },
	{ "}", CLOSE, SAME },
	{ 0 },
};

static const struct phrase nothing[] = { { 0 } };

static const struct phrase *const contexts[] = {
	[STATEMENT] = statements,  [RULE] = rule_words,    [VALUES] = values,
	[INTERFACES] = interfaces, [SET] = set_properties, [END] = nothing,
};

#define DIGITS "0123456789"
#define NAME_CHARACTERS                                                                \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "._-"

/* Forms get a copy of the word that they may cut up. */

static bool all_of(const char *text, const char *alphabet)
{
	return *text && !text[strspn(text, alphabet)];
}

static bool is_decimal(const char *text, long low, long high)
{
	long value = strtol(text, NULL, 10);

	return strlen(text) <= 10 && all_of(text + (text[0] == '-'), DIGITS) &&
	       value >= low && value <= high;
}

/* "N", "0xN" or "A-B". */
static bool is_number(char *text)
{
	char *second = strchr(text, '-');

	if (second) {
		*second++ = '\0';
		return is_decimal(text, 0, UINT32_MAX) &&
		       is_decimal(second, 0, UINT32_MAX);
	}
	if (strncmp(text, "0x", 2) == 0)
		return strlen(text) <= 10 && all_of(text + 2, DIGITS "abcdef");
	return is_decimal(text, 0, UINT32_MAX);
}

/* "5/minute" */
static bool is_rate(char *text)
{
	char *unit = strchr(text, '/');

	if (!unit)
		return false;
	*unit++ = '\0';
	return is_decimal(text, 1, UINT32_MAX) &&
	       (strcmp(unit, "second") == 0 || strcmp(unit, "minute") == 0 ||
		strcmp(unit, "hour") == 0 || strcmp(unit, "day") == 0);
}

/* "90s", "1h30m" */
static bool is_duration(char *text)
{
	size_t size = strlen(text);

	return size >= 2 && size <= 16 && all_of(text, DIGITS "smhd") &&
	       strchr(DIGITS, text[0]) && strchr("smhd", text[size - 1]);
}

static bool is_ip(const char *text)
{
	struct in6_addr ignored;

	return inet_pton(AF_INET, text, &ignored) == 1 ||
	       inet_pton(AF_INET6, text, &ignored) == 1;
}

/* "[V6]" or "[V6]:PORTS" */
static bool is_bracketed(char *text)
{
	char *end = strchr(text, ']');

	if (!end)
		return false;
	*end++ = '\0';
	return strchr(text, ':') && is_ip(text + 1) &&
	       (!*end || (*end == ':' && is_number(end + 1)));
}

/* "IP", "IP/LENGTH", "IP-IP", "V4:PORTS" or what is bracketed. */
static bool is_address(char *text)
{
	char *cut = strpbrk(text, "/-");
	char *colon = strchr(text, ':');

	if (text[0] == '[')
		return is_bracketed(text);
	if (colon && colon == strrchr(text, ':')) {
		*colon = '\0';
		return is_ip(text) && is_number(colon + 1);
	}
	if (!cut)
		return is_ip(text);
	bool prefix = *cut == '/';
	*cut++ = '\0';
	return is_ip(text) && (prefix ? is_decimal(cut, 0, 128) : is_ip(cut));
}

static bool is_name(char *text)
{
	static const char *const banned[] = { "include", "define", "redefine",
					      "undefine" };

	for (size_t i = 0; i < sizeof(banned) / sizeof(*banned); i++)
		if (strcmp(text, banned[i]) == 0)
			return false;
	return wire_name_valid(text, strlen(text));
}

static bool is_set(char *text)
{
	return text[0] == '@' && is_name(text + 1);
}

/* Take the quotes off; "" when there are none. The lexer saw to it that they pair. */
static char *unquote(char *text)
{
	size_t size = strlen(text);

	if (text[0] != '"' || size < 2)
		return text + size;
	text[size - 1] = '\0';
	return text + 1;
}

static bool is_counter(char *text)
{
	return is_name(unquote(text));
}

static bool is_prefix(char *text)
{
	return all_of(unquote(text), NAME_CHARACTERS " ");
}

static bool is_interface(char *text)
{
	size_t size = strlen(text = unquote(text));

	if (size > 1 && text[size - 1] == '*')
		text[--size] = '\0';
	return size <= 15 && all_of(text, NAME_CHARACTERS "@:+");
}

static const struct {
	const char *name;
	bool (*admits)(char *text); /* NULL: a number of this range */
	long low, high;
} forms[] = {
	{ "NAME", is_name, 0, 0 },
	{ "SET", is_set, 0, 0 },
	{ "COUNTER", is_counter, 0, 0 },
	{ "PREFIX", is_prefix, 0, 0 },
	{ "INTERFACE", is_interface, 0, 0 },
	{ "NUMBER", is_number, 0, 0 },
	{ "ADDRESS", is_address, 0, 0 },
	{ "RATE", is_rate, 0, 0 },
	{ "DURATION", is_duration, 0, 0 },
	{ "PRIORITY", NULL, -500, 500 },
	{ "SIZE", NULL, 1, GATE_SET_SIZE_MAX },
	{ "LOGGROUP", NULL, HELPER_LOG_GROUP, HELPER_LOG_GROUP },
	{ "SNAPLEN", NULL, 1, HELPER_LOG_BYTES },
};

struct word {
	const char *at;
	size_t size; /* 0: the line's end, or blanks or a quote where none may be */
};

/* The word at @at, after at most one blank. A quoted text is one, so is each "{},;". */
static struct word lex(const char *line, const char *at, const char *end)
{
	const char *stop = at;

	if (at < end && *at == ' ' && at > line)
		stop = ++at;
	if (at == end)
		return (struct word){ at, 0 };
	if (*at == '"') {
		stop = memchr(at + 1, '"', (size_t)(end - at - 1));
		stop = stop ? stop + 1 : at;
	} else if (memchr("{},;", *at, 4)) {
		stop = at + 1;
	} else {
		while (stop < end && !memchr(" \"{},;", *stop, 6))
			stop++;
	}
	return (struct word){ at, (size_t)(stop - at) };
}

static bool form_admits(const char *name, size_t size, struct word word)
{
	char text[HELPER_SET_NAME_MAX + 2] = "";

	if (word.size >= sizeof(text) || memchr(word.at, '\0', word.size))
		return false;
	memcpy(text, word.at, word.size);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (strlen(forms[i].name) == size &&
		    memcmp(forms[i].name, name, size) == 0)
			return forms[i].admits
				       ? forms[i].admits(text)
				       : is_decimal(text, forms[i].low, forms[i].high);
	return false;
}

/* Whether one item of a pattern, "a|b|FORM" up to a blank, admits a word. */
static bool item_admits(const char *item, struct word word)
{
	for (size_t size; word.size > 0; item += size + 1) {
		size = strcspn(item, "| ");
		if (*item >= 'A' && *item <= 'Z'
			    ? form_admits(item, size, word)
			    : size == word.size && memcmp(item, word.at, size) == 0)
			return true;
		if (item[size] != '|')
			break;
	}
	return false;
}

struct line {
	const char *start, *end;
	const char *at;    /* where the next phrase begins */
	struct word fault; /* the furthest word that no pattern admitted */
};

static bool matches(struct line *line, const char *pattern)
{
	const char *at = line->at;

	for (const char *item = pattern; item; item = strchr(item, ' ')) {
		struct word word = lex(line->start, at, line->end);

		item += *item == ' ';
		if (!item_admits(item, word)) {
			if (word.at >= line->fault.at)
				line->fault = word;
			return false;
		}
		at = word.at + word.size;
	}
	line->at = at;
	return true;
}

static bool line_valid(struct line *line)
{
	enum context inside[3] = { STATEMENT };
	size_t depth = 0;

	while (inside[0] == STATEMENT || line->at < line->end) {
		const struct phrase *phrase = contexts[inside[depth]];

		while (phrase->pattern && !matches(line, phrase->pattern))
			phrase++;
		if (!phrase->pattern)
			return false;
		if (phrase->then == CLOSE)
			depth--;
		else if (phrase->then)
			inside[depth] = phrase->then;
		if (phrase->opens)
			inside[++depth] = phrase->opens;
	}
	line->fault = (struct word){ line->end, 0 };
	return depth == 0;
}

static int explain(const struct line *line, struct helper_reply *reply)
{
	struct word word = line->fault;

	if (word.size > 0)
		return wire_refuse(reply, -EINVAL, "'%.*s' is not allowed here",
				   word.size < 40 ? (int)word.size : 40, word.at);
	return wire_refuse(reply, -EINVAL, "%s",
			   word.at == line->end
				   ? "the line ends too early"
				   : "a blank or a quote is where none may be");
}

int gate_check(const char *script, size_t size_bytes, struct helper_reply *reply)
{
	const char *stop = script + size_bytes;

	reply->line = 0;
	for (const char *at = script; at < stop;) {
		const char *end = memchr(at, '\n', (size_t)(stop - at));
		struct line line = { at, end ? end : stop, at, { at, 0 } };

		reply->line++;
		if (!line_valid(&line) || !end)
			return explain(&line, reply);
		at = end + 1;
	}
	reply->line = 0;
	return 0;
}
