/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/syntax.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "base/text.h"

/* YAML 1.1, 5.1: the characters a stream may hold. */
static bool admitted(uint32_t character)
{
	return character == '\t' || character == '\n' || character == '\r' ||
	       (character >= 0x20 && character <= 0x7e) || character == 0x85 ||
	       (character >= 0xa0 && character <= 0xd7ff) ||
	       (character >= 0xe000 && character <= 0xfffd && character != 0xfeff) ||
	       (character >= 0x10000 && character <= 0x10ffff);
}

static int refuse_byte(struct faults *faults, struct position position,
		       unsigned char byte)
{
	return faults_add(faults, position,
			  "byte 0x%02x is not UTF-8: save the file as UTF-8 text",
			  byte);
}

static int refuse_character(struct faults *faults, struct position position,
			    uint32_t character)
{
	if (character == 0)
		return faults_add(faults, position,
				  "a NUL byte cannot stand in a policy");
	return faults_add(faults, position,
			  "control character U+%04X cannot stand in a policy",
			  character);
}

/* Looking up %TAG handles takes libyaml a time that grows with their square, and none
 * of the directives means anything to a policy. */
static int refuse_directive(struct faults *faults, struct position position)
{
	return faults_add(faults, position,
			  "a line cannot begin with \"%%\": directives are not "
			  "supported");
}

static int check_character(struct faults *faults, struct position position,
			   uint32_t character)
{
	if (!admitted(character))
		return refuse_character(faults, position, character);
	if (character == '%' && position.column == 1)
		return refuse_directive(faults, position);
	return 0;
}

int syntax_check_bytes(const char *text, size_t size_bytes, struct faults *faults)
{
	struct position position = { 1, 1 };

	for (size_t used = 0; used < size_bytes;) {
		uint32_t character;
		size_t size = text_decode(text + used, size_bytes - used, &character);
		unsigned char byte = (unsigned char)text[used];
		int error;

		if (size == 1 && byte >= 0x80)
			return refuse_byte(faults, position, byte);
		error = check_character(faults, position, character);
		if (error)
			return error;
		used += size;
		position.column++;
		if (text_breaks_line(character) &&
		    !(character == '\r' && used < size_bytes && text[used] == '\n')) {
			position.line++;
			position.column = 1;
		}
	}
	return 0;
}

/* Which place helps: where it failed, where the thing began that failed, or both. */
enum place { HELPS_HERE, HELPS_START, HELPS_NAMED };

/* What libyaml says, and what to do about it. */
static const struct {
	const char *problem;
	const char *sentence;
	enum place place;
} sentences[] = {
	{ "found character that cannot start any token",
	  "a value cannot begin with this character: put it in quotes", HELPS_HERE },
	{ "block sequence entries are not allowed in this context",
	  "a list item (\"- \") cannot stand here: begin the list on a line of its own",
	  HELPS_HERE },
	{ "mapping keys are not allowed in this context", "a key cannot stand here",
	  HELPS_HERE },
	{ "mapping values are not allowed in this context",
	  "a \":\" cannot stand here: check the indentation, and put text that holds "
	  "\": \" in quotes",
	  HELPS_HERE },
	{ "could not find expected ':'",
	  "this line needs a \":\" after its key, or other indentation", HELPS_START },
	{ "found unexpected end of stream", "this quoted text has no closing quote",
	  HELPS_START },
	{ "found unexpected document indicator",
	  "this quoted text has no closing quote", HELPS_START },
	{ "found unknown escape character",
	  "this escape is not known: write a backslash as \"\\\\\", or use single "
	  "quotes",
	  HELPS_HERE },
	{ "did not find expected hexdecimal number",
	  "this escape needs hexadecimal digits", HELPS_HERE },
	{ "found invalid Unicode character escape code",
	  "this escape is not a character", HELPS_HERE },
	{ "did not find expected alphabetic or numeric character",
	  "an anchor (&NAME) or alias (*NAME) needs a name: put text that begins with "
	  "& or * in quotes",
	  HELPS_HERE },
	{ "did not find expected <document start>",
	  "this stands after the end of the document", HELPS_HERE },
	{ "did not find expected node content", "a value is missing here", HELPS_HERE },
	{ "did not find expected '-' indicator",
	  "a list item (\"- \") should begin here: check the indentation", HELPS_HERE },
	{ "did not find expected key",
	  "a key should begin here: check the indentation and the quotes", HELPS_HERE },
	{ "did not find expected ',' or ']'",
	  "a \",\" or the closing \"]\" is missing before this; the list",
	  HELPS_NAMED },
	{ "did not find expected ',' or '}'",
	  "a \",\" or the closing \"}\" is missing before this; the map", HELPS_NAMED },
	{ "found a tab character where an indentation space is expected",
	  "a tab cannot indent: use blanks", HELPS_HERE },
	{ "found a tab character that violates indentation",
	  "a tab cannot indent: use blanks", HELPS_HERE },
	{ "did not find expected comment or line break",
	  "nothing but a comment may follow here", HELPS_HERE },
	{ "found undefined tag handle", "tags are not supported: remove this one",
	  HELPS_START },
};

/* An address, and how many bytes of it stand before the place that YAML names. */
struct address_text {
	char text[RANGE_TEXT_MAX];
	size_t before;
};

static struct position position_of(yaml_mark_t mark)
{
	return (struct position){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static bool meets_tab(const struct yaml_parser_s *parser)
{
	return parser->error == YAML_SCANNER_ERROR &&
	       parser->buffer.pointer < parser->buffer.last &&
	       *parser->buffer.pointer == '\t';
}

/* The byte of character number @index. */
static size_t offset_of(const char *text, size_t size_bytes, size_t index)
{
	size_t offset = 0;
	uint32_t character;

	while (index-- > 0 && offset < size_bytes)
		offset += text_decode(text + offset, size_bytes - offset, &character);
	return offset;
}

static bool in_address(char c)
{
	return c && strchr("0123456789abcdefABCDEF:./", c);
}

static bool delimits(char c)
{
	return c && strchr(" \t\r\n[]{},", c);
}

/* The address around byte @offset that YAML does not take for a word. Return: false
 * when there is none. */
static bool find_address(const char *text, size_t size_bytes, size_t offset,
			 struct address_text *ret)
{
	size_t start = offset, end = offset;
	struct address_range range;

	while (start > 0 && in_address(text[start - 1]))
		start--;
	while (end < size_bytes && in_address(text[end]))
		end++;
	if (end - start >= sizeof(ret->text) ||
	    (start > 0 && !delimits(text[start - 1])) ||
	    (end < size_bytes && !delimits(text[end])))
		return false;
	memcpy(ret->text, text + start, end - start);
	ret->text[end - start] = '\0';
	ret->before = offset - start;
	return strstr(ret->text, "::") &&
	       range_parse(ret->text, &range) != RANGE_NOT_ADDRESS;
}

/* Whether an address is to blame; then that is noted. */
static bool blame_address(const char *text, size_t size_bytes, yaml_mark_t mark,
			  struct faults *faults)
{
	struct position position = position_of(mark);
	struct address_text address;

	if (!find_address(text, size_bytes, offset_of(text, size_bytes, mark.index),
			  &address))
		return false;
	position.column -= (uint32_t)address.before;
	faults_add(faults, position,
		   "an address that begins or ends with \":\" needs quotes: write "
		   "\"%s\"",
		   address.text);
	return true;
}

int syntax_add_fault(const struct yaml_parser_s *parser, const char *text,
		     size_t size_bytes, struct faults *faults)
{
	struct position position = position_of(parser->problem_mark);
	const char *problem = parser->problem ? parser->problem : "it cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return faults_add(faults, (struct position){ 0, 0 },
				  "this is not YAML: %s", problem);
	if (blame_address(text, size_bytes, parser->problem_mark, faults))
		return -EINVAL;
	if (meets_tab(parser))
		return faults_add(faults, position, "a tab cannot indent: use blanks");
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		if (strcmp(problem, sentences[i].problem) != 0)
			continue;
		if (sentences[i].place == HELPS_START && parser->context)
			position = position_of(parser->context_mark);
		if (sentences[i].place == HELPS_NAMED && parser->context)
			return faults_add(faults, position, "%s begins in line %u",
					  sentences[i].sentence,
					  position_of(parser->context_mark).line);
		return faults_add(faults, position, "%s", sentences[i].sentence);
	}
	return faults_add(faults, position, "this is not YAML: %s", problem);
}
