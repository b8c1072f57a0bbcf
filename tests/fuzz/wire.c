/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of elements and requests: nothing outside the input is read. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct helper_request request = { 0 };
	char *payload = malloc(size + 1); /* aligned, and an overrun shows */

	assert(payload);
	memcpy(payload, data, size);
	for (size_t at = 0, step; at < size; at += step) {
		step = wire_block_check(payload + at, size - at);
		assert(step <= size - at && step % 8 == 0);
		if (!step)
			break;
	}
	memcpy(&request, data, size < sizeof(request) ? size : sizeof(request));
	wire_request_valid(&request, size % 4);
	free(payload);
	return 0;
}
