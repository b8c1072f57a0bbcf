/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/scalar.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/quote.h"

/* Digits at the start of @text. Return: how many, 0 when there are none or too many. */
static size_t leading_number(const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	*ret = 0;
	if (digits > 15)
		return 0;
	for (size_t i = 0; i < digits; i++)
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	return digits;
}

bool parse_decimal(const char *text, uint32_t *ret)
{
	uint64_t value;
	size_t digits = leading_number(text, &value);

	if (digits == 0 || text[digits] || value > UINT32_MAX)
		return false;
	if (digits > 1 && text[0] == '0')
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool scalar_number(struct reader *reader, const struct node *node, const char *what,
		   uint32_t least, uint32_t most, uint32_t *ret)
{
	const char *text = reader_value(reader, node, what);

	if (!text)
		return false;
	if (parse_decimal(text, ret) && *ret >= least && *ret <= most)
		return true;
	faults_add(reader->faults, node->position,
		   "%s is a number from %" PRIu32 " to %" PRIu32 ", not %s", what,
		   least, most, quote(text).text);
	return false;
}

bool scalar_bool(struct reader *reader, const struct node *node, const char *what,
		 bool *ret)
{
	static const char *const words[] = {
		"false", "true", "no", "yes", "off", "on"
	};
	const char *text = reader_value(reader, node, what);

	if (!text)
		return false;
	for (size_t i = 0; node->plain && i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		*ret = i % 2;
		return true;
	}
	faults_add(reader->faults, node->position, "%s is true or false%s, not %s",
		   what, node->plain ? "" : " without quotes", quote(text).text);
	return false;
}

struct unit {
	const char *name;
	uint64_t value;
};

/* A number and a unit. Return: false when it is none or above 2^63. */
static bool parse_with_unit(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t number;
	size_t digits = leading_number(text, &number);

	for (; digits > 0 && units->name; units++) {
		if (strcmp(text + digits, units->name) != 0)
			continue;
		if (number > INT64_MAX / units->value)
			return false;
		*ret = number * units->value;
		return true;
	}
	return false;
}

/* The bound in the largest unit that divides it. */
static struct quoted with_unit(uint64_t value, const struct unit *units)
{
	const struct unit *best = units;
	struct quoted shown;

	for (; units->name; units++)
		if (value % units->value == 0 && units->value > best->value)
			best = units;
	snprintf(shown.text, sizeof(shown.text), "%" PRIu64 "%s", value / best->value,
		 best->name);
	return shown;
}

static bool read_with_unit(struct reader *reader, const struct node *node,
			   const char *what, const char *form, const struct unit *units,
			   uint64_t least, uint64_t most, uint64_t *ret)
{
	const char *text = reader_value(reader, node, what);

	if (!text)
		return false;
	if (!parse_with_unit(text, units, ret)) {
		faults_add(reader->faults, node->position, "%s is %s, not %s", what,
			   form, quote(text).text);
		return false;
	}
	if (*ret >= least && *ret <= most)
		return true;
	faults_add(reader->faults, node->position, "%s goes from %s to %s, not %s",
		   what, with_unit(least, units).text, with_unit(most, units).text,
		   quote(text).text);
	return false;
}

bool scalar_duration(struct reader *reader, const struct node *node, const char *what,
		     uint32_t least_s, uint32_t most_s, uint32_t *ret_s)
{
	static const struct unit units[] = {
		{ "s", 1 },     { "m", 60 },        { "h", 3600 },
		{ "d", 86400 }, { "w", 7 * 86400 }, { NULL, 0 },
	};
	uint64_t value;

	if (!read_with_unit(reader, node, what,
			    "a number with s, m, h, d or w such as 30d", units, least_s,
			    most_s, &value))
		return false;
	*ret_s = (uint32_t)value;
	return true;
}

bool scalar_size(struct reader *reader, const struct node *node, const char *what,
		 uint64_t least_bytes, uint64_t most_bytes, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "KiB", 1ull << 10 }, { "MiB", 1ull << 20 },   { "GiB", 1ull << 30 },
		{ "TiB", 1ull << 40 }, { "KB", 1000 },          { "MB", 1000000 },
		{ "GB", 1000000000 },  { "TB", 1000000000000 }, { NULL, 0 },
	};

	return read_with_unit(reader, node, what,
			      "a number with KiB, MiB, GiB, TiB, KB, MB, GB or TB such "
			      "as 1GiB",
			      units, least_bytes, most_bytes, ret_bytes);
}

/* @digits: of the number that the text begins with. */
static void refuse_rate(struct reader *reader, const struct node *node, size_t digits)
{
	static const char *const names[] = { "/second", "/minute", "/hour", "/day" };
	const char *unit = node->text + digits;
	struct quoted hint = { "" };

	for (size_t i = 0; digits > 0 && i < ARRAY_SIZE(names); i++)
		if (strncasecmp(unit, names[i], 2) == 0 && strcmp(unit, names[i]) != 0)
			snprintf(hint.text, sizeof(hint.text),
				 "; did you mean \"%.*s%s\"?", (int)digits, node->text,
				 names[i]);
	faults_add(reader->faults, node->position,
		   "rate is N/second, N/minute, N/hour or N/day with N from 1 to "
		   "1000000, not %s%s",
		   quote(node->text).text, hint.text);
}

bool scalar_rate(struct reader *reader, const struct node *node, uint32_t *ret_count,
		 uint32_t *ret_period_s)
{
	static const struct unit units[] = {
		{ "/second", 1 },
		{ "/minute", 60 },
		{ "/hour", 3600 },
		{ "/day", 86400 },
	};
	const char *text = reader_value(reader, node, "rate");
	uint64_t number;
	size_t digits;

	if (!text)
		return false;
	digits = leading_number(text, &number);
	for (size_t i = 0; digits > 0 && i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (number < 1 || number > 1000000)
			break;
		*ret_count = (uint32_t)number;
		*ret_period_s = (uint32_t)units[i].value;
		return true;
	}
	refuse_rate(reader, node, digits);
	return false;
}

static bool two_digits(const char *text)
{
	return isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]);
}

bool scalar_clock(struct reader *reader, const struct node *node, const char *what,
		  uint32_t *ret_s)
{
	const char *text = reader_value(reader, node, what);
	unsigned int hours, minutes;

	if (!text)
		return false;
	if (strlen(text) == 5 && two_digits(text) && text[2] == ':' &&
	    two_digits(text + 3)) {
		hours = (unsigned int)atoi(text);
		minutes = (unsigned int)atoi(text + 3);
		*ret_s = hours * 3600 + minutes * 60;
		if (minutes < 60 && *ret_s <= 86400)
			return true;
	}
	faults_add(reader->faults, node->position,
		   "%s is a time of day from 00:00 to 24:00 such as 08:30, not %s",
		   what, quote(text).text);
	return false;
}

/* @whole: the word that @text is a part of. */
static bool parse_port(struct reader *reader, struct position position,
		       const char *whole, const char *text, uint16_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	uint32_t value;

	if (digits == 0 || text[digits])
		faults_add(
			reader->faults, position,
			"%s is not a port: write a number from 1 to 65535 or a range "
			"such as 8000-8080",
			quote(whole).text);
	else if (digits > 1 && text[0] == '0')
		faults_add(reader->faults, position,
			   "port %.20s begins with a zero: leave it out", text);
	else if (!parse_decimal(text, &value) || value < 1 || value > 65535)
		faults_add(reader->faults, position,
			   "port %.20s is out of range: ports go from 1 to 65535",
			   text);
	else {
		*ret = (uint16_t)value;
		return true;
	}
	return false;
}

/* Lists and ranges in forms that are not YAML's or ours. */
static bool refuse_form(struct reader *reader, struct position position,
			const char *text)
{
	size_t first = strspn(text, "0123456789");

	if (strpbrk(text, ", ") && strspn(text, "0123456789-, ") == strlen(text)) {
		faults_add(reader->faults, position,
			   "several ports are a list: write %s", as_list(text).text);
		return true;
	}
	if (first < 1 || first > 5 || text[first] != ':' ||
	    strspn(text + first + 1, "0123456789") != strlen(text + first + 1))
		return false;
	faults_add(reader->faults, position, "a range has a dash: write %.*s-%.5s",
		   (int)first, text, text + first + 1);
	return true;
}

bool parse_ports(struct reader *reader, struct position position, const char *text,
		 struct port_range *ret)
{
	const char *dash = strchr(text, '-');
	char first[24];

	if (refuse_form(reader, position, text))
		return false;
	if (!dash || dash == text || (size_t)(dash - text) >= sizeof(first)) {
		if (!parse_port(reader, position, text, text, &ret->first))
			return false;
		ret->last = ret->first;
		return true;
	}
	*stpncpy(first, text, (size_t)(dash - text)) = '\0';
	if (!parse_port(reader, position, text, first, &ret->first) ||
	    !parse_port(reader, position, text, dash + 1, &ret->last))
		return false;
	if (ret->first <= ret->last)
		return true;
	faults_add(reader->faults, position, "ports %u-%u are reversed: write %u-%u",
		   ret->first, ret->last, ret->last, ret->first);
	return false;
}

bool scalar_ports(struct reader *reader, const struct node *node,
		  struct port_range *ret)
{
	const char *text = reader_text(reader, node, "a port");

	return text && parse_ports(reader, node->position, text, ret);
}

/* Hexadecimal with 0x, or decimal. */
static bool parse_mask(const char *text, uint32_t *ret)
{
	size_t digits;

	if (strncmp(text, "0x", 2) != 0)
		return parse_decimal(text, ret);
	digits = strspn(text + 2, "0123456789abcdefABCDEF");
	if (digits < 1 || digits > 8 || text[2 + digits])
		return false;
	*ret = (uint32_t)strtoul(text, NULL, 16);
	return true;
}

bool scalar_mask(struct reader *reader, const struct node *node, uint32_t *ret)
{
	const char *text = reader_value(reader, node, "mark");
	uint32_t lowest;

	if (!text)
		return false;
	if (parse_mask(text, ret) && __builtin_popcount(*ret) >= 8) {
		lowest = *ret & -*ret;
		/* Adding the lowest bit carries through all of them if they touch. */
		if (((*ret + lowest) & *ret) == 0)
			return true;
	}
	faults_add(reader->faults, node->position,
		   "mark is a mask of at least 8 bits that stand together, such as "
		   "0xffff0000, not %s",
		   quote(text).text);
	return false;
}
