/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vigil version */
#include "base/buffer.h"
#include "cli/terminal.h"

int cmd_version(const struct arguments *arguments)
{
	struct buffer out = BUFFER_NULL;
	int code;

	(void)arguments;
	buffer_text(&out, "vigil " VERSION "\n");
	code = terminal_write(&out);
	buffer_done(&out);
	return code;
}
