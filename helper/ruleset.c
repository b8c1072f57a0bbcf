/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/ruleset.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/gate.h"
#include "helper/wire.h"

/* "NAME:LINE:FROM-TO: Error: SENTENCE" and then lines that quote the script. */
static void explain(const char *text, struct helper_reply *reply)
{
	const char *error = strstr(text, "Error: "), *colon = strchr(text, ':');

	if (error && colon < error)
		reply->line = (uint32_t)strtoul(colon + 1, NULL, 10);
	text = error ? error + strlen("Error: ") : text;
	wire_refuse(reply, strstr(text, "No such file") ? -ENOENT : -EINVAL, "%.*s",
		    (int)strcspn(text, "\n"), text);
}

static void run(const char *script, struct helper_reply *reply)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		_exit(1);
	/* No file can be opened any more; an include has not even a place to look. */
	nft_ctx_clear_include_paths(nft);
	if (nft_run_cmd_from_buffer(nft, script) != 0)
		explain(nft_ctx_get_error_buffer(nft), reply);
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
