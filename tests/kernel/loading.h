/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A random policy and its feeds, brought into this namespace's kernel by nft's library.
 */
#pragma once

#include <nftables/libnftables.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "compile/compile.h"
#include "compile/transition.h"
#include "policy/policy.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/random_policy.h"

static void add_elements(struct buffer *script, const struct image *image)
{
	for (size_t i = 0; i < image->set_count; i++) {
		const struct image_set *set = &image->sets[i];
		const struct address_set *addresses = set->addresses;
		size_t count = set->family == FAMILY_IPV4 ? addresses->count4
							  : addresses->count6;

		for (size_t j = 0; j < count; j++) {
			char text[RANGE_TEXT_MAX];

			range_format(set->family == FAMILY_IPV4
					     ? range4_wide(addresses->v4[j])
					     : range6_wide(addresses->v6[j]),
				     text);
			buffer_printf(script, "add element inet vigil %s { %s }\n",
				      set->name, text);
		}
	}
}

static void load_policy(struct nft_ctx *nft, const struct policy *policy,
			const struct address_set *feeds, int32_t utc_offset_s,
			bool plain)
{
	static const uint32_t generations[WORLD_FEEDS];
	auto_faults struct faults faults = FAULTS_NULL;
	auto_buffer struct buffer script = BUFFER_NULL;
	auto_image struct image *image = NULL;
	struct numbering *numbering = numbering_new();
	struct compile_input input = { .policy = policy,
				       .feeds = feeds,
				       .feed_generations = generations,
				       .numbering = numbering,
				       .utc_offset_s = utc_offset_s,
				       .plain = plain };

	probe_must(numbering && compile_policy(&input, &image, &faults) == 0,
		   "compile_policy");
	buffer_text(&script, "add table inet vigil\ndelete table inet vigil\n");
	transition_script(image, &script);
	add_elements(&script, image);
	numbering_free(numbering);
	if (script.error || nft_run_cmd_from_buffer(nft, script.data) != 0) {
		fprintf(stderr, "%s\n%s: nft refuses: %s\n", script.data,
			plain ? "plain" : "optimised", nft_ctx_get_error_buffer(nft));
		exit(1);
	}
}
