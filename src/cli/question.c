/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/question.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

/* A zone's interface is known by its name, any other is as good as all others. */
static void name_side(char out[static INTERFACE_MAX_CHARS + 1], const char *interface,
		      const char *zone)
{
	if (interface[0])
		strcpy(out, zone[0] ? interface : "none");
}

static void name_moment(char out[static sizeof("Mon 00:00")], uint32_t week_s)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed",
					    "Thu", "Fri", "Sat" };
	uint32_t minute = week_s / 60 % (24 * 60);

	snprintf(out, sizeof("Mon 00:00"), "%s %02u:%02u",
		 days[week_s / (24 * 60 * 60) % 7], minute / 60 % 24, minute % 60);
}

/* Whether explain takes it for the packet that it is. */
static bool understood(const struct question *question, const struct policy *policy,
		       const struct witness *witness)
{
	const struct packet_way way = {
		.in = question->in[0] ? question->in : NULL,
		.out = question->out[0] ? question->out : NULL,
		.in_key = "--in",
		.out_key = "--out",
	};
	auto_faults struct faults faults = FAULTS_NULL;
	struct packet packet;

	if (packet_parse(question->packet, &packet, &faults) < 0 ||
	    packet_settle(policy, &way, &packet, &faults) < 0)
		return false;
	return packet.direction == witness->direction ||
	       (packet.forward && witness->direction == DIRECTION_INPUT);
}

/* Where a packet to this machine is forwarded by one policy and not by the other, its
 * way out is of no matter here, or has to be some. */
static bool find_way(const struct witness *witness, const struct policy *policy,
		     struct question *question)
{
	bool known = question->out[0];

	if (understood(question, policy, witness))
		return true;
	if (witness->direction != DIRECTION_INPUT)
		return false;
	strcpy(question->out, known ? "" : "none");
	return understood(question, policy, witness);
}

static void add_option(struct question *question, const char *option, const char *value)
{
	if (!value[0])
		return;
	question->words[question->word_count++] = option;
	question->words[question->word_count++] = value;
}

bool question_make(const struct witness *witness, const struct policy *policy,
		   struct question *ret)
{
	struct packet packet;

	*ret = (struct question){ .word_count = 0 };
	witness_packet(witness, &packet);
	packet_line(&packet, ret->packet);
	name_side(ret->in, witness->in_interface, witness->in_zone);
	name_side(ret->out, witness->out_interface, witness->out_zone);
	if (witness->unknown_feed ||
	    witness->source.value == witness->destination.value ||
	    !find_way(witness, policy, ret))
		return false;
	if (witness->timed)
		name_moment(ret->at, witness->week_s);
	ret->words[ret->word_count++] = ret->packet;
	add_option(ret, "--in", ret->in);
	add_option(ret, "--out", ret->out);
	add_option(ret, "--at", ret->at);
	return true;
}

/* Quoted where a shell would make something else of it. */
static void write_word(struct buffer *out, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_./:@%+,";

	if (word[0] && word[strspn(word, plain)] == '\0') {
		buffer_text(out, word);
		return;
	}
	buffer_text(out, "'");
	for (const char *at = word; *at; at++) {
		if (*at == '\'')
			buffer_text(out, "'\\''");
		else
			buffer_add(out, at, 1);
	}
	buffer_text(out, "'");
}

void question_write(const struct question *question, const char *path,
		    struct buffer *out)
{
	char safe[PATH_MAX];

	buffer_text(out, "vigil explain");
	for (size_t i = 0; i < question->word_count; i++) {
		buffer_text(out, " ");
		write_word(out, question->words[i]);
	}
	if (!path)
		return;
	text_copy_printable(safe, sizeof(safe), path);
	buffer_text(out, " -p ");
	write_word(out, safe);
}
