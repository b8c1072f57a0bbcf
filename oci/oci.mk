# SPDX-License-Identifier: GPL-2.0-or-later
# Containers: make oci; OUT=DIR writes archives as well.

oci: all
	$Q oci/build --programs $B $(if $(OUT),--out $(OUT))

check-oci: all
	$Q tests/run tests/oci/check

deps-oci:
	@tests/deps oci

.PHONY: oci check-oci deps-oci
