# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package: make deb.

# Built of a copy of what git knows, as the packager's tools write beside their tree.
DEB_ARCH := $(shell dpkg --print-architecture 2>/dev/null)
DEB := build/vigil_$(VERSION)_$(DEB_ARCH).deb
DEB_TREE := build/deb/vigil-$(VERSION)
DEB_SOURCE := $(wildcard $(filter-out tests/% .ci/%,$(shell git ls-files -co --exclude-standard 2>/dev/null)))
deb: deps-deb
	$Q$(MAKE) --no-print-directory $(DEB)

$(DEB): $(DEB_SOURCE)
	$Q[ "$$(dpkg-parsechangelog -S Version)" = $(VERSION) ] || \
		{ echo 'debian/changelog is not about version $(VERSION)' >&2; exit 1; }
	$Qrm -rf build/deb && mkdir -p $(DEB_TREE)
	$Qtar -c $(DEB_SOURCE) | tar -x -C $(DEB_TREE)
	$(SAY) DEB $@
	$Qcd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL -u VIGIL_BUILD -u V -u SAN \
		DEB_BUILD_OPTIONS='nocheck noautodbgsym' \
		dpkg-buildpackage -b --no-sign -j$(shell nproc) > ../log 2>&1 || \
		{ tail -n 30 ../log >&2; exit 1; }
	$Qcp build/deb/*.deb build/

deps-deb:
	@tests/deps deb

.PHONY: deb deps-deb
