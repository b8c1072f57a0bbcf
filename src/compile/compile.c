/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "compile/build.h"
#include "compile/frame.h"
#include "compile/image.h"
#include "compile/nat.h"

static void build_done(struct build *build)
{
	image_free(build->image);
	arena_done(&build->scratch);
	buffer_done(&build->rules);
}

static int build_init(struct build *build, const struct compile_input *input,
		      struct faults *faults)
{
	uint32_t mask = input->policy->flows.mark_mask;
	uint32_t limit;

	build->input = input;
	build->policy = input->policy;
	build->faults = faults;
	build->mark_shift = (unsigned int)__builtin_ctz(mask);
	limit = mask >> build->mark_shift;
	build->number_limit = limit < NUMBER_MAX ? limit : NUMBER_MAX;
	build->image = calloc(1, sizeof(*build->image));
	build->has_decider = build_alloc(build, NUMBER_MAX + 1, sizeof(bool));
	build->has_chain = build_alloc(build, NUMBER_MAX + 1, sizeof(bool));
	if (!build->image || build->error)
		return -ENOMEM;
	build->image->mark_mask = mask;
	return 0;
}

static int build_image(struct build *build, const struct compile_input *input,
		       struct faults *faults)
{
	int r = build_init(build, input, faults);

	if (r < 0)
		return r;
	r = lower_policy(build);
	if (r < 0)
		return r;
	frame_emit(build);
	nat_emit(build);
	if (build->error)
		return build->error;
	return build->numberless ? -ENOSPC : 0;
}

/* Who has a number is only known when all were asked for. */
static int build_again(struct build *build, const struct compile_input *input,
		       struct faults *faults)
{
	int r;

	build_done(build);
	*build = (struct build){ 0 };
	r = numbering_reuse(input->numbering);
	if (r == 0)
		r = build_image(build, input, faults);
	if (r == -ENOSPC)
		return faults_add(faults, (struct position){ 0 },
				  "the connection mark's mask 0x%08x has no number "
				  "left for this policy's rules",
				  input->policy->flows.mark_mask);
	return r;
}

int compile_policy(const struct compile_input *input, struct image **ret,
		   struct faults *faults)
{
	auto_call(build_done) struct build build = { 0 };
	int r;

	numbering_begin(input->numbering);
	r = build_image(&build, input, faults);
	if (r == -ENOSPC)
		r = build_again(&build, input, faults);
	if (r == 0)
		r = image_finish(build.image, &build.rules);
	if (r < 0)
		return r;
	*ret = take(build.image);
	return 0;
}
