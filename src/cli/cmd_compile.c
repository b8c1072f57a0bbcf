/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil compile */
#include <errno.h>

#include "base/buffer.h"
#include "cli/draft.h"
#include "cli/terminal.h"
#include "compile/transition.h"

static void print_set(const struct image_set *set, struct buffer *out)
{
	const struct address_set *addresses = set->addresses;
	char text[RANGE_TEXT_MAX];

	buffer_printf(out, "SET %s\n", set->name);
	for (size_t i = 0; set->family == FAMILY_IPV4 && i < addresses->count4; i++) {
		buffer_text(out, range_format(range4_wide(addresses->v4[i]), text));
		buffer_text(out, "\n");
	}
	for (size_t i = 0; set->family == FAMILY_IPV6 && i < addresses->count6; i++) {
		buffer_text(out, range_format(range6_wide(addresses->v6[i]), text));
		buffer_text(out, "\n");
	}
}

static int run(const struct arguments *arguments, struct draft *draft)
{
	auto_buffer struct buffer out = BUFFER_NULL;
	const struct image *image;
	int error;

	terminal_progress("compiling");
	error = draft_read(arguments, draft);
	terminal_progress(NULL);
	if (error && error != -EINVAL)
		return terminal_no_memory();
	if (draft_show_faults(draft, arguments) != EXIT_DONE)
		return EXIT_FAILED;
	image = draft->candidate->image;
	if (!arguments_has(arguments, OPTION_ELEMENTS))
		transition_script(image, &out);
	for (size_t i = 0;
	     arguments_has(arguments, OPTION_ELEMENTS) && i < image->set_count; i++)
		print_set(&image->sets[i], &out);
	return terminal_write(&out);
}

int cmd_compile(const struct arguments *arguments)
{
	struct draft draft = DRAFT_NULL;
	int code = run(arguments, &draft);

	draft_done(&draft);
	return code;
}
