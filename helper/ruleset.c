/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/ruleset.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <unistd.h>

#include "helper/gate.h"
#include "helper/wire.h"

/*
 * Which line it is, libnftables tells for files only. So look for the shortest
 * beginning that fails: the kernel tries each and, as the batch has no end, keeps
 * nothing of it.
 */
static uint32_t find_line(struct nft_ctx *nft, char *script, uint32_t lines)
{
	uint32_t good = 0;

	nft_ctx_set_dry_run(nft, true);
	while (lines - good > 1) {
		uint32_t middle = good + (lines - good) / 2;
		char *end = script;

		for (uint32_t line = 0; line < middle; line++)
			end = strchr(end, '\n') + 1;
		*--end = '\0';
		if (nft_run_cmd_from_buffer(nft, script) == 0)
			good = middle;
		else
			lines = middle;
		*end = '\n';
	}
	return lines;
}

static void run(char *script, struct helper_reply *reply)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	uint32_t lines = reply->line;
	const char *error;

	reply->line = 0;
	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		_exit(1);
	/* No file can be opened any more; an include has not even a place to look. */
	nft_ctx_clear_include_paths(nft);
	if (nft_run_cmd_from_buffer(nft, script) == 0)
		return;
	/* "Error: SENTENCE", and then lines that quote the script. */
	error = nft_ctx_get_error_buffer(nft);
	error += strncmp(error, "Error: ", 7) == 0 ? 7 : 0;
	wire_refuse(reply, -EINVAL, "%.*s", (int)strcspn(error, "\n"), error);
	if (lines <= RULESET_LINES_SEARCHED)
		reply->line = find_line(nft, script, lines);
}

/*
 * Safe with a hostile agent: what passed the gate can spell no table but inet vigil, no
 * file and no host, and filtering and NAT in that table is what the agent is trusted
 * with. libnftables may crash or exit on it; only this worker does.
 */
void ruleset_apply(const struct work *work, struct helper_reply *reply)
{
	char *script = strndup(work->payload, work->payload_bytes);

	if (!script)
		_exit(1);
	if (strlen(script) != work->payload_bytes)
		wire_refuse(reply, -EINVAL, "a NUL is in the script");
	else if (gate_check(script, reply) == 0)
		run(script, reply);
}
