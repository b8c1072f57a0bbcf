/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/ruleset.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/gate.h"
#include "helper/wire.h"

static struct nft_ctx *open_context(unsigned output_flags)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		_exit(1);
	/* No file can be opened any more; an include has not even a place to look. */
	nft_ctx_clear_include_paths(nft);
	nft_ctx_output_set_flags(nft, output_flags);
	return nft;
}

/* "NAME:LINE:FROM-TO: Error: SENTENCE" and then lines that quote the script. */
static void explain(const char *text, struct helper_reply *reply)
{
	const char *error = strstr(text, "Error: ");
	const char *colon = strchr(text, ':');

	if (error && colon && colon < error)
		reply->line = (uint32_t)strtoul(colon + 1, NULL, 10);
	error = error ? error + strlen("Error: ") : text;
	wire_refuse(reply, -EINVAL, "%.*s", (int)strcspn(error, "\n"), error);
}

/*
 * Safe with a hostile agent: what passed the gate can spell no table but inet vigil, no
 * file and no host, and filtering and NAT in that table is what the agent is trusted
 * with. libnftables may crash or exit on it; only this worker does.
 */
void ruleset_apply(const struct work *work, struct helper_reply *reply)
{
	char *script;
	struct nft_ctx *nft;

	if (gate_check(work->payload, work->payload_bytes, reply) < 0)
		return;
	script = strndup(work->payload, work->payload_bytes);
	if (!script)
		_exit(1);
	nft = open_context(0);
	if (nft_run_cmd_from_buffer(nft, script))
		explain(nft_ctx_get_error_buffer(nft), reply);
}

/*
 * Safe: a fixed command, and of Vigil's own table alone. The descriptor is a memfd that
 * the helper made.
 */
void ruleset_list(const struct work *work, struct helper_reply *reply)
{
	struct nft_ctx *nft = open_context(NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE |
					   NFT_CTX_OUTPUT_NUMERIC_ALL);
	const char *text;

	if (nft_run_cmd_from_buffer(nft, "list table inet vigil")) {
		explain(nft_ctx_get_error_buffer(nft), reply);
		if (strstr(reply->text, "No such file"))
			reply->status = -ENOENT;
		return;
	}
	text = nft_ctx_get_output_buffer(nft);
	for (size_t left = strlen(text); left > 0;) {
		ssize_t put = write(work->fd, text, left);

		if (put <= 0)
			_exit(1);
		text += put;
		left -= (size_t)put;
	}
}
