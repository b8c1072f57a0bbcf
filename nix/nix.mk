# SPDX-License-Identifier: GPL-2.0-or-later
# Nix: NIXPKGS=, a copy of nixpkgs or of nixpkgs.lib, lets make check-nix evaluate for real.

check-nix: all docs
	$Q tests/run tests/nix/check

nix-options:
	$Q tests/nix/check --options > docs/nixos-options.md.tmp && \
		mv docs/nixos-options.md.tmp docs/nixos-options.md

.PHONY: check-nix nix-options
